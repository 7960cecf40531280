"""What one render does: the same engine as the command line, on an uploaded file, into a file of ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import anyio
import psutil

from tightfit.domain.geometry import Size, full_size
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.request import CompressRequest
from tightfit.domain.updates import Update
from tightfit.engine.compress import compress
from tightfit.engine.disk import Disk, keep
from tightfit.engine.job import made_folder
from tightfit.errors import EncoderError, SourceError
from tightfit.media.argv import LEAD_S
from tightfit.media.exact import Exact, encode_exactly
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.media.whole import Look, Stretch, encode_whole
from tightfit.server.render_spec import Work
from tightfit.settings import Settings
from tightfit.units import Target

Progress = Callable[[int], None]
# Quality of the cut that a render to a size starts from: the eye can't tell it from its source, and what it costs is
# little beside the encode behind it.
_CUT_CRF, _CUT_PRESET = 12.0, "veryfast"
_CUT_SHARE = 0.3


class Renderer:
    """``files`` is where finished renders lie; ``settings`` are the engine's, with a state folder of its own."""

    def __init__(self, settings: Settings, files: Path) -> None:
        self._settings, self._files = settings, files
        made_folder(files, Disk())

    def path(self, file: str) -> Path:
        return self._files / file

    async def ffmpeg(self) -> Ffmpeg:
        return await find_ffmpeg(self._settings.ffmpeg, self._settings.cache, self._settings.limits)

    async def render(self, work: Work, source: Path, file: str, tell: Progress) -> dict[str, Any]:
        """Make the file and return its facts; ``tell`` hears percent. Raises the errors of errors.py.

        Begun again after a crash it goes on with what the engine's journal kept.
        """
        scratch = made_folder(self._settings.home / "renders" / file, Disk())
        facts = await self._made(work, source, scratch, self.path(file), tell)
        # Kept where it raises: an encode that was interrupted is gone on with.
        shutil.rmtree(scratch, ignore_errors=True)
        return {**facts, "warnings": [*work.warnings, *facts.get("warnings", [])]}

    def forget(self, file: str) -> None:
        """Remove everything that a render left."""
        self.path(file).unlink(missing_ok=True)
        shutil.rmtree(self._settings.home / "renders" / file, ignore_errors=True)

    async def _made(self, work: Work, source: Path, scratch: Path, final: Path, tell: Progress) -> dict[str, Any]:
        if work.encode:
            return await self._piece(work, source, scratch, final, tell)
        if work.target_bytes is None:
            info = await probe(source, self._settings.limits)
            out = scratch / "whole.mp4"
            await self._whole(work, info, work.crf, "medium", out, lambda share: tell(int(100 * share)))
            return await self._kept(out, final)
        if work.is_trimmed:
            source = await self._cut(work, source, scratch, lambda share: tell(int(100 * _CUT_SHARE * share)))
        begun = 100 * _CUT_SHARE if work.is_trimmed else 0.0

        def listener(update: Update) -> None:
            tell(int(begun + (1 - begun / 100) * update.percent))

        request = CompressRequest(
            source=source,
            target=Target(str(work.target_bytes), bytes=work.target_bytes),
            output=scratch / "sized.mp4",
            resolution=work.bound,
            overwrite=True,
        )
        result = await compress(request, self._settings, listener)
        return {**await self._kept(scratch / "sized.mp4", final), "warnings": list(result.warnings)}

    async def _cut(self, work: Work, source: Path, scratch: Path, tell: Callable[[float], None]) -> Path:
        """The trimmed stretch as a source for the engine; one that a crash left whole is used again."""
        cut = scratch / "cut.mp4"
        if not cut.is_file():
            info = await probe(source, self._settings.limits)
            made = scratch / "cutting.mp4"
            unbounded = replace(work, bound=replace(work.bound, width=None, height=None))
            await self._whole(unbounded, info, _CUT_CRF, _CUT_PRESET, made, tell)
            keep(Disk(), made, cut)
        return cut

    async def _whole(
        self, work: Work, info: MediaInfo, crf: float, preset: str, out: Path, tell: Callable[[float], None]
    ) -> None:
        video = info.main_video
        if video is None:
            raise SourceError(f"{info.path} holds no video.")
        look = Look(full_size(video.display_size, work.bound), crf, preset, _threads())
        frames = video.frames

        def on_frames(done: int) -> None:
            tell(min(1.0, done / max(1, frames)))

        await encode_whole(await self.ffmpeg(), info, Stretch(work.start_s, work.end_s), look, out, on_frames)

    async def _piece(self, work: Work, source: Path, scratch: Path, final: Path, tell: Progress) -> dict[str, Any]:
        """Exactly the frames that were asked for, as the engine's own pieces are stored."""
        assert work.encode is not None, "checked by the caller"
        asked = exact_of(work)
        info, ffmpeg = await probe(source, self._settings.limits), await self.ffmpeg()
        out = scratch / "piece.nut"
        pts = await encode_exactly(ffmpeg, info, asked, out, lambda _: tell(50))
        video = info.main_video
        assert video is not None, "encode_exactly looked"
        if work.target_bytes is not None and (size := out.stat().st_size) > work.target_bytes:
            raise EncoderError(f"With these parameters the piece has {size} bytes, over the target.")
        stored = await self._stored(out, final)
        return {
            **stored,
            "duration": float((pts[-1] - pts[0] + video.frame_ticks) * video.time_base),
            "format": "nut",
            "width": asked.size.width,
            "height": asked.size.height,
            "frames": len(pts),
            "first_pts": pts[0],
            "last_pts": pts[-1],
            "origin_pts": asked.origin_pts,
            "lead_s": LEAD_S,
            "encoder_version": f"ffmpeg {ffmpeg.version}",
        }

    async def _kept(self, made: Path, final: Path) -> dict[str, Any]:
        info = await probe(made)
        video = info.main_video
        if video is None:
            raise SourceError("The render came out without a picture.")
        stored = await self._stored(made, final)
        width, height = video.display_size
        return {
            **stored,
            "duration": round(video.duration_s, 3),
            "format": "mp4",
            "width": width,
            "height": height,
            "frames": video.frames,
        }

    @staticmethod
    async def _stored(made: Path, final: Path) -> Mapping[str, Any]:
        os.chmod(made, 0o600)
        digest = await anyio.to_thread.run_sync(keep, Disk(), made, final)
        return {"size": final.stat().st_size, "sha256": digest}


def exact_of(work: Work) -> Exact:
    asked = work.encode
    assert asked is not None, "checked by the caller"
    colour = asked.args.colour
    return Exact(
        start_pts=asked.start_pts,
        end_pts=asked.end_pts,
        time_base=Fraction(*asked.time_base),
        size=Size(asked.width, asked.height),
        crf=asked.crf,
        preset=asked.preset,
        threads=asked.threads,
        origin_pts=asked.origin_pts,
        fps=Fraction(*asked.fps) if asked.fps else None,
        level=asked.args.level,
        keyint=asked.keyint,
        tags=colour.model_dump(exclude_none=True) if colour else None,
    )


def _threads() -> int:
    return min(8, psutil.cpu_count() or 1)
