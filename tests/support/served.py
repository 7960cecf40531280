"""A real `tightfit serve` to talk to, and people who talk to it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from support.patience import patience

ATTRIBUTION = {"X-Skill-Source": "tests", "X-Skill-Version": "1", "X-Skill-Platform": "terminal"}
# Tokens are counted by source address, and a loopback has sixteen million.
_ADDRESSES = (f"127.{a}.{b}.{c}" for a in range(1, 255) for b in range(256) for c in range(1, 255))
# Enough for every clip in the tests, and little enough to go over it quickly.
MAX_UPLOAD = 1_000_000
# Code of the envelope -> status in the usual mode.
_STATUS = {1001: 401, 1002: 404, 2001: 402, 4001: 415, 4002: 413}
_PATIENCE_S = 60.0
_names = itertools.count()


@dataclass
class Served:
    """One server process over the state folder ``home``."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    test_mode: bool = True
    process: subprocess.Popen[str] | None = None
    base: str = ""

    def start(self) -> Served:
        mode = ["--test-mode"] if self.test_mode else []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tightfit", "serve", "--port", "0", *mode],
            env={**os.environ, "TIGHTFIT_HOME": str(self.home), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=(self.home / "stderr").open("a"),
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Serving on http"), (self.home / "stderr").read_text()
        self.base = line.split()[-1]
        return self

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    @property
    def said(self) -> str:
        return (self.home / "stderr").read_text()

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(timeout=20)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def client(self, **headers: str) -> httpx.Client:
        """A client with a source address of its own."""
        transport = httpx.HTTPTransport(local_address=next(_ADDRESSES), verify=False)
        return httpx.Client(base_url=self.base, transport=transport, timeout=30, headers=headers, trust_env=False)

    def caller(self, client_id: str | None = None) -> Caller:
        return Caller(self, client_id or str(uuid.uuid4()))

    def advance(self, seconds: float) -> None:
        httpx.post(f"{self.base}/__test__/clock", json={"advance_s": seconds}).raise_for_status()

    def break_by(self, *rules: tuple[str, str] | tuple[str, str, int]) -> None:
        """Plan faults: (match, action) or (match, action, nth)."""
        plan = [{"match": rule[0], "action": rule[1], "nth": rule[2] if len(rule) > 2 else 1} for rule in rules]
        httpx.post(f"{self.base}/__test__/faults", json={"rules": plan}).raise_for_status()

    def connect(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    @property
    def leftovers(self) -> list[Path]:
        """Files on their way in."""
        return list((self.home / "server" / "incoming").iterdir())


class Caller:
    """An anonymous user with a token and a session."""

    def __init__(self, served: Served, client_id: str) -> None:
        self.served, self.client_id = served, client_id
        self.http = served.client(**ATTRIBUTION)
        self.account = self.http.post("/api/auth/anonymous-token", headers={"X-Client-Id": client_id}).json()["data"]
        self.token: str = self.account["token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"
        self.session = self.new_session()

    def new_session(self) -> str:
        answer = self.http.post("/api/tasks/me/with-session/nemo_agent", json={"task_name": "project"})
        return str(answer.json()["data"]["session_id"])

    def upload(self, *files: tuple[str, bytes], session: str | None = None) -> httpx.Response:
        parts = [("files", file) for file in files]
        return self.http.post(f"/api/upload-video/nemo_agent/me/{session or self.session}", files=parts)

    def upload_urls(self, *urls: str) -> httpx.Response:
        body = {"urls": list(urls), "source_type": "url"}
        return self.http.post(f"/api/upload-video/nemo_agent/me/{self.session}", json=body)

    def said(self, text: str, session: str | None = None) -> dict[str, Any]:
        message = {"parts": [{"text": text}]}
        sid = session or self.session
        return {"app_name": "nemo_agent", "user_id": "me", "session_id": sid, "new_message": message}

    def say(self, text: str, session: str | None = None, query: str = "") -> httpx.Response:
        return self.http.post(f"/run_sse{query}", json=self.said(text, session))

    @contextmanager
    def saying(self, text: str, session: str | None = None) -> Iterator[Iterator[str]]:
        """The lines of the answer, as they come."""
        with self.http.stream("POST", "/run_sse", json=self.said(text, session)) as answer:
            assert answer.status_code == 200
            yield answer.iter_lines()

    @property
    def credits(self) -> dict[str, int]:
        found: dict[str, int] = self.http.get("/api/credits/balance/simple").json()["data"]
        return found

    def state(self, session: str | None = None) -> dict[str, Any]:
        answer = self.http.get(f"/api/state/nemo_agent/me/{session or self.session}/latest")
        found: dict[str, Any] = answer.json()["data"]
        return found

    @property
    def draft(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state()["state"]["draft"]
        return found

    def submit(self, draft: object, *, id: str | None = None, **output: object) -> httpx.Response:
        body = {"id": id or f"render_{next(_names)}", "sessionId": self.session, "draft": draft, "output": output}
        return self.http.post("/api/render/proxy/lambda", json=body)

    def poll(self, render: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/api/render/proxy/lambda/{render}").json()
        return found

    def finished(self, render: str) -> dict[str, Any]:
        """The render once it is over."""
        return wait_for(lambda: self.poll(render), lambda job: job["status"] not in ("pending", "processing"))


def wait_for(look: Any, is_right: Any) -> Any:
    """What ``look`` returns once it is right; fails when it never is."""
    until = time.monotonic() + patience(_PATIENCE_S)
    while not is_right(seen := look()):
        assert time.monotonic() < until, f"it never came: {seen}"
        time.sleep(0.05)
    return seen


def events_in(text: str) -> list[dict[str, Any]]:
    """The JSON events of a stream."""
    return [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]


def texts_in(text: str) -> list[str]:
    parts = [part for event in events_in(text) if "content" in event for part in event["content"]["parts"]]
    return [part["text"] for part in parts if "text" in part]


def refused(served: Served, answer: httpx.Response, code: int) -> bool:
    """True where ``answer`` carries ``code``, with the status that it has in the server's mode."""
    legacy = served.environment.get("TIGHTFIT_SERVE_HTTP_MODE") == "legacy200"
    status = 200 if legacy and code in _STATUS else _STATUS.get(code, code)
    found: dict[str, Any] = answer.json()
    return found["code"] == code and answer.status_code == status


def answer_on(connection: socket.socket) -> bytes:
    """Head and JSON body of the next answer."""
    answer = b""
    while not answer.endswith(b"}") and (more := connection.recv(65536)):
        answer += more
    return answer
