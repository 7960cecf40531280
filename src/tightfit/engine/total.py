"""One limit for several files: all are looked at first, then each is made with its share of what is left.

A share is what the file takes at the one quality at which all fit (``domain.sharing``), by rate curves from the
analysis of each file and a few seconds of it that were really encoded. What the finished ones took more or less than
their share is the others' then: no sum of finished files is ever above the limit.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tightfit.domain import plan as planning
from tightfit.domain import sharing
from tightfit.domain.codec import Codec, Effort
from tightfit.domain.file_plan import FilePlan
from tightfit.domain.geometry import full_size, scaled
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.rate import Observation, RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option, Result
from tightfit.domain.sharing import Curve
from tightfit.domain.updates import Phase, Update
from tightfit.engine import measured, publish
from tightfit.engine.codecs import codec_for
from tightfit.engine.compress import compress, ignore, plan, probed
from tightfit.engine.editing import kept_bytes, layout_of
from tightfit.engine.executors.local import LocalExecutor, Task
from tightfit.engine.job import Job, Listener, scratch_job
from tightfit.engine.prepare import Infeasible, analysis_of, budget_of
from tightfit.engine.staying import may_stay
from tightfit.errors import TightfitError
from tightfit.media.encode import Clip
from tightfit.media.picture import Picture
from tightfit.media.probe import identify
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.settings import Settings
from tightfit.units import format_bytes

log = logging.getLogger("tightfit.total")

# What is encoded to learn a clip's own rate: three seconds of every twenty, in at most so many places.
_SAMPLE_S, _SECONDS_PER_SAMPLE, _MOST_SAMPLES = 3.0, 20.0, 3


@dataclass
class SharedLimit:
    """The files of one limit, made one after another by ``compress``, in any order; best the largest last.

    ``ahead`` are the curves of those not yet made, ``taken`` the bytes of those that are.
    """

    requests: Sequence[CompressRequest]
    settings: Settings
    limit: int = 0
    taken: int = 0
    ahead: dict[CompressRequest, Curve] = field(default_factory=dict)
    smallest: int = 0
    _refusals: dict[CompressRequest, Exception] = field(default_factory=dict)
    _looked: bool = False

    async def compress(self, request: CompressRequest, listener: Listener = ignore) -> Result:
        """Make one of ``requests`` with its share. Raises as ``engine.compress`` does.

        Infeasible where the files can't fit together whatever is done: then for each of them.
        """
        await self.look(listener)
        if request in self._refusals:
            raise self._refusals[request]
        share = self.share_of(request)
        log.debug("%s: %d of %d bytes left", request.source, share, self.limit - self.taken)
        del self.ahead[request]
        result = await compress(replace(request, share_bytes=share), self.settings, listener)
        self.taken += result.bytes or 0
        return result

    async def plan(self, request: CompressRequest, listener: Listener = ignore) -> Plan | FilePlan | AlreadyFits:
        """What ``compress`` would decide about one of ``requests`` if it came first. Raises as it does."""
        await self.look(listener)
        if request in self._refusals:
            raise self._refusals[request]
        return await plan(replace(request, share_bytes=self.share_of(request)), self.settings, listener)

    def share_of(self, request: CompressRequest) -> int:
        """What a file that is not made yet gets of what is left."""
        waiting = list(self.ahead)
        return sharing.shares([self.ahead[one] for one in waiting], self.limit - self.taken)[waiting.index(request)]

    async def look(self, listener: Listener = ignore) -> None:
        """Learn what each file takes at which quality, once. What is wrong with one is told when its turn comes."""
        if self._looked:
            return
        self._looked = True
        sizes = {request: _size_of(request) for request in self.requests}
        self.limit = replace(self.requests[0], share_bytes=None).limit_for(sum(sizes.values()))
        ffmpeg = await find_ffmpeg(self.settings.ffmpeg, self.settings.cache, self.settings.limits)
        for number, request in enumerate(self.requests):
            said = f"looking at {number + 1} of {len(self.requests)}: {request.source.name}"
            listener(Update("", Phase.ANALYSE, 0.0, message=said))
            slice_of_it = self.limit * sizes[request] // max(1, sum(sizes.values()))
            try:
                self._require_output(request)
                self.ahead[request] = await _curve_of(request, slice_of_it, ffmpeg, self.settings)
            except TightfitError as exc:
                self._refusals[request] = exc
        self._refuse_what_can_t_fit()

    def _require_output(self, request: CompressRequest) -> None:
        """A file that is there already and stays counts, or an interrupted run taken up again would go over."""
        for extension in sorted({f".{request.writes}", request.source.suffix}):
            path = publish.output_path(request, extension)
            if path.is_file() and not request.overwrite:
                self.taken += path.stat().st_size
                raise publish.already_there(path)

    def _refuse_what_can_t_fit(self) -> None:
        curves, left = list(self.ahead.values()), self.limit - self.taken
        self.smallest = sharing.smallest_total(curves)
        if self.smallest <= left or not curves:
            return
        total = self.taken + self.smallest
        error = Infeasible(
            f"{len(curves)} files can't be made into {self.limit} bytes together: they surely fit in {total} bytes.",
            total,
            tuple(self._options(curves, total, left)),
        )
        self._refusals |= dict.fromkeys(self.ahead, error)

    def _options(self, curves: Sequence[Curve], total: int, left: int) -> list[Option]:
        options = [Option(f"{format_bytes(total)} for the smallest pictures that work", total)]
        fair = self.taken + sharing.fair_total(curves)
        if fair > total:
            options.append(Option(f"{format_bytes(fair)} for fair quality", fair))
        out = sharing.left_out_to_fit(curves, left)
        if len(out) < len(curves):
            names = ", ".join(list(self.ahead)[n].source.name for n in out[:3])
            more = f" and {len(out) - 3} more" if len(out) > 3 else ""
            options.insert(0, Option(f"leave out {names}{more}"))
        return options


def by_size(requests: Sequence[CompressRequest]) -> list[CompressRequest]:
    """The smallest source first: the largest has most to give and take at the end."""
    return sorted(requests, key=_size_of)


def _size_of(request: CompressRequest) -> int:
    """0 for what can't be read: that is said when it is looked at."""
    with suppress(TightfitError):
        return identify(request.source).size
    return 0


async def _curve_of(request: CompressRequest, about: int, ffmpeg: Ffmpeg, settings: Settings) -> Curve:
    """Learn one file's curve; ``about`` is what it may come to. Raises SourceError, EncoderError."""
    with scratch_job(settings.work, ignore) as job:
        info = await probed(request, settings, job)
        video = info.main_video
        assert video is not None, "checked by probed"
        layout = layout_of(request, info, video)
        fields = await measured.fields_of(settings.cache, info, video, ffmpeg, job.work)
        picture = Picture(video, full_size(video.display_size, request.resolution), fields=fields)
        analysis = await analysis_of(info, video, picture, layout, ffmpeg, settings, job)
        clip = Clip(info, video, picture, analysis.pts, layout)
        codec = codec_for(request, ffmpeg)
        budget = budget_of(about, clip, replace(request, codec=codec.name))
        stays = may_stay(request, info)
        model = RateModel(analysis.content, steepness=codec.steepness, bytes_ratio=codec.bytes_ratio)
        if not (stays and info.size <= about):
            model = await _sampled(model, clip, budget.video, codec, request.effort, ffmpeg, job)
        return _curve(request, info, layout, picture, model, stays=stays, other=budget.container)


def _curve(
    request: CompressRequest,
    info: MediaInfo,
    layout: Layout,
    picture: Picture,
    model: RateModel,
    *,
    stays: bool,
    other: int,
) -> Curve:
    frames = model.content.frames
    return Curve(
        source_bytes=kept_bytes(info, picture.video, layout),
        may_stay=stays,
        other=other,
        video=tuple(model.predict(0, frames, 1.0, float(quality)) for quality in sharing.QUALITIES),
        least=planning.smallest_video_bytes(model, picture.full),
        fair=planning.fair_video_bytes(model, picture.full),
        duration_s=layout.duration_s,
        sound=info.main_audio,
        audio=request.audio,
    )


async def _sampled(
    model: RateModel, clip: Clip, video_bytes: int, codec: Codec, effort: Effort, ffmpeg: Ffmpeg, job: Job
) -> RateModel:
    """The model, taught by encodes of a few seconds at about the quality that will be needed."""
    choice = planning.choose(model, video_bytes, clip.picture.full)
    if choice is None:
        return model
    executor = LocalExecutor(ffmpeg, clip, job.work, lambda: None, codec=codec, effort=effort)
    size = scaled(clip.picture.full, choice.scale)
    for first, last in samples(model, clip):
        part = await executor.encode(Task(first, last, size, choice.crf, threads=2), lambda _: False)
        assert part is not None, "nobody looks at it"
        model = model.learn(Observation.of(part, float(choice.scale)))
    return model


def samples(model: RateModel, clip: Clip) -> list[tuple[int, int]]:
    """Stretches that begin where the encoder puts a keyframe anyway: in each part of the clip the one whose bytes per
    frame are nearest that part's."""
    content, frames = model.content, clip.frames
    count = min(_MOST_SAMPLES, max(1, int(clip.video.duration_s / _SECONDS_PER_SAMPLE)))
    longest = max(12, round(_SAMPLE_S * float(clip.video.fps)))
    starts = sorted({0, *content.idrs})
    ends = {start: min(end, start + longest) for start, end in zip(starts, [*starts[1:], frames], strict=True)}
    found = []
    for k in range(count):
        low, high = round(k * frames / count), round((k + 1) * frames / count)
        here = [start for start in starts if low <= start < high] or [max(s for s in starts if s <= low)]
        mean = content.bytes_in(low, high) / (high - low)
        start = min(here, key=lambda s: (abs(content.bytes_in(s, ends[s]) / (ends[s] - s) - mean), s))
        found.append((start, ends[start]))
    return sorted(set(found))
