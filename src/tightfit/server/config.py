"""What whoever runs the server may set, from the environment (``TIGHTFIT_SERVE_…``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

WEEK_S, DAY_S = 7 * 86_400, 86_400


class ServerSettings(BaseSettings):
    """Sizes in bytes, times in seconds, credits as whole numbers."""

    model_config = SettingsConfigDict(env_prefix="TIGHTFIT_SERVE_", env_ignore_empty=True, frozen=True)

    max_upload_bytes: int = Field(default=500 * 1024 * 1024, ge=1)  # "500 MB", the larger reading
    allow_url_hosts: str = ""  # host:port,… that URL uploads may name although they are not global addresses
    http_mode: Literal["semantic", "legacy200"] = "semantic"  # how codes of four digits arrive
    public_url: str = ""  # how clients call this server, where a proxy stands before it; else what they called it
    export_policy: Literal["skill_ok", "paid_only", "all"] = "skill_ok"
    anon_reissue: Literal["429", "return_existing"] = "429"
    plain: bool = False  # answer as the hosted service does: no word of what else this server can
    renders: int = Field(default=1, ge=1, le=64)  # renders at work at once
    free_credits: int = Field(default=100, ge=0)
    edit_credits: int = Field(default=50, ge=0)  # the first edit of a session; later ones are free
    token_s: int = WEEK_S
    tokens_per_address: int = 10  # in token_s
    url_s: int = DAY_S
    output_s: int = DAY_S
    heartbeat_s: float = 15.0

    @field_validator("allow_url_hosts")
    @classmethod
    def _names_hosts_and_ports(cls, text: str) -> str:
        _hosts_and_ports(text)
        return text

    @property
    def url_hosts(self) -> frozenset[tuple[str, int]]:
        return _hosts_and_ports(self.allow_url_hosts)


def _hosts_and_ports(text: str) -> frozenset[tuple[str, int]]:
    """Raises ValueError."""
    named = [entry.strip().rpartition(":") for entry in text.split(",") if entry.strip()]
    if not all(host and port.isdecimal() for host, _, port in named):
        raise ValueError("write host:port, several with commas between them")
    return frozenset((host.strip("[]").lower(), int(port)) for host, _, port in named)
