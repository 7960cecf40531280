"""The environment, read once by a door and handed down as a value."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_state_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """``TIGHTFIT_HOME`` (state and cache) and ``TIGHTFIT_FFMPEG`` (an ffmpeg instead of the bundled one).

    ``TIGHTFIT_TEST_CRASH`` names a point of ``engine.disk`` at which the process is to die; only tests set it.
    """

    model_config = SettingsConfigDict(env_prefix="TIGHTFIT_", env_ignore_empty=True, frozen=True)

    home: Path = Field(default_factory=lambda: user_state_path("tightfit"))
    ffmpeg: str | None = None
    test_crash: str = ""

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def work(self) -> Path:
        return self.home / "work"
