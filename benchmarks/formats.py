"""Every file comes out right: each clip of a folder is compressed and compared with what ffmpeg shows of the source.

`python -m benchmarks.formats CLIPS_FOLDER` compresses every clip to 30 % and for a preset and checks orientation,
colour, duration, sync, the list of streams and the facts. `--only TEXT` picks clips; with `--results FILE` each row is
kept as a line of JSON and a later run does what is missing; `--write` makes the table in docs/formats.md of all rows.
Returns 1 where one clip fails a check.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import anyio

from benchmarks.shown import Grid, Shown, delta_e, lab, shown, sound_offset_s, turned
from tightfit.domain.media_info import MediaInfo
from tightfit.media.probe import probe

TARGETS = (("--to", "30%"), ("--for", "whatsapp"))
SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".ts", ".mpg", ".flv", ".avi", ".gif", ".m4v", ".3gp", ".wmv", ".mxf"}
DOCS = Path("docs/formats.md")
# Pictures that are compared, evenly over the clip.
_LOOKS = 12
# A picture made of a third of the bytes differs by itself; a wrong matrix, range or transfer by more than this.
_MOST_DELTA_E = 2.0
_MOST_SYNC_S = 0.020
_SHAPE_TOLERANCE = 0.02
_AAC_LEAD = 1024
# Refusals that a person accepts have these exit codes: usage, an input that can't be used, too small a limit.
_ACCEPTABLE = {2, 3, 4}


@dataclass
class Row:
    """One clip under one limit, and what was found; ``failures`` is empty where all is well."""

    clip: str
    target: str
    status: str = ""
    said: str = ""
    found: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def check(self, what: str, seen: str, ok: bool) -> None:
        self.found[what] = seen if ok else f"**{seen}**"
        if not ok:
            self.failures.append(f"{what}: {seen}")


def compressed(clip: Path, target: tuple[str, str], folder: Path) -> dict[str, Any]:
    """The result object of a run of the command line."""
    command = [sys.executable, "-m", "tightfit", "compress", str(clip), *target, "-o", str(folder), "--json", "-q"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    results = [line for line in lines if line.get("type") == "result"]
    return results[-1] if results else {"status": "failed", "error": {"code": done.returncode, "message": done.stderr}}


def row_of(clip: Path, target: tuple[str, str], source: Callable[[], tuple[MediaInfo, Shown]]) -> Row:
    row = Row(clip.name, target[1])
    with tempfile.TemporaryDirectory() as name:
        result = compressed(clip, target, Path(name))
        row.status = result["status"]
        error = result.get("error") or {}
        row.said = str(error.get("message", "")) or "; ".join(result.get("warnings", []))
        if row.status == "failed" and error.get("code") not in _ACCEPTABLE:
            row.failures.append(f"refused with exit code {error.get('code')}: {row.said}")
        if row.status == "met":
            info, seen = source()
            made_path = Path(result["output"])
            made = anyio.run(partial(probe, made_path))
            compare(row, info, seen, made, made_path, result)
    return row


def compare(row: Row, info: MediaInfo, seen: Shown, made: MediaInfo, path: Path, result: dict[str, Any]) -> None:
    """Fill ``row`` with what was found of the file at ``path`` that became of ``info``."""
    video, sound = made.main_video, made.main_audio
    if video is None:
        row.failures.append("no picture")
        return
    row.check("size", f"{result['bytes'] / result['limit_bytes']:.3f}", result["bytes"] <= result["limit_bytes"])
    now = shown(path, made, video, sound.index if sound else None)
    _compare_pictures(row, seen, now)
    _compare_shape(row, info, made)
    off = now.duration_s - seen.duration_s
    row.check("duration", f"{off:+.3f} s", abs(off) <= seen.step_s * 1.01 + 1e-3)
    row.check("frames", f"{len(now.times)}/{len(seen.times)}", len(now.times) == len(seen.times))
    if sound and info.main_audio:
        offset = sound_offset_s(seen.sound, now.sound)
        if offset is None:
            late = (now.sound_from_s or 0.0) - (seen.sound_from_s or 0.0)
            # AAC begins with silence of its own, which is only left out where the picture does not begin before it.
            earliest = -_MOST_SYNC_S - _AAC_LEAD / sound.sample_rate
            row.check("sync", f"{1000 * late:+.1f} ms (its start)", earliest <= late <= _MOST_SYNC_S)
        else:
            row.check("sync", f"{1000 * offset:+.1f} ms", abs(offset) <= _MOST_SYNC_S)
    _compare_streams(row, info, made)
    _compare_facts(row, info, made)


def _compare_pictures(row: Row, seen: Shown, now: Shown) -> None:
    times = [seen.duration_s * (n + 0.5) / _LOOKS for n in range(_LOOKS)]
    pairs = [(lab(seen.at(t)), lab(now.at(t))) for t in times]
    # Over time, since what a strong compression loses averages out, and a wrong matrix or range does not.
    over_time = delta_e(_mean([a for a, _ in pairs]), _mean([b for _, b in pairs]))
    row.check("ΔE", f"{over_time:.2f}", over_time <= _MOST_DELTA_E)
    ways: dict[str, float] = {}
    for a, b in pairs:
        for name, way in turned(a).items():
            ways[name] = ways.get(name, 0.0) + delta_e(way, b)
    best = min(ways, key=lambda name: ways[name])
    row.check("orientation", best, ways["upright"] <= ways[best] + 1e-9)


def _mean(pictures: list[Grid]) -> Grid:
    return [tuple(sum(c) / len(c) for c in zip(*cell, strict=True)) for cell in zip(*pictures, strict=True)]  # type: ignore[misc]


def _compare_shape(row: Row, info: MediaInfo, made: MediaInfo) -> None:
    was, is_now = info.main_video, made.main_video
    assert was is not None, "checked by the caller"
    assert is_now is not None, "checked by the caller"
    a, b = was.display_size, is_now.display_size
    off = (b[0] / b[1]) / (a[0] / a[1]) - 1
    row.check("shape", f"{a[0]}x{a[1]} → {b[0]}x{b[1]}", abs(off) <= _SHAPE_TOLERANCE)


def _kinds(info: MediaInfo) -> dict[str, int]:
    return {
        "video": 1,
        "audio": sum(a.packets > 0 for a in info.audios),
        "subtitle": sum(o.kind == "subtitle" for o in info.others),
        "chapters": info.chapters,
    }


def _compare_streams(row: Row, info: MediaInfo, made: MediaInfo) -> None:
    """What is not carried over has to be said."""
    was, now = _kinds(info), _kinds(made)
    words = {"audio": "sound", "subtitle": "subtitle", "chapters": "chapter"}
    lost = [kind for kind, count in was.items() if now[kind] < count and words.get(kind, kind) not in row.said.lower()]
    seen = ", ".join(f"{now[kind]}/{count} {kind}" for kind, count in was.items() if count or now[kind])
    row.check("streams", seen, not lost)


# What programs write that know no date: the beginning of Unix time.
_NO_DATE = "1970-01-01T00:00:00.000000Z"


def _compare_facts(row: Row, info: MediaInfo, made: MediaInfo) -> None:
    was, now = dict(info.metadata), dict(made.metadata)
    wanted = [
        key for key in ("title", "creation_time", "location", "make", "model") if was.get(key, _NO_DATE) != _NO_DATE
    ]
    lost = [key for key in wanted if now.get(key, "")[:19] != was[key][:19]]
    seen = "-" if not wanted else "lost " + ", ".join(lost) if lost else ", ".join(wanted)
    row.check("facts", seen, not lost)


_COLUMNS = ("size", "orientation", "shape", "ΔE", "frames", "duration", "sync", "streams", "facts")


def table(rows: list[Row]) -> str:
    head = f"| clip | limit | status | {' | '.join(_COLUMNS)} | said |"
    lines = [head, "|" + "---|" * (len(_COLUMNS) + 4)]
    for row in rows:
        cells = [row.clip, row.target, row.status, *(row.found.get(c, "") for c in _COLUMNS), row.said]
        lines.append("| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)


def kept(path: Path | None) -> list[Row]:
    """The rows of an earlier run; of two with one name the later."""
    if path is None or not path.exists():
        return []
    rows = [Row(**json.loads(line)) for line in path.read_text().splitlines()]
    return list({(row.clip, row.target): row for row in rows}.values())


def keep(path: Path | None, row: Row) -> None:
    if path is not None:
        with path.open("a") as lines:
            lines.write(json.dumps(asdict(row)) + "\n")


def source_of(clip: Path) -> Callable[[], tuple[MediaInfo, Shown]]:
    """What ffmpeg shows of a clip, decoded once and only if it is asked for."""

    @cache
    def source() -> tuple[MediaInfo, Shown]:
        info = anyio.run(partial(probe, clip))
        video, sound = info.main_video, info.main_audio
        assert video, "it was compressed"
        return info, shown(clip, info, video, sound.index if sound else None)

    return source


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--targets", type=int, default=len(TARGETS), help="only the first so many limits")
    parser.add_argument("--results", type=Path, help="rows as lines of JSON; those in it already are not made again")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCS}")
    given = parser.parse_args()
    clips = [p for p in given.clips.iterdir() if p.suffix.lower() in SUFFIXES and given.only in p.name]
    # The smallest first: what is wrong everywhere shows at once.
    clips.sort(key=lambda p: p.stat().st_size)
    rows = kept(given.results)
    done = {(row.clip, row.target) for row in rows}
    for clip in clips:
        source = source_of(clip)
        for target in TARGETS[: given.targets]:
            if (clip.name, target[1]) in done:
                continue
            row = row_of(clip, target, source)
            rows.append(row)
            keep(given.results, row)
            print(row.clip, row.target, row.status, row.found, "; ".join(row.failures) or "ok", flush=True)
    failed = [row for row in rows if row.failures]
    print(f"{len(rows) - len(failed)} of {len(rows)} are right")
    if given.write:
        rows.sort(key=lambda row: (row.clip, row.target))
        before = DOCS.read_text().partition("<!-- table -->")[0] if DOCS.exists() else ""
        DOCS.write_text(f"{before}<!-- table -->\n\n{table(rows)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
