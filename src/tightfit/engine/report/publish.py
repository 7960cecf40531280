"""Where the page goes: beside nothing that is there already, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from tightfit.domain.request import CompressRequest
from tightfit.engine import publish
from tightfit.engine.disk import Disk
from tightfit.errors import OutputError, OutputExists, UsageError

_HEAD_BYTES = 1000


def check_report(request: CompressRequest, output: Path, job_id: str) -> None:
    """Raise before any work where the page can't be written: UsageError, OutputError, OutputExists."""
    path = request.report
    if path is None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report {path} does not end in .html.", hint="Write --report report.html.")
    if path.is_dir():
        raise OutputError(f"{path} is a folder.", hint="Name a file: --report report.html.")
    if not path.parent.is_dir():
        raise OutputError(f"The folder {path.parent} does not exist.", hint="Create it, or name another report.")
    if path.absolute() == output.absolute():
        raise UsageError("--report and --output name the same file.", hint="Name two.")
    if path.exists() and not request.overwrite and not _is_of(path, job_id):
        raise OutputExists(f"{path} is already there.", hint="Use --overwrite to replace it, or name another report.")


def publish_report(request: CompressRequest, page: str, job_id: str, disk: Disk) -> None:
    """Write the page durably and give it its name. Raises OutputExists, OutputError."""
    path = request.report
    assert path is not None, "asked for"
    part = publish.report_part(path, job_id)
    try:
        disk.unlink(part, "part")
        part.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise publish.explained(exc, path) from exc
    publish.publish(part, path, overwrite=request.overwrite or _is_of(path, job_id), disk=disk)


def _is_of(path: Path, job_id: str) -> bool:
    """Whether an earlier run of this same job wrote it, and was killed before the file had its name."""
    try:
        with path.open("rb") as file:
            return f'name="tightfit-job" content="{job_id}"'.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False
