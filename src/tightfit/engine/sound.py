"""Sounds: one encode at the bit rate that the limit allows, corrected by its real bytes until it fits closely."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tightfit.domain.audio import Loudness
from tightfit.domain.file_plan import FilePlan
from tightfit.domain.media_info import AudioStream, MediaInfo, VideoStream
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import AudioOut, Option, Result, Status
from tightfit.domain.search import Search
from tightfit.domain.sound_file import (
    SOUND_EXTENSIONS,
    Shape,
    SoundFormat,
    format_named,
    natural_format,
    shape_for,
    wav_bytes,
    wav_shape,
)
from tightfit.domain.updates import Phase
from tightfit.engine import publish
from tightfit.engine.craft import copied, named_extension
from tightfit.engine.disk import sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.job import Job
from tightfit.engine.prepare import Infeasible
from tightfit.errors import UsageError
from tightfit.media.audio import measure_loudness
from tightfit.media.sound_file import SoundWanted, encode_sound, require_whole
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.settings import Settings
from tightfit.units import format_bytes

# A cover may take this share of the file; words always come along, they are a few hundred bytes.
_COVER_SHARE = 0.1
_ROUNDS, _CLOSE = 6, 0.99
# A newer codec is worth up to twice its bits in an older one; beyond that a lossy source has nothing left to give.
_MOST_INFLATION = 2.0
# What a container adds at the lowest rates: Ogg's pages, ADTS headers, M4A's tables.
_SMALLEST_MARGIN, _CONTAINER_BYTES = 1.25, 4_000
_LOSSLESS = ("flac", "alac", "truehd", "wavpack", "tta", "ape")


@dataclass
class Sounds:
    """A file of which only the sound is wanted: see ``Craft``."""

    request: CompressRequest
    settings: Settings
    info: MediaInfo
    stream: AudioStream
    extensions: tuple[str, ...] = SOUND_EXTENSIONS
    tool: str = ""

    @property
    def extension(self) -> str:
        if named := named_extension(self.request):
            return named
        own = self.request.source.suffix
        form = natural_format(own, self.stream.codec)
        return own if own.lower() in form.extensions else form.extensions[0]

    @property
    def _cover(self) -> VideoStream | None:
        return next((video for video in self.info.videos if video.cover_art and video.frames), None)

    def may_stay(self) -> bool:
        named = named_extension(self.request)
        same = named is None or named == self.request.source.suffix.lower()
        return same and self.request.audio in ("auto", "copy")

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        return copied(self.info, limit, job, output)

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:
        job, ffmpeg = work.job, await self._ffmpeg()
        wanted = await self._wanted(limit, output.suffix, ffmpeg, job)
        made, wanted, encodes = await self._encoded(limit, wanted, ffmpeg, job)
        job.tell(Phase.VERIFY)
        sound = await require_whole(ffmpeg, made, self.stream, wanted, limit)
        publish.copy_to_part(made, part)
        result = Result(
            status=Status.MET,
            job_id=job.id,
            input=str(self.request.source),
            output=str(output),
            limit_bytes=limit,
            bytes=part.stat().st_size,
            duration_s=round(sound.duration_s, 3),
            audio=(AudioOut(sound.codec, round(sound.kbps, 1), sound.channels),),
            encoded_frames_ratio=float(encodes),
            elapsed_s=round(job.elapsed_s, 2),
            warnings=tuple(job.warnings),
        )
        return result, sha256_of(part)

    async def plan(self, limit: int, job: Job) -> FilePlan:
        ffmpeg = await self._ffmpeg()
        wanted = await self._wanted(limit, self.extension, ffmpeg, job)
        kbps = round(wanted.bits_per_s / 1000, 1)
        shape = wanted.shape
        said = (
            f"{wanted.form.title} at {kbps:g} kb/s, {shape.channels} channel{'s' if shape.channels > 1 else ''}, "
            f"{shape.sample_rate} samples a second: it carries up to {shape.sample_rate / 2000:g} kHz."
        )
        expected = min(limit, round(wanted.bits_per_s / 8 * self.stream.duration_s))
        track = AudioOut(wanted.form.codec, kbps, shape.channels)
        return FilePlan(limit, None, (track,), (round(expected * 0.97), limit), (said,), tuple(job.warnings))

    async def _ffmpeg(self) -> Ffmpeg:
        ffmpeg = await find_ffmpeg(self.settings.ffmpeg, self.settings.cache, self.settings.limits)
        self.tool = ffmpeg.path
        return ffmpeg

    async def _wanted(self, limit: int, extension: str, ffmpeg: Ffmpeg, job: Job) -> SoundWanted:
        """What is encoded first. Raises UsageError, Infeasible."""
        form = format_named(extension)
        assert form is not None, "the name was checked"
        if self.request.audio in ("none", "copy"):
            raise UsageError(
                f"--audio {self.request.audio} makes no sense here: {self.info.path} is made into a smaller sound.",
                hint="Leave it out, or name kb/s.",
            )
        cover = self._kept_cover(form, limit, job)
        room = limit - (cover.bytes if cover else 0)
        least = self._least_bytes(form)
        if room < least and form.name != "wav":
            raise self._infeasible(limit, form, least)
        job.tell(Phase.AUDIO)
        loudness = await measure_loudness(ffmpeg, self.info, self.stream)
        if form.name == "wav":
            return self._wav(limit, form, loudness, job)
        bits_per_s = min(self._most(form), max(form.least_rate, room * 8 / max(0.01, self.stream.duration_s)))
        shape = shape_for(form, self.stream, bits_per_s, same_both_sides=loudness.same_both_sides)
        self._tell_channels(shape, loudness, job)
        return SoundWanted(form, shape, round(min(bits_per_s, form.most_rate * shape.channels)), cover)

    def _kept_cover(self, form: SoundFormat, limit: int, job: Job) -> VideoStream | None:
        cover = self._cover
        most = min(_COVER_SHARE * limit, limit - self._least_bytes(form))
        if cover is None or (form.keeps_cover and cover.bytes <= most):
            return cover
        why = (
            f"{form.title} holds none" if not form.keeps_cover else f"its {format_bytes(cover.bytes)} buy better sound"
        )
        job.warn(f"The cover picture was left out: {why}.")
        return None

    def _most(self, form: SoundFormat) -> float:
        """Bits per second above which nothing is gained, or which were not wanted."""
        most = float(form.most_rate * min(self.stream.channels, form.most_channels))
        if isinstance(self.request.audio, int):
            most = min(most, self.request.audio * 1000.0)
        if not self.stream.codec.startswith(("pcm_", *_LOSSLESS)) and self.stream.kbps:
            most = min(most, _MOST_INFLATION * self.stream.kbps * 1000)
        return max(most, float(form.least_rate))

    def _wav(self, limit: int, form: SoundFormat, loudness: Loudness, job: Job) -> SoundWanted:
        deep = self.stream.codec.startswith(("pcm_s24", "pcm_s32", "pcm_f"))
        tags = self.info.metadata
        shape = wav_shape(self.stream, limit, tags, same_both_sides=loudness.same_both_sides, deep=deep)
        if shape is None:
            raise self._infeasible(limit, form, wav_bytes(Shape(1, 8_000, 8), self.stream.duration_s, tags))
        self._tell_channels(shape, loudness, job)
        if shape.sample_rate < self.stream.sample_rate or shape.bits < 16:
            bits = f" of {shape.bits} bits" if shape.bits != 16 else ""
            job.warn(
                f"WAV keeps every sample as it is: there is room for {shape.sample_rate} of them{bits} in a second. "
                "A name that ends in .m4a or .opus keeps far more of the sound."
            )
        return SoundWanted(form, shape, shape.channels * shape.sample_rate * shape.bits)

    def _tell_channels(self, shape: Shape, loudness: Loudness, job: Job) -> None:
        if shape.channels < self.stream.channels and not (loudness.same_both_sides and self.stream.channels == 2):
            job.warn(f"{self.stream.channels} channels were mixed down to {shape.channels}: more would starve here.")

    def _least_bytes(self, form: SoundFormat) -> int:
        return round(form.least_rate / 8 * self.stream.duration_s * _SMALLEST_MARGIN) + _CONTAINER_BYTES

    def _infeasible(self, limit: int, form: SoundFormat, least: int) -> Infeasible:
        seconds = self.stream.duration_s
        options = [Option(f"{format_bytes(least)} for the lowest quality", least)]
        fair = round(form.stereo_from / 8 * seconds * _SMALLEST_MARGIN) + _CONTAINER_BYTES
        if fair > least:
            options.append(Option(f"{format_bytes(fair)} for fair quality", fair))
        if form.name != "opus" and self._least_bytes(natural_format(".opus", "opus")) <= limit:
            options.insert(0, Option("save it as Opus, with a name that ends in .opus"))
        return Infeasible(
            f"{self.info.path} can't be made into {limit} bytes of {form.title}: "
            f"{seconds:.1f} s of sound surely fit in {least} bytes.",
            least,
            tuple(options),
        )

    async def _encoded(
        self, limit: int, wanted: SoundWanted, ffmpeg: Ffmpeg, job: Job
    ) -> tuple[Path, SoundWanted, int]:
        """The largest file that fits, what it was made by, and how many encodes it took."""
        form = wanted.form
        low, high = float(form.least_rate), float(wanted.bits_per_s)
        if form.name == "wav":
            low = high
        else:
            high = max(low, min(self._most(form), form.most_rate * wanted.shape.channels))
        search = Search(limit, low, high, wanted.bits_per_s, form.step, _CLOSE, proportional=True, rounds=_ROUNDS)
        best = job.work / f"best.{form.name}"
        while (rate := search.next()) is not None:
            trial = replace(wanted, bits_per_s=round(rate))
            job.tell(Phase.ENCODE)
            out = job.work / f"sound.{form.name}"
            size = await encode_sound(
                ffmpeg, self.info, self.stream, trial, out, lambda share: job.tell(Phase.ENCODE, share)
            )
            search.saw(rate, size)
            if search.best == rate:
                wanted = trial
                out.replace(best)
            job.tell(Phase.SETTLE, predicted_bytes=size)
        if search.best is None:
            raise self._infeasible(limit, form, round(min(search.tried.values()) * 1.02))
        if search.tried[search.best] < _CLOSE * limit:
            self._explain(search, high, limit, form, job)
        return best, wanted, len(search.tried)

    def _explain(self, search: Search, high: float, limit: int, form: SoundFormat, job: Job) -> None:
        assert search.best is not None, "asked by the caller"
        share = search.tried[search.best] / limit
        if form.name == "wav":
            return
        if search.best >= high:
            job.warn(f"The file fills {share:.1%} of the limit: more bits would buy no better sound.")
        else:
            job.warn(f"The file fills {share:.1%} of the limit: {form.title} knows no finer steps here.")
