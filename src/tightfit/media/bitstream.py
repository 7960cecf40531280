"""Which module knows how a format's pictures are stored."""

from __future__ import annotations

from typing import Protocol, cast

from tightfit.media import nal


class Form(Protocol):
    """From what an encoder gives to what containers store: its pictures, and its description of them all."""

    def sample(self, coded: bytes) -> bytes: ...

    def description(self, given: bytes) -> bytes: ...


# By libavcodec's name of the decoder.
_FORMS = {"h264": nal}


def form_of(decoder: str) -> Form:
    return cast(Form, _FORMS[decoder])
