"""What comes in over the wire, checked: every body of the API as a model. Unknown fields are ignored unless said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

APP = "nemo_agent"
_Text = Annotated[str, StringConstraints(max_length=20_000)]
_Id = Annotated[str, StringConstraints(max_length=128)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")


class CreateSession(_Body):
    task_name: Annotated[str, StringConstraints(max_length=200)] = "project"
    language: Annotated[str, StringConstraints(max_length=35)] | None = None


class ClaimToken(_Body):
    task_id: _Id
    session_id: _Id


class _Camel(BaseModel):
    """Snake case and camel case alike; nothing else, as the framework behind the hosted service has it."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Part(_Camel):
    text: _Text | None = None
    thought: bool | None = None
    function_call: dict[str, Any] | None = None
    function_response: dict[str, Any] | None = None
    inline_data: dict[str, Any] | None = None
    file_data: dict[str, Any] | None = None


class Content(_Camel):
    parts: Annotated[list[Part], Field(max_length=100)]
    role: _Id | None = None


class RunSse(_Camel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, populate_by_name=True)

    app_name: _Id = APP
    user_id: _Id = "me"
    session_id: _Id
    new_message: Content
    streaming: bool = False

    @property
    def message(self) -> str:
        return "\n".join(part.text for part in self.new_message.parts if part.text and not part.thought).strip()


class UrlUpload(_Body):
    urls: Annotated[list[Annotated[str, StringConstraints(max_length=4096)]], Field(min_length=1, max_length=20)]
    source_type: Literal["url"] = "url"


_Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,20}$")]


class Colour(BaseModel):
    """Tags of the stream, by ffmpeg's names; what is left out stays unsaid."""

    model_config = ConfigDict(extra="forbid")

    color_primaries: _Tag | None = None
    color_trc: _Tag | None = None
    colorspace: _Tag | None = None
    color_range: Literal["tv"] | None = None


def _times_ten(level: Any) -> Any:
    """ "3.1" as people write a level, 31 as the engine does."""
    if isinstance(level, str) and len(level) == 3 and level[1] == ".":
        return level.replace(".", "")
    return level


class EncodeArgs(BaseModel):
    """What goes into the stream's description. Only what the engine itself encodes with can be asked for."""

    model_config = ConfigDict(extra="forbid")

    pix_fmt: Literal["yuv420p"] = "yuv420p"
    profile: Literal["high"] | None = None
    level: Annotated[int, BeforeValidator(_times_ten), Field(ge=10, le=62)] | None = None
    tune: None = None
    colour: Colour | None = None
    sar: Literal["1", "1:1"] | None = None
    filters: Annotated[list[Literal["default"]], Field(max_length=1)] | None = None


Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]
_Side = Annotated[int, Field(ge=16, le=8192, multiple_of=2)]
_Ticks = Annotated[int, Field(ge=-(1 << 53), le=1 << 53)]
_Ratio = Annotated[list[Annotated[int, Field(ge=1, le=1 << 31)]], Field(min_length=2, max_length=2)]


class Encode(BaseModel):
    """Frames with start_pts ≤ pts < end_pts, in ticks of ``time_base`` seconds; see docs/self-hosting.md."""

    model_config = ConfigDict(extra="forbid")

    codec: Literal["h264"] = "h264"
    preset: Preset = "medium"
    crf: Annotated[float, Field(ge=0, le=51)]
    width: _Side
    height: _Side
    keyint: Annotated[int, Field(ge=1, le=100_000)] | None = None
    stitchable: Literal[True] = True
    audio: Literal[False] = False
    start_pts: _Ticks
    end_pts: _Ticks | None = None
    time_base: _Ratio
    origin_pts: _Ticks = 0
    fps: _Ratio | None = None
    threads: Annotated[int, Field(ge=1, le=16)] = 2
    args: EncodeArgs = EncodeArgs()


class RenderOutput(_Body):
    """``target_bytes`` is a hard ceiling for the file."""

    format: Literal["mp4", "nut"] = "mp4"
    quality: Literal["high", "medium", "low"] = "high"
    codec: Literal["h264", "avc"] | None = None
    crf: Annotated[float, Field(ge=0, le=51)] | None = None
    fps: Annotated[float, Field(gt=0, le=240)] | None = None
    resolution: Annotated[str, StringConstraints(pattern=r"^(original|\d{3,4}p|\d{2,4}x\d{2,4})$")] | None = None
    target_bytes: Annotated[int, Field(ge=1, le=1 << 50)] | None = None
    encode: Encode | None = None


class RenderBody(_Body):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
    session_id: _Id = Field(alias="sessionId")
    draft: dict[str, Any]
    output: RenderOutput = RenderOutput()


class Advance(_Body):
    """For tests: seconds to move the server's clock forward."""

    advance_s: Annotated[float, Field(ge=0, le=10 * 365 * 86_400)]
