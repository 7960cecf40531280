"""The one use case: a file and a limit in, a result out. Every door calls this."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tightfit.domain.codec import H264, Effort
from tightfit.domain.containers import Container
from tightfit.domain.file_plan import FilePlan
from tightfit.domain.job import JobRecord
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.pieces import Part, Variant
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import AudioOut, Quality, Result, SegmentCounts, Status, VideoOut
from tightfit.domain.updates import Phase, Update
from tightfit.engine import durable, facts, kinds, publish, room
from tightfit.engine.consent import may_use_cloud, require_possible
from tightfit.engine.craft import Craft, aliased, copied
from tightfit.engine.disk import Disk, disk_of, sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.editing import layout_of
from tightfit.engine.executors.local import LocalExecutor
from tightfit.engine.finished import checked_quality, explain_fill
from tightfit.engine.fit import Fit
from tightfit.engine.foretold import keep_outcome, require_metric, require_quality, with_prediction
from tightfit.engine.job import Job, parallel_encodes, scratch_job, unusable
from tightfit.engine.memory import DurableMemory, Memory
from tightfit.engine.places import Cloud, Hosted
from tightfit.engine.prepare import Prepared, prepare
from tightfit.engine.report.make import reported
from tightfit.engine.report.publish import check_report
from tightfit.engine.staying import may_stay
from tightfit.errors import EncoderError, SourceChanged, SourceError, TightfitError
from tightfit.media.probe import identify
from tightfit.media.stitch import stitch
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.media.verify import Expected, verify
from tightfit.settings import Settings


def ignore(_: Update) -> None:
    """A listener for those who only want the result."""


async def compress(
    request: CompressRequest,
    settings: Settings,
    listener: Callable[[Update], None] = ignore,
    disk: Disk | None = None,
) -> Result:
    """Make the best-looking file within the limit and publish it; an unfinished job for the same is gone on with.

    Raises the errors of errors.py; when it raises, nothing was written to the output path. Cancelling it
    kills every child; the job can then be resumed.
    """
    require_possible(request, settings)
    disk = disk or disk_of(settings)
    job_id, notice = await durable.submitted(settings, request, disk)
    return await _work_on(job_id, request, settings, listener, disk, notice)


async def resume(record: JobRecord, settings: Settings, listener: Callable[[Update], None] = ignore) -> Result:
    """Go on with an unfinished job. Raises as ``compress``, and SourceChanged where its source is another file now."""
    assert record.request is not None, "every job was submitted"
    request = facts.request_of(record.request)
    require_possible(request, settings)
    if identify(request.source) != facts.identity_of(record.request):
        raise durable.changed(record)
    return await _work_on(record.id, request, settings, listener, disk_of(settings))


async def _work_on(
    job_id: str,
    request: CompressRequest,
    settings: Settings,
    listener: Callable[[Update], None],
    disk: Disk,
    notice: str = "",
) -> Result:
    durable.refuse_if_held(settings, job_id)
    content = await durable.content_of(request.source)
    with durable.taken_up(settings, job_id, content, listener, disk) as work:
        job = work.job
        if published := work.already_published():
            return published
        if notice:
            job.warn(notice)
        job.tell(Phase.PROBE, message=work.greeting)
        craft = await _craft(request, settings, job)
        info = craft.info
        limit = request.limit_for(info.size)
        fits = info.size <= limit and craft.may_stay()
        output = publish.output_path(request, request.source.suffix if fits else craft.extension)
        part = publish.part_path(output, job.id)
        publish.check_writable(output, part, request, None if fits else craft.extensions, disk)
        check_report(request, output, job.id)
        if fits and request.report:
            job.warn("The file is copied as it is, so that there is nothing to report.")
        try:
            if fits:
                publish.copy_to_part(request.source, part)
                result, digest = craft.copied(limit, job, output), content
            else:
                result, digest = await craft.make(limit, work, part, output)
            if identify(request.source) != info.identity:
                raise SourceChanged(
                    f"{info.path} changed while it was being worked on.", hint="Run again when it is at rest."
                )
            publish.keep_time(part, info.identity.mtime_ns)
            work.publish(part, output, result, digest, overwrite=request.overwrite)
            return result
        except (SourceError, EncoderError):
            publish.require_folder(output)
            await durable.require_unharmed(request.source, info.identity, content)
            raise
        except OSError as exc:
            raise _explained(exc, job.work, output, craft.tool) from exc
        finally:
            # Where even this fails, what went wrong before is what is told; the next run removes it.
            with suppress(OSError):
                disk.unlink(part, "part")


def _explained(exc: OSError, work: Path, output: Path, tool: str) -> TightfitError:
    """What the system said, for people, by what it said it about."""
    about = str(exc.filename or "")
    if about and about == tool:
        return EncoderError(
            f"ffmpeg is no longer at {tool}.", hint="Put it back, or name another with TIGHTFIT_FFMPEG."
        )
    if about.startswith(str(work)):
        return unusable(work, exc)
    return publish.explained(exc, output)


async def plan(
    request: CompressRequest, settings: Settings, listener: Callable[[Update], None] = ignore
) -> Plan | FilePlan | AlreadyFits:
    """Everything ``compress`` would decide, without its final encode.

    Raises the same errors; Infeasible carries what would work.
    """
    require_possible(request, settings)
    with scratch_job(settings.work, listener) as job:
        job.tell(Phase.PROBE)
        craft = await _craft(request, settings, job)
        limit = request.limit_for(craft.info.size)
        if craft.info.size <= limit and craft.may_stay():
            return AlreadyFits(limit, craft.info.size)
        return await craft.plan(limit, job)


async def _craft(request: CompressRequest, settings: Settings, job: Job) -> Craft:
    """The craft for this source; raises SourceError where there is none."""
    found = await kinds.craft_of(request, settings, job)
    return _Clips(request, settings, _checked(request, found, job)) if isinstance(found, MediaInfo) else found


@dataclass
class _Clips:
    """Video: see ``Craft``."""

    request: CompressRequest
    settings: Settings
    info: MediaInfo
    tool: str = ""

    @property
    def extension(self) -> str:
        return f".{self.request.writes}"

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.extension, *(f".{kind}" for kind in Container))))

    def may_stay(self) -> bool:
        return may_stay(self.request, self.info)

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        return copied(self.info, limit, job, output)

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:  # noqa: ARG002 - the plan has it
        ffmpeg = await self._ffmpeg()
        require_metric(self.request.min_quality, ffmpeg)
        prepared = await prepare(self.request, self.info, ffmpeg, self.settings, work.job, keeps=True)
        if self.request.min_quality:
            prepared = await with_prediction(prepared, ffmpeg, work.job, self.settings.cache)
            await require_quality(prepared, self.request.min_quality, ffmpeg, work.job)
        room.check(work.job.work, output, prepared)
        request = replace(self.request, codec=prepared.plan.codec.name)
        async with _cloud(request, self.settings, prepared, ffmpeg, work.job) as cloud:
            made = await _encode(request, prepared, ffmpeg, work, part, output, work.disk, cloud)
        # What a service or an earlier run did of it says nothing of this machine.
        if cloud is None and not work.before.work:
            keep_outcome(prepared, made[0], request, work.job, self.settings.cache)
        return made

    async def plan(self, limit: int, job: Job) -> Plan:  # noqa: ARG002 - as above
        ffmpeg = await self._ffmpeg()
        require_metric(self.request.min_quality, ffmpeg)
        prepared = await prepare(self.request, self.info, ffmpeg, self.settings, job)
        prepared = await with_prediction(prepared, ffmpeg, job, self.settings.cache)
        await require_quality(prepared, self.request.min_quality, ffmpeg, job)
        return _placed(self.request, self.settings, prepared)

    async def _ffmpeg(self) -> Ffmpeg:
        ffmpeg = await find_ffmpeg(self.settings.ffmpeg, self.settings.cache, self.settings.limits)
        self.tool = ffmpeg.path
        return ffmpeg


def _placed(request: CompressRequest, settings: Settings, prepared: Prepared) -> Plan:
    """The plan, saying where ``compress`` would begin; no service is asked."""
    plan = prepared.plan
    if not may_use_cloud(request, settings):
        return plan
    request = replace(request, codec=plan.codec.name)
    from tightfit.engine.hybrid import planned_service

    planned = planned_service(request, settings, prepared.clip, len(plan.segments))
    if planned is None:
        return plan
    service, credits = planned
    cost = f"about {credits} credits, for the message that it wants first" if credits else "no credits"
    said = f"{service} is asked first to render it; that costs {cost}."
    return replace(plan, in_cloud=True, credits=credits, reasons=(*plan.reasons, said))


async def probed(request: CompressRequest, settings: Settings, job: Job) -> MediaInfo:
    """A clip's facts. Raises SourceError where the source is none."""
    found = await kinds.craft_of(request, settings, job)
    if not isinstance(found, MediaInfo):
        raise SourceError(
            f"{request.source} is no video, or becomes none: it can share no limit and has no parts.",
            hint="Compress it in a run of its own.",
        )
    return _checked(request, found, job)


def _checked(request: CompressRequest, info: MediaInfo, job: Job) -> MediaInfo:
    """The source's facts; raises SourceError where it shows no moving picture."""
    if info.main_video is None:
        what = "only sound" if info.audios else "only a picture" if info.videos else "nothing that can be shown"
        raise SourceError(f"{info.path} holds {what}, no video.", hint="Name a video file.")
    for doubt in info.doubts:
        job.warn(f"About the source: {doubt}.")
    _warn_of_rules(request, info, info.main_video, job)
    return aliased(info, job)


def _warn_of_rules(request: CompressRequest, info: MediaInfo, video: VideoStream, job: Job) -> None:
    """What the destination won't like and nothing changes."""
    rules, layout = request.destination, layout_of(request, info, video)
    if rules and rules.max_duration_s and layout.duration_s > rules.max_duration_s:
        job.warn(
            f"The destination takes at most {rules.max_duration_s:.0f} s of video; "
            f"this one lasts {layout.duration_s:.0f} s."
        )
    if rules and rules.max_fps and layout.fps > rules.max_fps * 1.01:
        job.warn(f"The destination wants at most {rules.max_fps:.0f} fps; this video has {float(layout.fps):.0f}.")


async def _encode(
    request: CompressRequest,
    prepared: Prepared,
    ffmpeg: Ffmpeg,
    work: DurableJob,
    part: Path,
    output: Path,
    disk: Disk,
    cloud: Cloud | Hosted | None,
) -> tuple[Result, str]:
    """The result, and the SHA-256 of the file at ``part`` as it was verified."""
    job = work.job
    codec = prepared.plan.codec
    # Pieces are called as they were before there was anything to choose.
    about = f"{work.content} {ffmpeg.version} {prepared.plan.full} {prepared.clip.picture.fields}"
    if (codec, request.effort) != (H264, Effort.BALANCED):
        about += f" {codec} {request.effort}"
    if prepared.clip.picture.keeps_hdr:
        about += " hdr"
    if prepared.suits_screen:
        about += " screen"
    memory = DurableMemory(job.work, prepared.clip, about, work.before.work, work.note, disk)
    fit = _fit_of(request, prepared, ffmpeg, job, part, memory)
    job.tell(Phase.ENCODE)
    if isinstance(cloud, Hosted):
        await cloud.take_part(fit)
    else:
        fit.cloud = cloud
    variants = await fit.run()
    size, digest = part.stat().st_size, sha256_of(part)
    job.tell(Phase.VERIFY)
    expected = _expected(prepared, variants, fit)
    await verify(ffmpeg, part, expected)
    memory.check(expected.parts)
    quality = await explain_fill(fit, prepared, ffmpeg, job, part, size)
    if request.min_quality:
        quality = await checked_quality(request.min_quality, fit, prepared, ffmpeg, job, part)
    result = _result(request, prepared, fit, job, output, size, quality)
    return await reported(request, prepared, fit, ffmpeg, job, part, variants, result, disk), digest


def _cloud(
    request: CompressRequest, settings: Settings, prepared: Prepared, ffmpeg: Ffmpeg, job: Job
) -> AbstractAsyncContextManager[Cloud | Hosted | None]:
    if not may_use_cloud(request, settings):
        return nullcontext()
    from tightfit.engine.hybrid import cloud_of

    return cloud_of(request, settings, prepared.clip, len(prepared.plan.segments), ffmpeg, job)


def _fit_of(request: CompressRequest, prepared: Prepared, ffmpeg: Ffmpeg, job: Job, part: Path, memory: Memory) -> Fit:
    plan, clip = prepared.plan, prepared.clip
    lanes, cores = parallel_encodes(clip.video.width * clip.video.height, plan.size.pixels, request.jobs)
    executor = LocalExecutor(
        *(ffmpeg, clip, job.work, lambda: None, plan.budget.limit, plan.codec, request.effort),
        shows_screen=prepared.suits_screen,
    )
    fit = Fit(
        executor=executor,
        full=plan.full,
        segments=plan.segments,
        choice=plan.choice,
        model=prepared.model,
        video_budget=plan.budget.video,
        limit=plan.budget.limit,
        lanes=lanes,
        cores=cores,
        sizer=lambda variants: _write(variants, prepared, part),
        crossings=prepared.crossings,
        memory=memory,
        on_settle=lambda size: job.tell(Phase.SETTLE, predicted_bytes=size),
    )
    begun = job.elapsed_s

    def on_progress() -> None:
        rate = executor.work_done / max(0.1, job.elapsed_s - begun)
        other = plan.budget.limit - plan.budget.video
        share = executor.work_done / fit.work_expected
        job.tell(Phase.ENCODE, share, fps=round(rate, 1), predicted_bytes=fit.forecast + other)

    executor.on_progress = on_progress
    return fit


def _write(variants: tuple[Variant, ...], prepared: Prepared, path: Path) -> int:
    return stitch(_parts_of(variants), prepared.timeline, prepared.cargo, path)


def _expected(prepared: Prepared, variants: tuple[Variant, ...], fit: Fit) -> Expected:
    return Expected(
        limit_bytes=prepared.plan.limit_bytes,
        timeline=prepared.timeline,
        size=fit.size,
        parts=_parts_of(variants),
        cargo=prepared.cargo,
    )


def _parts_of(variants: tuple[Variant, ...]) -> tuple[Part, ...]:
    return tuple(part for variant in variants for part in variant.parts)


def _result(
    request: CompressRequest, prepared: Prepared, fit: Fit, job: Job, output: Path, size: int, quality: Quality | None
) -> Result:
    clip = prepared.clip
    frames = clip.frames
    sound = tuple(AudioOut(t.codec, round(t.kbps, 1), t.channels) for t in prepared.cargo.tracks)
    return Result(
        status=Status.MET,
        job_id=job.id,
        input=str(request.source),
        output=str(output),
        limit_bytes=prepared.plan.limit_bytes,
        bytes=size,
        duration_s=round(prepared.timeline.duration_s, 3),
        frames=frames,
        video=VideoOut(prepared.plan.codec.name, fit.size.width, fit.size.height, round(float(clip.layout.fps), 3)),
        audio=sound,
        quality=quality,
        segments=SegmentCounts(
            len(fit.segments), len(fit.reencoded), len(fit.segments) - len(fit.by_cloud), len(fit.by_cloud)
        ),
        encoded_frames_ratio=round((fit.recalled_frames + fit.executor.encoded_frames) / frames, 3),
        elapsed_s=round(job.elapsed_s, 2),
        warnings=tuple(job.warnings),
        credits=fit.credits,
        decisions=prepared.plan.decisions,
    )
