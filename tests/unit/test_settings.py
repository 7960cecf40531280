from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from tightfit.errors import UsageError
from tightfit.settings import CloudSettings, Settings, home


def test_what_the_environment_says_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"HOME": "/state", "FFMPEG": "/opt/ffmpeg", "POLICY": "server", "OFFLINE": "yes"}.items():
        monkeypatch.setenv(f"TIGHTFIT_{name}", value)
    monkeypatch.setenv("NEMO_API_URL", "http://127.0.0.1:1")

    settings = Settings()

    assert (settings.home, settings.ffmpeg, settings.limits.name) == (Path("/state"), "/opt/ffmpeg", "server")
    assert settings.offline
    assert settings.cloud.api_url == "http://127.0.0.1:1"
    assert home() == settings.home


def test_what_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIGHTFIT_HOME", "TIGHTFIT_FFMPEG", "TIGHTFIT_POLICY", "TIGHTFIT_OFFLINE", "NEMO_TOKEN"):
        monkeypatch.setenv(name, "")

    settings = Settings()

    assert settings.home.name == "tightfit"
    assert settings.ffmpeg is None
    assert settings.policy == "local"
    assert not settings.offline
    assert settings.cloud.token is None


def test_a_named_value_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIGHTFIT_OFFLINE", "1")

    assert not Settings(offline=False).offline


@pytest.mark.parametrize("said", ["0", "false", "No", "off"])
def test_a_switch_can_be_set_to_off(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("TIGHTFIT_OFFLINE", said)

    assert not Settings().offline


def test_a_switch_set_to_a_riddle_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIGHTFIT_OFFLINE", "banana")

    with pytest.raises(UsageError, match="TIGHTFIT_OFFLINE is 'banana'"):
        Settings()


def test_the_token_shows_nowhere_by_accident_and_nothing_is_changed_later() -> None:
    cloud = CloudSettings(token="secret")

    assert "secret" not in repr(Settings(cloud=cloud))
    with pytest.raises(FrozenInstanceError):
        cloud.token = "other"  # type: ignore[misc]  # that it is refused is what is shown
