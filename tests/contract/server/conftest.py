"""Real servers, started once, and small clips for them."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.footage import lavfi, make
from support.served import MAX_UPLOAD, Caller, Served

StartServer = Callable[..., Served]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory, known_ffmpegs: Path) -> Iterator[StartServer]:
    """Starts a server with these TIGHTFIT_SERVE_… values; it knows its ffmpeg already."""
    started: list[Served] = []

    def start(*, test_mode: bool = True, **values: object) -> Served:
        home = tmp_path_factory.mktemp("serve")
        shutil.copytree(known_ffmpegs / "cache", home / "server" / "engine" / "cache")
        environment = {f"TIGHTFIT_SERVE_{key.upper()}": str(value) for key, value in values.items()}
        started.append(Served(home, environment, test_mode).start())
        return started[-1]

    yield start
    for served in started:
        served.end()


@pytest.fixture(scope="session")
def semantic(start_server: StartServer) -> Served:
    return start_server(max_upload_bytes=MAX_UPLOAD)


@pytest.fixture(scope="session")
def legacy(start_server: StartServer) -> Served:
    """Answers as the hosted service may: codes of four digits with status 200; and its plan has no exports."""
    return start_server(max_upload_bytes=MAX_UPLOAD, http_mode="legacy200", export_policy="paid_only")


@pytest.fixture(scope="session")
def hosting(tiny: bytes) -> Iterator[int]:
    """A web server on the loopback, and its port: a file, a redirect to elsewhere, a stream without end."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/redirect"):
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/inside.mp4")
                self.end_headers()
                return
            self.send_response(200)
            endless = self.path.startswith("/endless")
            if not endless:
                self.send_header("Content-Length", str(len(tiny)))
            self.end_headers()
            try:
                self.wfile.write(tiny)
                while endless:
                    self.wfile.write(bytes(65536))
            except OSError:
                pass

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="session")
def roaming(start_server: StartServer, hosting: int) -> Served:
    """A server that fetches from ``hosting`` and whose clock may be moved by days."""
    return start_server(max_upload_bytes=MAX_UPLOAD, allow_url_hosts=f"127.0.0.1:{hosting}")


@pytest.fixture(params=["semantic", "legacy200"])
def any_mode(request: pytest.FixtureRequest, semantic: Served, legacy: Served) -> Served:
    return semantic if request.param == "semantic" else legacy


@pytest.fixture
def served(semantic: Served) -> Iterator[Served]:
    """The server in its usual mode, without faults before and after."""
    yield semantic
    semantic.break_by()


@pytest.fixture
def caller(served: Served) -> Caller:
    return served.caller()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 320x180 with a tone."""
    path = tmp_path_factory.mktemp("served") / "clip.mp4"
    picture = lavfi("testsrc2=size=320x180:rate=25:duration=2,noise=alls=12:allf=t")
    h264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", 24, "-pix_fmt", "yuv420p"]
    make(*picture, *lavfi("sine=frequency=440:duration=2"), *h264, "-c:a", "aac", path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Eight frames of 160x90, silent: what takes longest with it is starting the processes."""
    path = tmp_path_factory.mktemp("served") / "tiny.mp4"
    make(*lavfi("testsrc2=size=160x90:rate=25"), "-frames:v", 8, "-pix_fmt", "yuv420p", "-crf", 30, path)
    return path.read_bytes()


@pytest.fixture(scope="session")
def refused_often(semantic: Served, tiny: bytes) -> Caller:
    """A caller with a draft, for requests that are refused and leave it as it was."""
    caller = semantic.caller()
    caller.upload(("tiny.mp4", tiny))
    caller.say("2MB")
    return caller


@pytest.fixture
def editing(caller: Caller, tiny: bytes) -> Caller:
    """A caller with a video in its session."""
    assert caller.upload(("tiny.mp4", tiny)).status_code == 200
    return caller
