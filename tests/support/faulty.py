"""An ffmpeg that fails as real ones do: a wrapper that passes everything on but the encodes it was told to spoil."""

from __future__ import annotations

import json
import sys
from pathlib import Path

_WRAPPER = """#!{python}
import json, os, signal, subprocess, sys, time
here = os.path.dirname(os.path.abspath(__file__))
plan = json.load(open(os.path.join(here, "plan.json")))
argv = sys.argv[1:]
spoiled = bool({{"medium", "faster"}} & set(argv)) and ("-pass" not in argv or argv[argv.index("-pass") + 1] == "2")
# One picture, for the form of all.
spoiled = spoiled and "/kind-" not in argv[-2]
count = os.path.join(here, "count")
if plan.get("on"):
    spoiled = any(plan["on"] in word for word in argv)
if argv[-1] == "-version" and plan.get("version"):
    print("ffmpeg version " + plan["version"] + " Copyright (c) others")
    sys.exit(0)
if spoiled:
    done = os.path.getsize(count) if os.path.exists(count) else 0
    with open(count, "a") as file:
        file.write("x")
    with open(os.path.join(here, "encodes"), "a") as file:
        print(json.dumps(argv), file=file)
    if plan["first"] <= done < plan["first"] + plan["times"]:
        fault = plan["fault"]
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "hang":
            print("frame=1\\ntotal_size=10\\nprogress=continue", flush=True)
            print("frame=2\\ntotal_size=20\\nprogress=continue", flush=True)
            time.sleep(600)
        if fault == "meanwhile":
            command = [word.replace("PARENT", str(os.getppid())) for word in plan["command"]]
            subprocess.Popen(command, stdin=-3, stdout=-3, stderr=-3, start_new_session=True)
            time.sleep(plan["pause_s"])
        if fault == "traced":
            command = [word.replace("OUTPUT", argv[-2].removeprefix("file:")) for word in plan["command"]]
            os.execvp(command[0], [*command, {ffmpeg!r}, *argv])
        if fault == "short":
            at = argv.index("-f", argv.index("-map") if "-map" in argv else 0)
            argv[at:at] = ["-frames:v", "5"]
        if fault == "full":
            sys.stderr.write("[error] av_interleaved_write_frame(): No space left on device\\n")
            sys.exit(1)
os.execv({ffmpeg!r}, [{ffmpeg!r}, *argv])
"""


def faulty_ffmpeg(folder: Path, ffmpeg: str, fault: str, *, times: int, first: int = 0, **more: object) -> Path:
    """A program like ``ffmpeg`` whose encodes from the ``first``-th on end in ``fault``, ``times`` times in all.

    The fault "meanwhile" starts ``command``, in which PARENT stands for our process, and waits ``pause_s`` before it
    goes on; the fault "traced" puts ``command``, in which OUTPUT is the file to be made, before ffmpeg's own. ``on``
    is what is in a word of the calls to spoil instead of encodes; ``version`` is what the program says that it is.
    """
    folder.mkdir(exist_ok=True)
    (folder / "plan.json").write_text(json.dumps({"fault": fault, "times": times, "first": first, **more}))
    program = folder / "ffmpeg"
    program.write_text(_WRAPPER.format(python=sys.executable, ffmpeg=ffmpeg))
    program.chmod(0o755)
    return program


def encodes_of(folder: Path) -> list[list[str]]:
    """The command lines of the encodes that the program in ``folder`` was asked for."""
    return [json.loads(line) for line in (folder / "encodes").read_text().splitlines()]
