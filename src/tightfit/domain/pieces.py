"""What has been encoded: parts of segments, each with the size of every frame in it.

Frame numbers count the plan's frames from 0; a range is ``[first, last)``. A segment is covered by one
part, or by the beginning of one part and newer ones after it: a closed GOP may be cut wherever the
frames decoded so far are exactly the frames shown so far (the prefix cut).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate


@dataclass(frozen=True)
class Part:
    """One encode, used up to its ``kept``-th packet.

    ``sizes`` (payload bytes), ``ranks`` (position in presentation order) and ``keys`` (IDR pictures) stand in
    decode order.
    """

    path: str
    first: int
    crf: float
    sizes: tuple[int, ...]
    ranks: tuple[int, ...]
    keys: tuple[bool, ...]
    kept: int

    @property
    def last(self) -> int:
        return self.first + self.kept

    @cached_property
    def _sums(self) -> tuple[int, ...]:
        return (0, *accumulate(self.sizes))

    @property
    def bytes(self) -> int:
        return self._sums[self.kept]

    @property
    def idr_bytes(self) -> int:
        """Bytes of the IDR pictures among the kept ones."""
        return sum(size for size, key in zip(self.sizes[: self.kept], self.keys, strict=False) if key)

    def idrs(self) -> list[tuple[int, int]]:
        """(frame number, bytes) of every kept IDR picture; in a closed GOP decode and presentation rank agree there."""
        return [(self.first + n, self.sizes[n]) for n in range(self.kept) if self.keys[n]]

    def bytes_up_to(self, kept: int) -> int:
        return self._sums[kept]

    @cached_property
    def closed_prefixes(self) -> tuple[int, ...]:
        """Packet counts after which the part may be cut: the first n decoded frames are the first n shown."""
        highest = accumulate(self.ranks, max)
        return tuple(n for n, top in enumerate(highest, start=1) if top == n - 1)

    def cut(self, kept: int) -> Part:
        """This part up to its ``kept``-th packet; raises ValueError where that prefix is not closed."""
        if kept != len(self.ranks) and kept not in self.closed_prefixes:
            raise ValueError(f"{kept} packets are not a closed prefix")
        return replace(self, kept=kept)


@dataclass(frozen=True)
class Variant:
    """One complete way to cover the frames ``[first, last)`` of a segment."""

    parts: tuple[Part, ...]

    @property
    def first(self) -> int:
        return self.parts[0].first

    @property
    def last(self) -> int:
        return self.parts[-1].last

    @property
    def frames(self) -> int:
        return self.last - self.first

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)

    @property
    def crf(self) -> float:
        """Mean over the frames."""
        return sum(part.crf * part.kept for part in self.parts) / self.frames

    def with_tail(self, tail: Part) -> Variant:
        """This variant up to ``tail.first``, then ``tail``; raises ValueError where no closed cut is there."""
        parts: list[Part] = []
        for part in self.parts:
            if part.last <= tail.first:
                parts.append(part)
            elif part.first < tail.first:
                parts.append(part.cut(tail.first - part.first))
        return Variant((*parts, tail))


@dataclass(frozen=True)
class Segment:
    """Frames ``[first, last)`` between two places where the encoder itself puts an IDR picture."""

    index: int
    first: int
    last: int

    @property
    def frames(self) -> int:
        return self.last - self.first
