"""Where a server may be sent by somebody else's URL: out to the web, and nowhere else (goal G8)."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.net.addresses import is_public
from tightfit.net.fetch import Fetcher, FetchFailed, TooLarge
from tightfit.net.origins import BadAddress, origin_of
from tightfit.server.file_types import shown_name

NOBODY: frozenset[tuple[str, int]] = frozenset()
INSIDE = (
    *("127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1", "168.63.129.16"),
    *("::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1"),
    *("fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:7f00:1::"),
    *("2002:a00:1::", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "fe80::1%eth0", "100::1", "3fff::1", "nonsense"),
)
OUTSIDE = ("1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e")
FORMS = (
    *("http://127.0.0.1/a.mp4", "http://127.1/a.mp4", "http://2130706433/a.mp4", "http://0x7f000001/a.mp4"),
    *("http://0x7f.0.0.1/a.mp4", "http://0177.0.0.1/a.mp4", "http://017700000001/a.mp4", "http://0/a.mp4"),
    *("http://localhost/a.mp4", "http://LOCALHOST/a.mp4", "http://[::1]/a.mp4", "http://[::ffff:7f00:1]/a.mp4"),
    *("http://[::]/a.mp4", "http://[fe80::1%25lo]/a.mp4", "http://169.254.169.254/latest/meta-data.mp4"),
    *("http://10.0.0.1/a.mp4", "http://192.168.0.1/a.mp4", "http://172.16.0.1/a.mp4", "http://1.1.1.1/a.mp4"),
    *("http://user@example.com/a.mp4", "http://user:pw@example.com/a.mp4", "http://example.com@127.0.0.1/a.mp4"),
    *("http://127.0.0.1#@example.com/a.mp4", "http://example.com#a.mp4", "http://example.com\\@127.0.0.1/a.mp4"),
    *("http://example.com:22/a.mp4", "http://example.com:6379/a.mp4", "http://example.com:0/a.mp4"),
    *("http://example.com:99999/a.mp4", "http://example.com:x/a.mp4", "http:///a.mp4", "http:a.mp4", "//a.mp4"),
    *("file:///etc/passwd", "file://localhost/etc/passwd", "ftp://example.com/a.mp4", "gopher://example.com/1"),
    *("dict://example.com/", "data:video/mp4;base64,AAAA", "javascript:alert(1)", "concat:/etc/passwd|a.mp4"),
    *("unix:///run/docker.sock", "jar:http://example.com!/", "http+unix://run/a.mp4", "s3://bucket/a.mp4"),
    *("http://①②⑦.0.0.1/a.mp4", "http://ｌocalhost/a.mp4", "http://exa mple.com/a.mp4", "http://exa\tmple.com/"),
    *("http://example.com\r\nHost: inside/a.mp4", "http://example.com\x00.evil/a.mp4", " http://example.com/a"),
    *("http://127.0.0.1./a.mp4", "http://127.0.0.1.:80/a.mp4", "http://1.2.3.4.5/a.mp4", "http://a..b/a.mp4"),
    *("http://.example.com/a.mp4", "http://intranet/a.mp4", f"http://{'a' * 64}.com/a.mp4", "http://[v1.x]/a.mp4"),
    *(f"http://{'a.' * 130}com/a.mp4", f"http://example.com/{'a' * 3000}.mp4", "", "mp4", "http://[::1", "http://%31/"),
    *("http://127.0.0.1%2f@example.com/", "http://0x7f.1/a.mp4", "http://example.0x10/a.mp4", "http://a.b.1/x.mp4"),
)


@pytest.fixture(scope="module")
def inner() -> Iterator[tuple[int, list[str]]]:
    """A server inside, which nobody from outside may reach: its port, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            redirect = self.path.partition("?to=")[2]
            if redirect:
                self.send_response(302)
                self.send_header("Location", redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"secret")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()


def test_there_are_sixty_forms_and_more():
    assert len(set(FORMS)) + len(set(INSIDE)) >= 60


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_global(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_outside_is_public(address: str):
    assert is_public(address)


@given(st.ip_addresses(v=4).map(str))
def test_an_address_within_another_one_is_never_global(inner_address: str):
    for wrapped in (f"64:ff9b::{inner_address}", f"::{inner_address}", "2002:{:02x}{:02x}:{:02x}{:02x}::1"):
        assert not is_public(wrapped.format(*map(int, inner_address.split("."))))


@pytest.mark.anyio
@pytest.mark.parametrize("url", FORMS)
async def test_no_form_of_an_address_leads_inside(url: str, tmp_path: Path, inner: tuple[int, list[str]]):
    """With a resolver that sends every name inside, as a hostile name server would."""

    async def hostile(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    before = len(inner[1])
    with pytest.raises(FetchFailed, match=r"^The address can't be fetched from\.$"):
        await Fetcher(NOBODY, hostile).fetch(url, tmp_path / "f", 1000)
    assert len(inner[1]) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
@pytest.mark.parametrize("address", INSIDE)
async def test_a_name_that_leads_inside_is_not_followed(address: str, tmp_path: Path):
    async def resolver(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", address]

    with pytest.raises(FetchFailed):
        await Fetcher(NOBODY, resolver).fetch("http://example.com/a.mp4", tmp_path / "f", 1000)


class Detour(httpcore.AnyIOBackend):
    """A network on which every address leads to one server of ours; it remembers where it was sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.connected: list[str] = []

    async def connect_tcp(self, host: str, port: int, *more: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        del port
        self.connected.append(host)
        return await super().connect_tcp("127.0.0.1", self._port, *more, **options)


@pytest.mark.anyio
async def test_the_address_that_was_checked_is_connected_to(tmp_path: Path, inner: tuple[int, list[str]]):
    """A name server that answers well first and badly then gains nothing, neither at once nor by a redirect."""
    network = Detour(inner[0])
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "10.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    fetcher = Fetcher(NOBODY, rebinding, network)
    with pytest.raises(FetchFailed):
        await fetcher.fetch("http://example.com/a.mp4?to=http://example.com/b.mp4", tmp_path / "f", 1000)
    with pytest.raises(FetchFailed):
        await fetcher.fetch("http://example.com/a.mp4", tmp_path / "f", 1000)
    assert network.connected == ["93.184.216.34"]
    assert next(answers, None) is None


@pytest.mark.anyio
async def test_a_fourth_redirect_is_one_too_many(tmp_path: Path, inner: tuple[int, list[str]]):
    async def outside(_host: str, _port: int) -> list[str]:
        return ["2606:2800:220:1::1"]

    to = "http://example.com/x?to="
    fetcher = Fetcher(NOBODY, outside, Detour(inner[0]))
    assert await fetcher.fetch(to * 3 + "http://example.com/last", tmp_path / "f", 1000) == 6
    with pytest.raises(FetchFailed):
        await fetcher.fetch(to * 4 + "http://example.com/last", tmp_path / "g", 1000)


@pytest.mark.anyio
async def test_redirects_go_through_the_same_checks(tmp_path: Path, inner: tuple[int, list[str]]):
    port = inner[0]
    allowed = frozenset({("127.0.0.1", port)})
    fetcher = Fetcher(allowed)
    here = f"http://127.0.0.1:{port}"
    assert await fetcher.fetch(f"{here}/a?to=/d", tmp_path / "f", 1000) == 6
    assert (tmp_path / "f").read_bytes() == b"secret"
    for to in (f"http://localhost:{port}/x", f"http://127.0.0.2:{port}/x", "file:///etc/passwd", "//10.0.0.1/x"):
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"{here}/a?to={to}", tmp_path / "g", 1000)
        assert not (tmp_path / "g").exists()
    assert "/x" not in inner[1]


@pytest.mark.anyio
async def test_a_file_that_is_too_large_is_gone(tmp_path: Path, inner: tuple[int, list[str]]):
    fetcher = Fetcher(frozenset({("127.0.0.1", inner[0])}))
    with pytest.raises(TooLarge):
        await fetcher.fetch(f"http://127.0.0.1:{inner[0]}/a", tmp_path / "f", 5)
    assert list(tmp_path.iterdir()) == []


def test_a_usual_address_is_taken():
    origin = origin_of("https://cdn.example.com/path/a%20b.mp4?token=1", NOBODY)
    assert (origin.host, origin.port, origin.target) == ("cdn.example.com", 443, "/path/a%20b.mp4?token=1")
    with pytest.raises(BadAddress):
        origin_of("https://cdn.example.com:8443/a.mp4", NOBODY)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.mp4", "passwd.mp4"),
        ("C:\\Users\\me\\clip.mp4", "clip.mp4"),
        ("a\u202egpj.mp4", "agpj.mp4"),
        ("a\r\nSet-Cookie: x.mp4", "aSet-Cookie: x.mp4"),
        ("\x1b[31mred\x00.mp4", "[31mred.mp4"),
        ("é" * 300 + ".mp4", "é" * 116 + ".mp4"),
    ],
)
def test_a_name_is_shown_without_what_could_harm(name: str, shown: str):
    assert shown_name(name) == shown
