"""Whether the disks can take a job, asked before it starts."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from tightfit.engine.prepare import Prepared
from tightfit.errors import OutputError
from tightfit.media import kept
from tightfit.media.encode import PIXELS_PER_NOTE_BYTE
from tightfit.units import format_bytes

log = logging.getLogger("tightfit.room")

# Every piece once, and as many again for what settling makes anew.
_PIECES = 2
# The journal, the sound's intermediates and small change.
_SLACK_BYTES = 8_000_000


def work_bytes(prepared: Prepared) -> int:
    """The most that a job's folder holds at once, in bytes."""
    plan = prepared.plan
    notes = prepared.clip.frames * plan.size.pixels // PIXELS_PER_NOTE_BYTE
    return _PIECES * plan.budget.limit + notes + plan.budget.audio + _SLACK_BYTES


def pictures_bytes(prepared: Prepared) -> int:
    """What pictures kept between two passes may take beside it, where there is plenty of room."""
    return kept.bytes_of(prepared.clip.frames, prepared.plan.size, prepared.clip.picture.bytes_per_pixel)


def check(work: Path, output: Path, prepared: Prepared) -> None:
    """Raise OutputError, with the number, where there is no room for the pieces or for the file."""
    here, there = work_bytes(prepared), prepared.plan.budget.limit
    log.debug("room: %d bytes of work, %d of output, %d of pictures", here, there, pictures_bytes(prepared))
    if work.stat().st_dev == output.parent.stat().st_dev:
        here, there = here + there, 0
    for folder, needed in ((work, here), (output.parent, there)):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise OutputError(
                f"The disk that holds {folder} has {format_bytes(free)} free; this job needs {format_bytes(needed)}.",
                hint="Free some space, or point TIGHTFIT_HOME or -o to another disk.",
            )
