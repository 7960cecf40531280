"""What import-linter can't see: processes can be started without importing anything by that name."""

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
