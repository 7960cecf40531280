"""The plain hosted service in little: real renders of what it was sent, at qualities of its own, and lies."""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av

from support.cloud import FakeCloud, draft_of, form_files
from support.footage import lavfi, make
from support.rawhttp import Request, Response

_CRF = {"high": 20, "medium": 24, "low": 28}
# What each lie does to the picture.
_FILTERS = {
    "another size": "scale=iw/2:ih/2",
    "frames dropped": "select='mod(n,10)'",
    "times stretched": "setpts=PTS*1.05",
    "times shifted": "setpts=PTS+0.5/TB",
    "upside down": "vflip",
    "another colour": "hue=h=90",
}
LIES = (*_FILTERS, "another video", "too large", "cut short", "no video")


class PlainCloud(FakeCloud):
    """``lie`` is what is wrong with its renders. ``eager`` puts uploads on the timeline by itself; otherwise it takes a
    message.
    """

    def __init__(self, *, lie: str = "", eager: bool = False, **named: Any) -> None:
        super().__init__(**named)
        self.lie, self.eager = lie, eager
        self.contents: dict[str, bytes] = {}
        self.asked_for: list[dict[str, Any]] = []

    async def _upload(self, request: Request, user: str, sid: str) -> Response:
        answer = await super()._upload(request, user, sid)
        if answer.status == 200:
            session = self.sessions[sid]
            for _, content in form_files(request):
                self.contents[hashlib.sha256(content).hexdigest()] = content
            if self.eager:
                session.clips = [{"id": info["hash"], "s": 0, "d": 1000} for info in session.infos]
        return answer

    async def _submit(self, request: Request, user: str) -> Response:
        body = json.loads(request.body)
        session = self.sessions.get(body["sessionId"])
        if session and body["draft"] == draft_of(session.clips) and body["id"] not in self.renders:
            self.asked_for.append(body["output"])
            content = self.contents[session.infos[-1]["hash"]]
            self.file = await asyncio.to_thread(rendered, content, body["output"], self.lie)
        return await super()._submit(request, user)


def rendered(content: bytes, output: Mapping[str, Any], lie: str) -> bytes:
    """What the service makes of an upload."""
    with tempfile.TemporaryDirectory() as name:
        source, made = Path(name) / "in.mp4", Path(name) / "out.mp4"
        source.write_bytes(content)
        crf = 1 if lie == "too large" else _CRF[output["quality"]]
        filters = ["-vf", _FILTERS[lie]] if lie in _FILTERS else []
        inputs: list[object] = ["-i", source]
        if lie == "another video":
            with av.open(str(source)) as container:
                video = container.streams.video[0]
                size, frames = f"{video.width}x{video.height}", sum(1 for p in container.demux(video) if p.size)
            inputs = [*lavfi(f"mandelbrot=s={size}:r=24"), "-frames:v", frames]
        if lie == "no video":
            inputs, filters = lavfi("sine=duration=2"), []
        own = ["-preset", "veryfast", "-enc_time_base", "1/90000"]
        late = ["-avoid_negative_ts", "disabled", "-muxdelay", "0"] if lie == "times shifted" else []
        streams = "-vn" if lie == "no video" else "-an"
        coded = [streams, "-fps_mode", "passthrough", "-c:v", "libx264", "-crf", crf, *own, "-pix_fmt", "yuv420p"]
        make(*inputs, *filters, *coded, "-movflags", "+faststart", *late, made)
        found = made.read_bytes()
    return found[: len(found) * 7 // 10] if lie == "cut short" else found
