"""A counting cloud, and a client at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.client import Bench
from support.cloud import FakeCloud


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@pytest.fixture
def bench(cloud: FakeCloud, tmp_path: Path) -> Bench:
    (tmp_path / "home").mkdir()
    return Bench(cloud, tmp_path)
