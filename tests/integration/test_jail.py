"""What a child can't do, tried from inside: other files, sockets, other programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
import ffmpeg as graph
import pytest
from support.bait import untouched
from support.footage import lavfi, make

from tightfit.domain.policy import LOCAL, SERVER
from tightfit.media import argv, process
from tightfit.media.jail import reach_of
from tightfit.media.tools import Ffmpeg

# Tries everything and prints what happened to each.
INTRUDER = """
import ctypes, json, os, socket, sys
folder, source, secret = json.loads(sys.argv[1])
def tried(what):
    try:
        what()
    except BaseException as error:
        return type(error).__name__
    return "done"
def write(path):
    with open(path, "w") as file:
        file.write("x")
libc = ctypes.CDLL(None, use_errno=True)
def called(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno())
def shell():
    if os.fork() == 0:
        try:
            os.execv("/bin/sh", ["sh", "-c", "exit 0"])
        finally:
            os._exit(9)
    if os.waitstatus_to_exitcode(os.wait()[1]) == 9:
        raise PermissionError
print(json.dumps({
    "write here": tried(lambda: write(os.path.join(folder, "mine"))),
    "read a secret": tried(lambda: open(secret).read()),
    "read /etc/passwd": tried(lambda: open("/etc/passwd").read()),
    "list home": tried(lambda: os.listdir(os.path.dirname(secret))),
    "write beside": tried(lambda: write(secret + ".new")),
    "remove a secret": tried(lambda: os.unlink(secret)),
    "write into the system": tried(lambda: write("/usr/lib/mine")),
    "TCP": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "UDP": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "a Unix socket": tried(lambda: socket.socket(socket.AF_UNIX)),
    "a shell": tried(shell),
    "trace": tried(lambda: called("ptrace", 0, 0, 0, 0)),
    "a namespace": tried(lambda: called("unshare", 0x10000000)),
    "mount": tried(lambda: called("mount", b"none", folder.encode(), b"tmpfs", 0, None)),
}))
"""


@pytest.fixture(scope="module")
def rung() -> process.Rung:
    return anyio.run(process.rung)


@pytest.mark.anyio
async def test_nothing_but_its_own_files_is_within_a_childs_reach(tmp_path: Path, rung: process.Rung) -> None:
    if not (rung.landlock and rung.seccomp):
        pytest.skip(f"no jail on this kernel: {rung}")
    folder, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    secret = elsewhere / "secret"
    secret.write_text("canary")
    asked = json.dumps([str(folder), "", str(secret)])
    done = await process.run([sys.executable, "-I", "-c", INTRUDER, asked], cwd=folder, limit_s=30)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome.pop("write here") == "done"
    assert {what: result for what, result in outcome.items() if result == "done"} == {}
    assert secret.read_text() == "canary"


@pytest.mark.anyio
async def test_ffmpeg_opens_no_file_that_is_not_its_input(tmp_path: Path, rung: process.Rung) -> None:
    if not rung.landlock:
        pytest.skip("no Landlock on this kernel")
    import imageio_ffmpeg

    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "other.txt").write_text("ffconcat version 1.0\n")
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-f", "lavfi", "-i"]
    inside = f"movie={tmp_path}/other.txt"
    done = await process.run([*argv, inside, "-f", "null", "-"], cwd=folder, limit_s=30)
    assert done.returncode != 0
    assert "Permission denied" in done.stderr


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["-demuxers", "-decoders"])
async def test_what_is_allowed_is_what_both_ffmpegs_have(ffmpeg: Ffmpeg, kind: str) -> None:
    done = await process.run([ffmpeg.path, "-hide_banner", kind], limit_s=60)
    rows = (line.split() for line in done.stdout.decode().splitlines())
    known = {name for row in rows if len(row) > 1 for name in row[1].split(",")}
    assert SERVER.decoders is not None
    # Libraries that a build may do without; the codec's own decoder is allowed beside each.
    optional = {"libvpx", "libvpx-vp9", "libdav1d", "libaom-av1", "libopus", "msmpeg4v3", "dca", "mp3float", "mp2float"}
    wanted = set(LOCAL.formats) | set(SERVER.formats) if kind == "-demuxers" else set(SERVER.decoders) - optional
    assert wanted - known - _OTHERWISE_NAMED == set()


# Demuxers that are one with another one, and a decoder that goes by its standard's name.
_OTHERWISE_NAMED = {"mp4", "webm", "msmpeg4"}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["mov", "matroska", "mpegts"])
@pytest.mark.parametrize("script", ["hls", "concat"])
async def test_no_ffmpeg_follows_a_script_in_place_of_what_was_probed(
    ffmpeg: Ffmpeg, tmp_path: Path, kind: str, script: str
) -> None:
    other = tmp_path / "other.ts"
    make(*lavfi("testsrc2=s=64x64:r=5:d=1"), "-c:v", "libx264", other)
    lines = {"hls": f"#EXTM3U\n#EXTINF:1,\n{other}\n", "concat": "ffconcat version 1.0\nfile other.ts\n"}
    (tmp_path / "script.mp4").write_text(lines[script])
    source = argv.own_input(tmp_path / "script.mp4", kind)
    command = argv.command(ffmpeg.path, graph.output(source, "-", f="null"))
    with untouched([other]):
        done = await process.run(command, cwd=tmp_path, on_line=process.unheard)
    assert done.returncode != 0


def test_the_folder_a_user_stands_in_is_not_within_the_readers_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    reach = reach_of([sys.executable, "-m", "x", "/elsewhere/clip.mp4"], None)
    assert reach is not None
    assert "/elsewhere/clip.mp4" in reach.read
    assert str(tmp_path) not in reach.read


def test_a_script_is_not_jailed_since_nobody_knows_what_it_needs(tmp_path: Path) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text('#!/bin/sh\nexec ffmpeg "$@"\n')
    assert reach_of([str(script), "-version"], None) is None
