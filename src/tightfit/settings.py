"""The environment, read once by a door and handed down as a value."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from tightfit.domain.policy import POLICIES, Policy
from tightfit.errors import UsageError


class CloudSettings(BaseSettings):
    """``NEMO_TOKEN``, ``NEMO_CLIENT_ID``, ``NEMO_API_URL`` and ``NEMO_WEB_URL``: the account and where it is."""

    model_config = SettingsConfigDict(env_prefix="NEMO_", env_ignore_empty=True, frozen=True)

    token: SecretStr | None = None
    client_id: str | None = None
    api_url: str = "https://mega-api-prod.nemovideo.ai"
    web_url: str = "https://nemovideo.com"


class Settings(BaseSettings):
    """``TIGHTFIT_HOME`` (state and cache), ``TIGHTFIT_FFMPEG`` (an ffmpeg instead of the bundled one),
    ``TIGHTFIT_POLICY`` (local or server: how much a source may be and a child may take, see ``domain.policy``),
    ``TIGHTFIT_OFFLINE`` (open no socket) and ``TIGHTFIT_TEST_CLOCK`` (``fast``: cloud waits a hundredfold shorter).

    ``TIGHTFIT_TEST_CRASH`` names a point of ``engine.disk`` at which the process is to die; only tests set it.
    """

    model_config = SettingsConfigDict(env_prefix="TIGHTFIT_", env_ignore_empty=True, frozen=True)

    home: Path = Field(default_factory=lambda: user_state_path("tightfit"))
    ffmpeg: str | None = None
    policy: str = "local"
    offline: bool = False
    test_clock: str = ""
    cloud: CloudSettings = Field(default_factory=CloudSettings)
    test_crash: str = ""

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def limits(self) -> Policy:
        """The policy of that name; raises UsageError where there is none."""
        if self.policy not in POLICIES:
            names = " or ".join(POLICIES)
            raise UsageError(f"There is no policy {self.policy!r}.", hint=f"Set TIGHTFIT_POLICY to {names}.")
        return POLICIES[self.policy]

    @property
    def work(self) -> Path:
        return self.home / "work"
