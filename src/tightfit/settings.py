"""The environment, read once by a door and handed down as a value."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

from tightfit.domain.policy import POLICIES, Policy
from tightfit.errors import UsageError

HOSTED_URL = "https://mega-api-prod.nemovideo.ai"
_YES, _NO = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")


def _text(name: str, otherwise: str | None, **more: Any) -> Any:
    """What is set to nothing is not set."""
    return field(default_factory=lambda: os.environ.get(name) or otherwise, **more)


def _switch(name: str) -> Any:
    return field(default_factory=lambda: _is_on(name))


def _is_on(name: str) -> bool:
    said = os.environ.get(name, "").strip().lower()
    if said and said not in _YES + _NO:
        raise UsageError(f"{name} is {said!r}, which is neither yes nor no.", hint="Set it to 1 or 0.")
    return said in _YES


def home() -> Path:
    """The folder of state and cache, whatever else the environment says."""
    return Path(os.environ.get("TIGHTFIT_HOME") or user_state_path("tightfit"))


@dataclass(frozen=True)
class CloudSettings:
    """``NEMO_TOKEN``, ``NEMO_CLIENT_ID``, ``NEMO_API_URL`` and ``NEMO_WEB_URL``: the account and where it is."""

    token: str | None = _text("NEMO_TOKEN", None, repr=False)
    client_id: str | None = _text("NEMO_CLIENT_ID", None)
    api_url: str = _text("NEMO_API_URL", HOSTED_URL)
    web_url: str = _text("NEMO_WEB_URL", "https://nemovideo.com")


@dataclass(frozen=True)
class Settings:
    """``TIGHTFIT_HOME`` (state and cache), ``TIGHTFIT_FFMPEG`` (an ffmpeg instead of the bundled one),
    ``TIGHTFIT_POLICY`` (local or server: how much a source may be and a child may take, see ``domain.policy``),
    ``TIGHTFIT_OFFLINE`` (open no socket) and ``TIGHTFIT_TEST_CLOCK`` (``fast``: cloud waits a hundredfold shorter).

    ``TIGHTFIT_TEST_CRASH`` names a point of ``engine.disk`` at which the process is to die; only tests set it.
    Raises UsageError where one of them says what it can't.
    """

    home: Path = field(default_factory=home)
    ffmpeg: str | None = _text("TIGHTFIT_FFMPEG", None)
    policy: str = _text("TIGHTFIT_POLICY", "local")
    offline: bool = _switch("TIGHTFIT_OFFLINE")
    test_clock: str = _text("TIGHTFIT_TEST_CLOCK", "")
    cloud: CloudSettings = field(default_factory=CloudSettings)
    test_crash: str = _text("TIGHTFIT_TEST_CRASH", "")

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
