"""When a clip may go to a render service at all, by any door."""

from __future__ import annotations

from pathlib import Path

import pytest

import tightfit
from tightfit.cloud.identity import Identity
from tightfit.domain.request import CompressRequest, Where
from tightfit.engine.consent import may_use_cloud, require_possible
from tightfit.errors import UsageError
from tightfit.settings import CloudSettings, Settings
from tightfit.units import parse_target

URL = "http://127.0.0.1:1"


def asking(where: Where) -> CompressRequest:
    return CompressRequest(Path("clip.mp4"), parse_target("1MB"), where=where)


def settings(home: Path, *, offline: bool = False, token: str | None = None) -> Settings:
    return Settings(home=home, offline=offline, cloud=CloudSettings(token=token, api_url=URL))


def test_nothing_is_sent_until_somebody_agreed(tmp_path: Path):
    assert not may_use_cloud(asking(Where.AUTO), settings(tmp_path))
    assert may_use_cloud(asking(Where.AUTO), settings(tmp_path, token="nmv_usr_mine"))
    assert may_use_cloud(asking(Where.CLOUD), settings(tmp_path))


@pytest.mark.parametrize("where", [Where.AUTO, Where.LOCAL])
def test_offline_and_local_win_over_every_consent(tmp_path: Path, where: Where):
    Identity(tmp_path, URL).agree()
    assert not may_use_cloud(asking(where), settings(tmp_path, offline=True, token="nmv_usr_mine"))
    assert not may_use_cloud(asking(Where.LOCAL), settings(tmp_path, token="nmv_usr_mine"))
    require_possible(asking(where), settings(tmp_path, offline=True))


def test_consent_is_for_one_service_and_is_kept(tmp_path: Path):
    assert not Identity(tmp_path, URL).is_agreed
    Identity(tmp_path, URL).agree()
    Identity(tmp_path, URL).agree()
    assert Identity(tmp_path, URL).is_agreed
    assert not Identity(tmp_path, "https://elsewhere.example").is_agreed
    assert Identity(tmp_path, "https://elsewhere.example", token="nmv_usr_mine").is_agreed
    assert (tmp_path / "cloud.json").stat().st_mode & 0o777 == 0o600


def test_the_cloud_and_no_socket_contradict_each_other_by_every_door(tmp_path: Path):
    with pytest.raises(UsageError, match="opens no socket"):
        require_possible(asking(Where.CLOUD), settings(tmp_path, offline=True))
    for door in (tightfit.compress, tightfit.plan):
        with pytest.raises(UsageError, match="opens no socket"):
            door(tmp_path / "clip.mp4", to="1MB", where="cloud", offline=True)
    with pytest.raises(UsageError, match="--no-fallback"):
        tightfit.compress(tmp_path / "clip.mp4", to="1MB", where="local", no_fallback=True)
    with pytest.raises(UsageError, match="--max-credits"):
        tightfit.plan(tmp_path / "clip.mp4", to="1MB", where="cloud", max_credits=-1)
