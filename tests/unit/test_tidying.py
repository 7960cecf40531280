"""What is removed from the state folder: what tightfit made and nobody needs, nothing else, whatever the clock says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tightfit.domain.job import Kind
from tightfit.engine.disk import Disk
from tightfit.engine.job import new_job_id, remove_scratch
from tightfit.engine.journal import Journal
from tightfit.engine.tidying import clean, keep_small
from tightfit.settings import Settings

YEAR_S = 365 * 86_400


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def journal(settings: Settings) -> Journal:
    return Journal(settings.home / "journal.db")


def made(path: Path, content: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_the_state_folder_is_measured_while_others_work_in_it(settings: Settings, journal: Journal):
    kept = made(settings.cache / "analysis-1.json")
    (settings.cache / "gone").symlink_to(settings.home / "nowhere")
    keep_small(settings, journal, Disk())
    assert kept.exists()


def test_a_folder_of_the_users_own_in_a_shared_state_folder_is_left_alone(settings: Settings, journal: Journal):
    """TIGHTFIT_HOME may be a folder that has a `work`, a `cache` and `logs` already."""
    theirs = [made(settings.work / name / "photo.jpg") for name in ("photos", "tax-2019", "wedding-99999999")]
    scratch = made(settings.work / f"{new_job_id()}-99999999" / "piece.nut")
    clean(settings, journal, Disk())
    remove_scratch(settings.work)
    assert all(path.exists() for path in theirs)
    assert not scratch.exists()


def test_only_the_folders_of_jobs_that_can_go_on_are_kept(settings: Settings, journal: Journal):
    ids = {state: new_job_id() for state in ("unfinished", "cancelled", "unknown")}
    for state in ("unfinished", "cancelled"):
        journal.submit(ids[state], state, {"source": "x"})
    journal.append(ids["cancelled"], Kind.CANCELLED)
    folders = {state: made(settings.work / name / "piece.nut").parent for state, name in ids.items()}
    clean(settings, journal, Disk(), keep_finished=5)
    assert {state for state, folder in folders.items() if folder.exists()} == {"unfinished"}


def test_room_is_made_from_the_oldest_file_on_even_where_all_lie_in_the_future(settings: Settings, journal: Journal):
    files = [made(settings.cache / f"analysis-{n}.json", "x" * 100_000) for n in range(4)]
    theirs = made(settings.home / "logs" / "diary.log", "x" * 100_000)
    for n, path in enumerate([*files, theirs]):
        at = path.stat().st_mtime + YEAR_S + n
        os.utime(path, (at, at))
    os.utime(theirs, (0, 0))
    room_for_two = (settings.home / "journal.db").stat().st_size + 350_000
    keep_small(settings, journal, Disk(), share=room_for_two / shutil.disk_usage(settings.home).total)
    assert [path.exists() for path in files] == [False, False, True, True]
    assert theirs.exists()
