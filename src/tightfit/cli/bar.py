"""The progress bar of a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Column

from tightfit.cli.progress import facts
from tightfit.domain.updates import Update


class Bar:
    """Percentage, speed, time left and the size the file is heading for."""

    def __init__(self, name: str) -> None:
        # Names are never markup: a file called [red].mp4 is a file called [red].mp4.
        self._progress = Progress(
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %", markup=False, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[facts]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
            console=Console(stderr=True),
            transient=True,
            expand=False,
        )
        self._task = self._progress.add_task(name, total=100, facts="")
        self._progress.start()

    def show(self, update: Update) -> None:
        self._progress.update(self._task, completed=update.percent, facts=facts(update))

    def close(self) -> None:
        self._progress.stop()
