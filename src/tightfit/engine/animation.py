"""GIFs, of a GIF or of a clip: fewer colours first, then a smaller picture, by the bytes that come out."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from tightfit.domain.file_plan import FilePlan
from tightfit.domain.geometry import bounded
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option, Result, Status, VideoOut
from tightfit.domain.search import Search
from tightfit.domain.updates import Phase
from tightfit.engine import publish
from tightfit.engine.craft import copied, named_extension
from tightfit.engine.disk import sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.job import Job
from tightfit.engine.measured import fields_of
from tightfit.engine.prepare import Infeasible
from tightfit.errors import EncoderError
from tightfit.media.gif import GifSource, Look, encode_gif
from tightfit.media.images import require_decodes
from tightfit.media.picture import require_tone_mapping
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.settings import Settings
from tightfit.units import format_bytes

# Colours and dithering at full size, best first; each step takes a fifth to a third of the bytes off.
_RICH, _USUAL, _POOR = (256, "bayer:3"), (128, "bayer:5"), (64, "none")
_LEAST_SIDE, _ROUNDS, _CLOSE = 32, 6, 0.97
# A clip's GIF shows at most so many frames a second, fewer where its pictures would have to be narrower than this.
_RATES, _WIDE_ENOUGH, _WIDE_SHARE = (15, 12, 10, 8), 240, 0.6
# A GIF larger than this is no longer one that people send; a clip is shown at most so wide.
_MOST_SIDE_OF_CLIP = 800
# Bytes of a GIF grow with its sides to this power (measured on six: 1.6 to 1.9), less than its pixels do.
_POWER = 1.75


@dataclass
class Animations:
    """See ``Craft``. ``video`` is what is shown of ``info``."""

    request: CompressRequest
    settings: Settings
    info: MediaInfo
    video: VideoStream
    extension: str = ".gif"
    extensions: tuple[str, ...] = (".gif", ".webp", ".mp4")
    tool: str = ""
    encodes: int = 0
    _tried: dict[Look, int] = field(default_factory=dict)

    @property
    def _is_gif(self) -> bool:
        return self.info.image is not None

    @property
    def _full(self) -> tuple[int, int]:
        width, height = bounded(self.video.display_size, self.request.resolution)
        factor = (
            1.0 if self._is_gif or self.request.resolution.source else min(1.0, _MOST_SIDE_OF_CLIP / max(width, height))
        )
        return self._sides(width * factor, height * factor)

    def _sides(self, width: float, height: float) -> tuple[int, int]:
        """Whole numbers; even ones where the clip's filters want them."""
        if self._is_gif:
            return max(1, round(width)), max(1, round(height))
        return max(2, 2 * round(width / 2)), max(2, 2 * round(height / 2))

    def may_stay(self) -> bool:
        same = self._is_gif and named_extension(self.request) in (None, ".gif")
        return same and bounded(self.video.display_size, self.request.resolution) == self.video.display_size

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        return copied(self.info, limit, job, output)

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:
        job = work.job
        look, made = await self._fitted(limit, job)
        job.tell(Phase.VERIFY)
        frames = await require_decodes(made, "gif", look.size, self.settings.limits)
        if self._is_gif and frames != self.video.frames:
            raise EncoderError(f"The GIF came out with {frames} frames instead of {self.video.frames}.")
        publish.copy_to_part(made, part)
        fps = float(look.fps or self.video.fps)
        return Result(
            status=Status.MET,
            job_id=job.id,
            input=str(self.request.source),
            output=str(output),
            limit_bytes=limit,
            bytes=part.stat().st_size,
            duration_s=round(self.video.duration_s, 3),
            frames=frames,
            video=VideoOut("gif", *look.size, round(fps, 3)),
            encoded_frames_ratio=float(self.encodes),
            elapsed_s=round(job.elapsed_s, 2),
            warnings=tuple(job.warnings),
        ), sha256_of(part)

    async def plan(self, limit: int, job: Job) -> FilePlan:
        """The GIF is made and thrown away: nobody knows before what its frames take."""
        look, made = await self._fitted(limit, job)
        size, rate = made.stat().st_size, float(look.fps or self.video.fps)
        said = f"A GIF of {look.size[0]}x{look.size[1]} in {look.colours} colours, {rate:.4g} frames a second."
        shown = VideoOut("gif", *look.size, round(rate, 3))
        return FilePlan(limit, shown, (), (size, size), (said,), tuple(job.warnings))

    async def _fitted(self, limit: int, job: Job) -> tuple[Look, Path]:
        """The best look that fits, and its file. Raises Infeasible."""
        ffmpeg = await find_ffmpeg(self.settings.ffmpeg, self.settings.cache, self.settings.limits)
        self.tool = ffmpeg.path
        if not self._is_gif:
            require_tone_mapping(self.video, ffmpeg, self.info.path)
            if self.info.audios:
                job.warn("A GIF is silent: the sound is left out.")
        trials = _Trials(self, ffmpeg, limit, job)
        found = await (self._fewer_colours(trials) if self._is_gif else self._fewer_frames(trials))
        if found is None:
            raise self._infeasible(limit)
        if found.size != self._full or found.colours < _RICH[0]:
            how = [f"{found.colours} colours"] if found.colours < _RICH[0] else []
            how += ["{}x{} pixels".format(*found.size)] if found.size != self._full else []
            job.warn(f"The GIF has {' and '.join(how)} now.")
        return found, trials.files[found]

    async def _fewer_colours(self, trials: _Trials) -> Look | None:
        """Every frame at its time: colours at full size, then smaller."""
        for colours, dither in (_RICH, _USUAL, _POOR):
            look = Look(self._full, colours, dither)
            if await trials.fits(look):
                return look
        return await self._smaller(trials, None, self._tried[Look(self._full, *_USUAL)])

    async def _fewer_frames(self, trials: _Trials) -> Look | None:
        """A clip: a trial at a small size says how many frames a second leave the pictures wide enough."""
        full, rates = self._full, sorted({min(Fraction(rate), self.video.fps) for rate in _RATES}, reverse=True)
        small = min(1.0, _WIDE_ENOUGH / full[0])
        look = Look(self._sides(full[0] * small, full[1] * small), *_USUAL, rates[-1])
        await trials.fits(look)
        seen = self._tried[look]
        for fps in rates:
            bytes_at_full = seen * float(fps / rates[-1]) / small**_POWER
            width = full[0] * min(1.0, (trials.limit / bytes_at_full) ** (1 / _POWER))
            if width >= min(_WIDE_ENOUGH, _WIDE_SHARE * full[0]) or fps == rates[-1]:
                return await self._smaller(trials, fps, round(bytes_at_full))
        return None

    async def _smaller(self, trials: _Trials, fps: Fraction | None, bytes_at_full: int) -> Look | None:
        """The largest picture that fits in the usual colours, close under the limit."""
        width, height = self._full
        least = min(1.0, _LEAST_SIDE / min(width, height))
        first = min(1.0, (trials.limit * 0.97 / bytes_at_full) ** (1 / _POWER))
        search = Search(trials.limit, least, 1.0, first, rounds=_ROUNDS, close=_CLOSE)
        best: Look | None = None
        while (scale := search.next()) is not None:
            look = Look(self._sides(width * scale, height * scale), *_USUAL, fps)
            await trials.fits(look)
            search.saw(scale, self._tried[look])
            if search.best == scale:
                best = look
        return best

    def _infeasible(self, limit: int) -> Infeasible:
        least = min(self._tried.values())
        options = [Option(f"{format_bytes(least)} for the smallest picture", least)]
        if self._is_gif:
            options.insert(0, Option("save it as a video, with a name that ends in .mp4"))
        return Infeasible(
            f"{self.info.path} can't be made into a GIF of {limit} bytes: the smallest one has {least} bytes.",
            least,
            tuple(options),
        )


@dataclass
class _Trials:
    """The encodes of one job; ``files`` are those that fit."""

    craft: Animations
    ffmpeg: Ffmpeg
    limit: int
    job: Job
    files: dict[Look, Path] = field(default_factory=dict)

    async def fits(self, look: Look) -> bool:
        craft, image = self.craft, self.craft.info.image
        if look in craft._tried:
            return craft._tried[look] <= self.limit
        loops, last = (image.loops, image.shown_ms[-1]) if image else (0, None)
        fields = await fields_of(craft.settings.cache, craft.info, craft.video, self.ffmpeg, self.job.work)
        source = GifSource(craft.info, craft.video, loops, last, fields)
        frames = max(1, craft.video.frames)
        out = self.job.work / f"trial-{craft.encodes}.gif"
        size = await encode_gif(
            self.ffmpeg, source, look, out, lambda done: self.job.tell(Phase.ENCODE, min(0.9, done / frames))
        )
        craft.encodes += 1
        craft._tried[look] = size
        self.job.tell(Phase.SETTLE, predicted_bytes=size)
        if size <= self.limit:
            self.files[look] = out
        else:
            out.unlink()
        return size <= self.limit
