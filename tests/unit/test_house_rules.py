"""What import-linter can't see: processes, changed files and clocks that need no special import."""

from __future__ import annotations

import ast
from pathlib import Path

import tightfit

SOURCE = Path(tightfit.__file__).parent
STARTERS = {"open_process", "run_process", "Popen", "system", "posix_spawn", "posix_spawnp", "fork", "forkpty"}
PREFIXES = ("create_subprocess_", "exec", "spawn")
# The spawner itself, and the guard that turns into the program.
ALLOWED = {"media/process.py", "media/_guard.py"}


def _starts_a_process(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    name, owner = node.func.attr, node.func.value
    if name in STARTERS:
        return True
    return isinstance(owner, ast.Name) and owner.id in ("os", "asyncio") and name.startswith(PREFIXES)


def test_only_the_process_module_starts_processes():
    starting = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(map(_starts_a_process, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }
    assert starting == ALLOWED


# What a job rests on: each change to the disk in these passes ``engine.disk``, where tests let it fail.
DURABLE = ("compress", "damage", "durable", "hold", "journal", "memory", "publish", "tidying")
CHANGES = {"fsync", "link", "mkdir", "rename", "rmdir", "rmtree", "symlink", "touch", "unlink", "remove", "write_text"}
# The trial of a folder, itself handed to the disk; the copy of a file that fits, whose failure removes it; and the name
# in UTF-8 of a source that has none.
OWN_CHANGES = {"publish.py": ["touch", "unlink", "unlink"]}


def _changes_in(path: Path) -> list[str]:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    attributes = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in CHANGES]
    return sorted(call.attr for call in attributes if not ast.unparse(call.value).endswith("disk"))


def test_what_lasts_of_a_job_is_changed_through_the_disk_alone():
    found = {f"{name}.py": _changes_in(SOURCE / "engine" / f"{name}.py") for name in DURABLE}
    assert {name: changes for name, changes in found.items() if changes} == OWN_CHANGES


# Wall time is told to people, and is one half of a job's name. A wait, a limit or an order that rests on it breaks when
# the clock is set.
WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "date.today",
    "time.gmtime",
    "time.localtime",
}
TOLD_TO_PEOPLE = {
    "engine/journal.py": ["time.time"],
    "engine/job.py": ["time.time_ns"],
    "cli/logs.py": ["time.localtime"],
    "cli/presets.py": ["date.today"],
    "engine/ledger.py": ["time.time"],
    "engine/session_log.py": ["time.time"],
    # Dates that a service and its clients agree on: when a token, an address or a file has had its time.
    "cloud/models.py": ["datetime.now"],
    "server/clock.py": ["time.time"],
}


def test_no_logic_asks_the_wall_clock():
    found = {}
    for path in SOURCE.rglob("*.py"):
        names = [
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and ast.unparse(node) in WALL_CLOCKS
        ]
        if names:
            found[str(path.relative_to(SOURCE))] = names
    assert found == TOLD_TO_PEOPLE
