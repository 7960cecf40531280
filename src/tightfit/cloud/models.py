"""What goes over the wire, as values: tolerant where the service may differ, strict in what is kept of it.

Unknown fields are ignored here and kept where they matter: a draft is never modelled, it is posted back as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


def _as_id(value: object) -> object:
    """Session ids are numbers beyond 2^53 that some services send as such."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _either(*names: str) -> Any:
    return Field(default=None, validation_alias=AliasChoices(*names))


Id = Annotated[str, BeforeValidator(_as_id), Field(min_length=1, max_length=256)]


class Wire(BaseModel):
    """Base of everything that is read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class AnonymousToken(Wire):
    token: str = Field(min_length=1, max_length=4096)
    user_id: str | None = None
    expires_at: datetime | None = None
    credits: int | None = None


class CreditBalance(Wire):
    """Credits. ``frozen`` ones are held for work that is under way."""

    available: int = Field(ge=0)
    frozen: int = Field(default=0, ge=0)
    total: int | None = None

    @property
    def all(self) -> int:
        return self.available + self.frozen if self.total is None else self.total


class SessionData(Wire):
    session_id: Id = Field(validation_alias=AliasChoices("session_id", "sessionId", "id"))
    task_id: str | None = None
    user_id: str | None = None


class ClaimToken(Wire):
    """``expires_in`` in seconds. The account's own token never stands here: it goes into an address."""

    claim_token: str = Field(pattern=r"^clm_[A-Za-z0-9._~-]{1,512}$")
    expires_in: int | None = None


class UploadedFile(Wire):
    """A file as the service has it; ``duration`` in seconds."""

    filename: str | None = None
    file_id: str | None = None
    file_type: str | None = None
    url: str | None = _either("cdn_url", "url", "asset_url")
    duration: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    size: int | None = None
    hash: str | None = None


class Features(Wire):
    """What ``GET /health`` tells; a service that is not ours has none."""

    product: str = ""
    version: str = ""
    features: frozenset[str] = frozenset()

    @property
    def is_ours(self) -> bool:
        return self.product == "tightfit"


class RenderStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a word nobody told us: it is waited for


_WORDS = {
    **{str(status): status for status in RenderStatus},
    **dict.fromkeys(("queued", "created", "submitted"), RenderStatus.PENDING),
    **dict.fromkeys(("running", "rendering", "in_progress"), RenderStatus.PROCESSING),
    **dict.fromkeys(("success", "succeeded", "done"), RenderStatus.COMPLETED),
    **dict.fromkeys(("error", "expired"), RenderStatus.FAILED),
    "canceled": RenderStatus.CANCELLED,
}
TERMINAL = frozenset({RenderStatus.COMPLETED, RenderStatus.FAILED, RenderStatus.CANCELLED})


def status_of(word: object) -> RenderStatus:
    text = str(word or "").strip().lower()
    return _WORDS.get(text, RenderStatus.UNKNOWN)


class RenderOutput(Wire):
    """``duration`` in seconds, ``size`` in bytes; ``frames`` and ``encoder_version`` from our own server."""

    url: str | None = _either("url", "outputUrl", "output_url")
    duration: float | None = None
    size: int | None = None
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    encoder_version: str | None = None


class RenderJob(Wire):
    """A render as its last answer shows it; ``progress`` in percent, for display only."""

    id: str
    status: RenderStatus
    progress: int = 0
    output: RenderOutput | None = None
    error: str = ""


def render_job(body: Mapping[str, Any], sent_id: str) -> RenderJob:
    """A job from either form of the answer, or from both at once. Raises ValidationError."""
    data = body.get("data") if isinstance(body.get("data"), Mapping) else {}
    assert isinstance(data, Mapping)

    def first(*names: str) -> Any:
        found = (source[name] for source in (body, data) for name in names if source.get(name) is not None)
        return next(found, None)

    output = first("output")
    facts: dict[str, Any] = dict(output) if isinstance(output, Mapping) else {}
    facts.setdefault("url", first("outputUrl", "output_url"))
    if facts["url"] is None:
        facts["url"] = first("outputUrl", "output_url")
    progress = first("progress")
    return RenderJob(
        id=str(first("id", "taskId", "render_id", "renderId", "job_id") or sent_id),
        status=status_of(first("status")),
        progress=int(max(0, min(100, progress))) if isinstance(progress, (int, float)) and progress == progress else 0,
        output=RenderOutput.model_validate(facts) if any(v is not None for v in facts.values()) else None,
        error=str(first("error") or ""),
    )


def uploaded_files(data: Any) -> list[UploadedFile]:
    """The list of files from any of its forms. Raises ValidationError."""
    found = data.get("files", data) if isinstance(data, Mapping) else data
    return [UploadedFile.model_validate(item) for item in (found if isinstance(found, list) else [found])]


def now_utc() -> datetime:
    return datetime.now(UTC)
