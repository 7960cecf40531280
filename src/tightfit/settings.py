"""The environment, read once by a door and handed down as a value."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from tightfit.domain.policy import POLICIES, Policy
from tightfit.errors import UsageError


class Settings(BaseSettings):
    """``TIGHTFIT_HOME`` (state and cache), ``TIGHTFIT_FFMPEG`` (an ffmpeg instead of the bundled one) and
    ``TIGHTFIT_POLICY`` (local or server: how much a source may be and a child may take, see ``domain.policy``).

    ``TIGHTFIT_TEST_CRASH`` names a point of ``engine.disk`` at which the process is to die; only tests set it.
    """

    model_config = SettingsConfigDict(env_prefix="TIGHTFIT_", env_ignore_empty=True, frozen=True)

    home: Path = Field(default_factory=lambda: user_state_path("tightfit"))
    ffmpeg: str | None = None
    policy: str = "local"
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
