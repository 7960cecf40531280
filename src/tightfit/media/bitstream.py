"""Which module knows how a format's pictures are stored."""

from __future__ import annotations

from typing import Protocol, cast

from tightfit.media import av1, hevc, nal


class Form(Protocol):
    """From what an encoder gives to what containers store: its pictures, and its description of them all.

    Pieces whose descriptions are ``comparable`` can be joined, and are described as the one of the highest ``demand``.
    What is ``told`` by a stored description is the same in every container.
    """

    def sample(self, coded: bytes) -> bytes: ...

    def description(self, given: bytes) -> bytes: ...

    def comparable(self, given: bytes) -> bytes: ...

    def told(self, stored: bytes) -> bytes: ...

    def demand(self, given: bytes) -> tuple[int, int]: ...


# By libavcodec's name of the decoder.
_FORMS = {"h264": nal, "hevc": hevc, "av1": av1, "libdav1d": av1, "libaom-av1": av1}


def form_of(decoder: str) -> Form:
    return cast(Form, _FORMS[decoder])
