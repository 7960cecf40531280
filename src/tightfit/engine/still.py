"""Still pictures and animated WebP: one child looks for the best file within the limit, another one decodes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tightfit.domain.file_plan import FilePlan
from tightfit.domain.geometry import bounded
from tightfit.domain.images import FORMATS, STILL_EXTENSIONS, ImageFormat, format_for
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option, Quality, Result, Status, VideoOut
from tightfit.domain.updates import Phase
from tightfit.engine import publish
from tightfit.engine.craft import copied, named_extension
from tightfit.engine.disk import sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.job import Job
from tightfit.engine.prepare import Infeasible
from tightfit.media import images
from tightfit.media.images import Made, TooSmall, Wanted
from tightfit.settings import Settings
from tightfit.units import format_bytes

# Below this share of the limit a file says why it stays there.
_CLOSE = 0.97


@dataclass
class Stills:
    """One picture: see ``Craft``."""

    request: CompressRequest
    settings: Settings
    info: MediaInfo
    tool: str = ""

    @property
    def extensions(self) -> tuple[str, ...]:
        return (".webp",) if self._is_animated else STILL_EXTENSIONS

    @property
    def _is_animated(self) -> bool:
        return self.info.image is not None and self.info.image.is_animated

    @property
    def extension(self) -> str:
        """The name's own where it tells the truth about the format."""
        if named := named_extension(self.request):
            return named
        if self._is_animated:
            return ".webp"
        own = self.request.source.suffix
        return own if own.lower() in self._source_format.extensions else self._source_format.extensions[0]

    @property
    def _source_format(self) -> ImageFormat:
        assert self.info.image is not None, "only pictures come here"
        return FORMATS[self.info.image.format]

    @property
    def _bound(self) -> tuple[int, int] | None:
        display = self.info.videos[0].display_size
        size = bounded(display, self.request.resolution)
        return None if size == display else size

    def may_stay(self) -> bool:
        named = named_extension(self.request)
        return self._bound is None and (named is None or format_for(named) is self._source_format)

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        return copied(self.info, limit, job, output)

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:
        job = work.job
        made = await self._fit(limit, output.suffix, job)
        job.tell(Phase.VERIFY, predicted_bytes=made.bytes)
        publish.copy_to_part(made.path, part)
        return self._result(made, limit, job, output), sha256_of(part)

    async def plan(self, limit: int, job: Job) -> FilePlan:
        """The picture is made and thrown away: it takes seconds, and nothing else would be as sure."""
        made = await self._fit(limit, self.extension, job)
        size = (made.width, made.height)
        kept = size == (self._bound or self.info.videos[0].display_size)
        picture = f"The picture {'keeps its' if kept else 'shrinks to'} {made.width}x{made.height}"
        how = f" at quality {made.quality:.0f}" if made.quality is not None else ""
        alike = "" if made.ssim is None else f" (SSIM {made.ssim:.3f})"
        said = f"{picture}{how}{alike}, in {format_bytes(made.bytes)}."
        return FilePlan(limit, self._shown(made), (), (made.bytes, made.bytes), (said,), tuple(job.warnings))

    async def _fit(self, limit: int, extension: str, job: Job) -> Made:
        form = format_for(extension)
        assert form is not None, "the name was checked"
        job.tell(Phase.ENCODE)
        made = await images.fit(self.info, Wanted(form.name, limit, self._bound), job.work, self.settings.limits)
        if isinstance(made, TooSmall):
            raise self._infeasible(limit, made, form)
        for sentence in made.said:
            job.warn(sentence)
        if made.bytes < _CLOSE * limit and not made.said:
            job.warn(f"The file fills {made.bytes / limit:.1%} of the limit: {form.title} knows no finer steps here.")
        return made

    def _infeasible(self, limit: int, found: TooSmall, form: ImageFormat) -> Infeasible:
        options = [Option(f"{format_bytes(found.smallest_bytes)} for the smallest picture", found.smallest_bytes)]
        if found.fair_bytes > found.smallest_bytes:
            options.append(Option(f"{format_bytes(found.fair_bytes)} for fair quality", found.fair_bytes))
        return Infeasible(
            f"{self.info.path} can't be made into {limit} bytes: "
            f"the smallest {form.title} of it has {found.smallest_bytes} bytes.",
            found.smallest_bytes,
            tuple(options),
        )

    def _shown(self, made: Made) -> VideoOut:
        fps = round(float(self.info.videos[0].fps), 3) if self._is_animated else None
        return VideoOut(made.path.suffix.removeprefix("."), made.width, made.height, fps)

    def _result(self, made: Made, limit: int, job: Job, output: Path) -> Result:
        shown = self.info.image.shown_ms if self.info.image else ()
        return Result(
            status=Status.MET,
            job_id=job.id,
            input=str(self.request.source),
            output=str(output),
            limit_bytes=limit,
            bytes=made.bytes,
            duration_s=round(sum(shown) / 1000, 3) if shown else None,
            frames=self.info.videos[0].frames,
            video=self._shown(made),
            quality=None if made.ssim is None else Quality("ssim", None, made.ssim, made.ssim, made.ssim),
            encoded_frames_ratio=float(made.encodes),
            elapsed_s=round(job.elapsed_s, 2),
            warnings=tuple(job.warnings),
        )
