"""A render service that counts: the contract's server in little, for clients to be tried against.

It keeps users, sessions, credits, uploads, messages and renders, and does what it is asked at once; what can go
wrong on the way is ``RawServer``'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import re
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from support.rawhttp import RawServer, Request, Response

COST = 10


def video(size: int = 20_000, seed: int = 1) -> bytes:
    """Boxes like those of an MP4 around bytes that are always the same."""
    ftyp = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 512)
    moov = struct.pack(">I4s", 24, b"moov") + bytes(16)
    payload = hashlib.shake_256(str(seed).encode()).digest(size - len(ftyp) - len(moov) - 8)
    return ftyp + moov + struct.pack(">I4s", len(payload) + 8, b"mdat") + payload


@dataclass
class Render:
    id: str
    session: str
    body: str
    file: bytes
    polls: int = 0
    status: str = "pending"
    error: str | None = None


@dataclass
class Session:
    id: str
    user: str
    clips: list[dict[str, Any]] = field(default_factory=list)
    infos: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0


class FakeCloud:
    """``server`` is where it listens. What it counts is there to be looked at; what it does can be set.

    ``seen_as`` is its address where a proxy stands before it."""

    def __init__(self, *, credits: int = 100, ours: bool = False, versions: bool = False) -> None:
        self.server = RawServer(self.answer)
        self.elsewhere = RawServer(self.answer_elsewhere)
        self.users: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.sessions: dict[str, Session] = {}
        self.renders: dict[str, Render] = {}
        self.executions: Counter[str] = Counter()
        self.messages: list[str] = []
        self.available, self.frozen, self.credits = credits, 0, credits
        self.ours, self.versions = ours, versions
        self.envelope = "semantic"
        self.render_shape = "both"
        self.polls_to_end = 1
        self.failing_renders = 0
        self.file = video()
        self.with_facts = True
        self.foreign = False
        self.etag = True
        self.state_etags = False
        self.silent_edits = False
        self.effect = True
        self.script: list[list[bytes | float]] = []
        self.run_s = 0.0
        self.seen_as = ""
        self.draft: Any = None  # told instead of one made of the clips
        self._ids = itertools.count(5529798706024415232)
        self._signatures = itertools.count(1)

    def __enter__(self) -> FakeCloud:
        self.server.__enter__()
        self.elsewhere.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()
        self.elsewhere.__exit__()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    def asked(self, match: str) -> list[Request]:
        return [r for r in self.requests if match in f"{r.method} {r.target}"]

    @property
    def running(self) -> list[Render]:
        return [r for r in self.renders.values() if r.status in ("pending", "processing")]

    # -- routes

    async def answer(self, request: Request) -> Response:
        path = request.path
        if path == "/api/auth/anonymous-token":
            return self._token(request)
        if path == "/health":
            return self._health()
        if path.startswith("/media/"):
            return self._media(request)
        user = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            return self._no(1001)
        for pattern, act in (
            (r"/api/tasks/me/with-session/nemo_agent", self._new_session),
            (r"/run_sse", self._run),
            (r"/api/auth/claim-token", self._claim),
            (r"/api/upload-video/nemo_agent/me/([^/]+)", self._upload),
            (r"/api/credits/balance/simple", self._credits),
            (r"/api/state/nemo_agent/me/([^/]+)/latest", self._state),
            (r"/api/render/proxy/lambda", self._submit),
            (r"/api/render/proxy/lambda/([^/]+)", self._poll),
            (r"/api/render/proxy/lambda/([^/]+)/cancel", self._cancel),
            (r"/api/render/proxy/([^/]+)/download", self._download),
        ):
            if match := re.fullmatch(pattern, path):
                return await act(request, user, *match.groups())
        return self._no(404)

    async def answer_elsewhere(self, request: Request) -> Response:
        return self._media(request)

    def _no(self, code: int, **data: Any) -> Response:
        http = {1001: 401, 1002: 404, 2001: 402, 4001: 415, 4002: 413}.get(code, code)
        status = 200 if self.envelope == "legacy200" and code > 999 else http
        return answered({"code": code, "message": "no", "data": data or None}, status)

    def _health(self) -> Response:
        if not self.ours:
            return answered({"detail": "Not Found"}, 404)
        features = ["target_bytes", "encode", "list_renders", "sha256", "range"]
        return answered({"status": "ok", "product": "tightfit", "version": "0", "features": features})

    def _token(self, request: Request) -> Response:
        client = request.headers.get("x-client-id", "")
        if not client:
            return self._no(400)
        user = self.users.setdefault(client, f"anon_{len(self.users) + 1:x}")
        token = f"nmv_usr_{hashlib.sha256(f'{client}{len(self.tokens)}'.encode()).hexdigest()}"
        self.tokens[token] = user
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7 * 86400))
        return answered({"code": 0, "data": {"token": token, "user_id": user, "expires_at": until, "credits": 100}})

    async def _new_session(self, request: Request, user: str) -> Response:
        session = Session(str(next(self._ids)), user)
        self.sessions[session.id] = session
        return answered({"code": 0, "data": {"task_id": "task_1", "session_id": session.id, "user_id": user}})

    async def _credits(self, request: Request, user: str) -> Response:
        balance = {"available": self.available, "frozen": self.frozen, "total": self.available + self.frozen}
        return answered({"code": 0, "data": balance})

    async def _state(self, request: Request, user: str, sid: str) -> Response:
        session = self.sessions.get(sid)
        if session is None:
            return self._no(1002)
        state = {
            "draft": self.draft or draft_of(session.clips),
            "video_infos": [self._signed(i) for i in session.infos],
        }
        data = {"session_id": sid, "user_id": user, "state": state, "updated_at": time.time()}
        if self.versions:
            data["version"] = session.version
        data["task_id"] = "task_1"
        tag = f'"{sid[-4:]}-{session.version}"'
        if self.state_etags and request.headers.get("if-none-match") == tag:
            return Response(304, {"ETag": tag})
        answer = answered({"code": 0, "data": data})
        return Response(200, answer.headers | ({"ETag": tag} if self.state_etags else {}), answer.body)

    async def _claim(self, request: Request, user: str) -> Response:
        asked = json.loads(request.body)
        if asked.get("session_id") not in self.sessions:
            return self._no(1002)
        return answered({"code": 0, "data": {"claim_token": f"clm_{asked['task_id']}", "expires_in": 604800}})

    def _signed(self, info: dict[str, Any]) -> dict[str, Any]:
        return {**info, "cdn_url": f"{info['cdn_url']}?sig={next(self._signatures)}"}

    async def _upload(self, request: Request, user: str, sid: str) -> Response:
        session = self.sessions.get(sid)
        if session is None:
            return self._no(1002)
        if request.headers["content-type"].startswith("application/json"):
            found = [(url.rpartition("/")[2], b"x") for url in json.loads(request.body)["urls"]]
        else:
            found = form_files(request)
        files = []
        for name, content in found:
            digest = hashlib.sha256(content).hexdigest()
            info = {"filename": name, "file_type": "video", "cdn_url": f"{self.url}/media/{digest}"}
            info |= {"hash": digest, "size": len(content), "duration": 1.0}
            if digest not in [i["hash"] for i in session.infos]:
                session.infos.append(info)
                session.version += 1
            files.append(info)
        return answered({"code": 0, "data": {"files": files, "session_state_applied": True}})

    async def _run(self, request: Request, user: str) -> Response:
        body = json.loads(request.body)
        session = self.sessions.get(body["session_id"])
        if session is None:
            return self._no(1002)
        if self.available < COST:
            return self._no(2001, bind_id=user, is_anonymous=True)
        text = body["new_message"]["parts"][0]["text"]
        self.messages.append(text)
        self.available, self.frozen = self.available - COST, self.frozen + COST
        done = asyncio.ensure_future(self._work(session, text))
        if self.run_s == 0:
            await done
        return Response(200, {"Content-Type": "text/event-stream"}, self._stream())

    async def _work(self, session: Session, text: str) -> None:
        await asyncio.sleep(self.run_s)
        if self.effect:
            session.clips.append({"id": f"c{len(session.clips)}", "s": 0, "d": 10000, "m": {"name": text[:20]}})
            session.version += 1
        self.frozen -= COST

    async def _stream(self) -> AsyncIterator[bytes]:
        script = self.script.pop(0) if self.script else adk(tool=True, text=None if self.silent_edits else "Done.")
        for item in script:
            if isinstance(item, bytes):
                yield item
            else:
                await asyncio.sleep(item)

    async def _submit(self, request: Request, user: str) -> Response:
        if not all(request.headers.get(f"x-skill-{n}") for n in ("source", "version", "platform")):
            return self._no(402)
        body = json.loads(request.body)
        if body["sessionId"] not in self.sessions:
            return self._no(1002)
        digest = hashlib.sha256(request.body).hexdigest()
        known = self.renders.get(body["id"])
        if known and known.body != digest:
            return self._no(409)
        if not known:
            known = self.renders[body["id"]] = Render(body["id"], body["sessionId"], digest, self.file)
            self.executions[body["id"]] += 1
            if self.failing_renders:
                self.failing_renders -= 1
                known.error = "encoder fell over"
        return self._render(known)

    async def _poll(self, request: Request, user: str, rid: str) -> Response:
        render = self.renders.get(rid)
        if render is None:
            return self._no(404)
        render.polls += 1
        if render.status in ("pending", "processing"):
            render.status = "processing"
            if render.polls >= self.polls_to_end:
                render.status = "failed" if render.error else "completed"
        return self._render(render)

    async def _cancel(self, request: Request, user: str, rid: str) -> Response:
        render = self.renders.get(rid)
        if render is None:
            return self._no(404)
        if render.status not in ("pending", "processing"):
            return self._no(409)
        render.status = "cancelled"
        return self._render(render)

    def _render(self, render: Render) -> Response:
        done = render.status == "completed"
        base = self.elsewhere.url if self.foreign else self.seen_as or self.url
        url = f"{base}/media/{render.id}?exp=9&sig={next(self._signatures)}" if done else None
        facts = {"size": len(render.file), "sha256": hashlib.sha256(render.file).hexdigest(), "duration": 1.0}
        output = {"url": url, **(facts if self.with_facts else {})} if done else None
        progress = 100 if done else min(99, render.polls * 10)
        data = {"id": render.id, "status": render.status, "progress": progress, "outputUrl": url}
        both = {"code": 0, "success": True, "id": render.id, "taskId": render.id, **data, "output": output}
        both["error"] = render.error
        shapes = {"both": {**both, "data": data}, "top": {k: both[k] for k in ("taskId", "status", "output", "error")}}
        return answered(shapes.get(self.render_shape, {"success": True, "data": {**data, "error": render.error}}))

    def _media(self, request: Request) -> Response:
        render = self.renders.get(request.path.rpartition("/")[2])
        return self._file(request, render.file) if render else self._no(404)

    async def _download(self, request: Request, user: str, rid: str) -> Response:
        render = self.renders.get(rid)
        if render is None or render.status != "completed":
            return self._no(404 if render is None else 409)
        if not render.file:
            return self._no(410)
        return self._file(request, render.file)

    def _file(self, request: Request, content: bytes) -> Response:
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        headers = {"Content-Type": "video/mp4", "Accept-Ranges": "bytes"} | ({"ETag": etag} if self.etag else {})
        match = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if match and self.etag and request.headers.get("if-range") == etag:
            at = int(match[1])
            if at >= len(content):
                return Response(416, {"Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {at}-{len(content) - 1}/{len(content)}"
            return Response(206, headers, content[at:])
        return Response(200, headers, content)


def draft_of(clips: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not clips:
        return None
    return {"v": 1, "d": 10000, "odd": {"kept": [1, 2.5, None]}, "t": [{"id": "v1", "tt": 0, "sg": list(clips)}]}


def form_files(request: Request) -> list[tuple[str, bytes]]:
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    found = []
    for part in request.body.split(b"--" + boundary)[1:-1]:
        head, _, _ = part.strip(b"\r\n").partition(b"\r\n\r\n")
        field_name = re.search(rb'name="([^"]*)"', head)
        name = re.search(rb'filename="([^"]*)"', head)
        assert field_name
        assert field_name[1] == b"files"
        assert name
        found.append((name[1].decode(), part[part.index(b"\r\n\r\n") + 4 : -2]))
    return found


def event(body: Any) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def adk_text(text: str, **more: Any) -> bytes:
    return event({"content": {"parts": [{"text": text}], "role": "model"}, "author": "nemo_agent", **more})


def adk(*, tool: bool, text: str | None) -> list[bytes | float]:
    call = {"functionCall": {"id": "1", "name": "edit_multitrack", "args": {}}}
    result = {"functionResponse": {"id": "1", "name": "edit_multitrack", "response": {"status": "success"}}}
    tools = [event({"content": {"parts": [part], "role": "model"}}) for part in (call, result)]
    return [*(tools if tool else ()), *([adk_text(text)] if text else ()), b": stream-end\n\n"]


def answered(body: Any, status: int = 200) -> Response:
    headers = {"Content-Type": "application/json"} | ({"Retry-After": "30"} if status == 429 else {})
    return Response(status, headers, json.dumps(body).encode())
