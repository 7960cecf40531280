"""From a submitted render to what has to be done, or why it can't be. Pure: the asset's facts are handed in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tightfit.domain.draft import Cut, InvalidDraft, cut_of
from tightfit.domain.request import Resolution
from tightfit.server.wire import Encode, RenderOutput

CRF_OF_QUALITY = {"high": 20.0, "medium": 24.0, "low": 28.0}
_FULL_LINES = 1080
_OWN_ADDRESS = re.compile(r"https?://[^/?#]+/media/a/([A-Za-z0-9_-]{1,64})(?:\?[^#]*)?")


@dataclass(frozen=True)
class Work:
    """What one render makes: exactly one of a piece (``encode``), a file to a size, or a file at a quality."""

    asset: str
    start_s: float
    end_s: float | None
    crf: float
    bound: Resolution
    target_bytes: int | None
    encode: Encode | None
    warnings: tuple[str, ...]

    @property
    def is_trimmed(self) -> bool:
        return self.start_s > 0 or self.end_s is not None


def asset_named(cut: Cut) -> str:
    """The id of the asset that the draft's segment shows. Raises InvalidDraft for an address that is not ours."""
    if cut.asset:
        return cut.asset
    own = _OWN_ADDRESS.fullmatch(cut.source)
    if own is None:
        raise InvalidDraft("The segment's source (src) is no asset of this server: upload it first.")
    return own[1]


def work_of(draft: Any, output: RenderOutput, facts: Mapping[str, Any] | None) -> Work:
    """Raises InvalidDraft. ``facts`` are the asset's as the API shows them; None where the user has no such asset."""
    cut = cut_of(draft)
    asset = asset_named(cut)
    if facts is None:
        raise InvalidDraft("The segment's source (src) names no asset of yours.")
    if facts["file_type"] != "video":
        raise InvalidDraft("The segment's source is no video.")
    duration_ms = round(float(facts["duration"]) * 1000)
    if cut.start_ms >= duration_ms:
        raise InvalidDraft(f"The segment begins at {cut.start_ms} ms of a source that lasts {duration_ms} ms.")
    whole = cut.end_ms is None or cut.end_ms >= duration_ms
    warnings = ("The frame rate of the source is kept; fps is not changed here.",) if output.fps else ()
    return Work(
        asset=asset,
        start_s=cut.start_ms / 1000,
        end_s=None if whole or cut.end_ms is None else cut.end_ms / 1000,
        crf=output.crf if output.crf is not None else CRF_OF_QUALITY[output.quality],
        bound=_bound(cut, output, facts["width"] < facts["height"]),
        target_bytes=output.target_bytes or cut.target_bytes,
        encode=output.encode,
        warnings=warnings,
    )


def _bound(cut: Cut, output: RenderOutput, upright: bool) -> Resolution:
    """An upper bound on both sides: what is asked for, within what the draft's canvas and 1080p leave."""
    if output.resolution == "original":
        return Resolution()
    if output.resolution and "x" in output.resolution:
        width, height = map(int, output.resolution.split("x"))
        return Resolution(width, height)
    lines = int(output.resolution[:-1]) if output.resolution else _FULL_LINES
    if cut.canvas and not output.resolution:
        lines = min(lines, *cut.canvas)
    long = 2 * round(lines * 8 / 9)
    return Resolution(lines, long) if upright else Resolution(long, lines)
