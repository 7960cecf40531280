"""How many sentences are understood exactly, by language and by kind: ``python -m benchmarks.languages``.

Exactly means that every wish that is expected is there and no other one. The sentences are those of the tests; the
held-out ones were not looked at while the grammar was made.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.sentences import DATA, Case, cases, differences, understood  # noqa: E402 - it lies with the tests

SETS = {"examples": [DATA / "examples.jsonl"], "fresh": sorted(DATA.glob("??.jsonl"))}
SETS["tuned"] = sorted((DATA / "tuned").glob("*.jsonl"))
SETS["held out"] = sorted((DATA / "held-out").glob("*.jsonl"))
for name in ("second", "third", "fourth", "fifth", "sixth"):
    SETS[name] = sorted((DATA / name).glob("*.jsonl"))


def table(found: list[tuple[Case, list[str]]], key: str) -> list[str]:
    """Lines of a Markdown table: how many of each language, or of each kind, are exact."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for case, wrong in found:
        for name in [case.lang] if key == "language" else (case.tags or ["other"]):
            total[name] += 1
            right[name] += not wrong
    rows = [f"| {name} | {right[name]} of {total[name]} | {right[name] / total[name]:.1%} |" for name in sorted(total)]
    return [f"| {key} | exact | |", "|---|---|---|", *rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="show what was expected of each that is not exact")
    arguments = parser.parse_args()
    for name, paths in SETS.items():
        started = time.perf_counter()
        found = [(case, differences(case.expect, understood(case))) for path in paths for case in cases(path)]
        spent = time.perf_counter() - started
        exact = sum(not wrong for _, wrong in found)
        each = f"{spent / len(found) * 1000:.1f} ms each"
        print(f"\n## {name}: {exact} of {len(found)} ({exact / len(found):.1%}), {each}\n")
        print("\n".join([*table(found, "language"), "", *table(found, "kind")]))
        if arguments.wrong:
            for case, wrong in found:
                if wrong:
                    print(f"\n{case.id}: {case.text}\n    " + "\n    ".join(wrong))


if __name__ == "__main__":
    main()
