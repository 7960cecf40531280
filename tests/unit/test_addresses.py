"""Where a URL from outside may lead: only to addresses that anyone may reach, however they are written."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import httpcore
import pytest

from tightfit.net.addresses import all_public, is_public
from tightfit.net.errors import AddressRefused
from tightfit.net.http import Http

NOT_PUBLIC = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "192.0.0.192", "192.88.99.1", "168.63.129.16", "224.0.0.1", "239.1.1.1", "255.255.255.255"),
    *("198.18.0.1", "192.0.2.1", "203.0.113.5", "240.0.0.1", "::1", "::", "::127.0.0.1", "::ffff:127.0.0.1"),
    *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *("2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1"),
    *("ff02::1", "2001:db8::1", "not an address", ""),
)
PUBLIC = ("1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_that_are_nobody_elses_business(address: str):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet(address: str):
    assert is_public(address)


def test_one_bad_address_spoils_an_answer():
    assert all_public(PUBLIC)
    assert not all_public([*PUBLIC, "127.0.0.1"])
    assert not all_public([])


# What getaddrinfo or an URL parser takes for the loopback or a private network.
FORMS = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0x7f000001", "127.0.1", "0.0.0.0", "0"),
    *("localhost", "LOCALHOST", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]"),
    *("localhost.", "user@127.0.0.1", "user:pw@localhost", "①②⑦.⓪.⓪.①", "127。0。0。1", "[fe80::1]", "10.0.0.1"),
    *("169.254.169.254", "192.168.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fec0::1]"),
)


@pytest.mark.anyio
@pytest.mark.parametrize("form", FORMS)
async def test_no_form_of_an_address_at_home_is_connected_to(form: str, listener: Callable[[], tuple[int, int]]):
    port, _ = listener()
    async with Http() as http:
        with pytest.raises(Exception) as told:  # noqa: PT011 - some forms are refused as no URL, some as no public place
            async with http.stream("GET", f"http://{form}:{port}/", {}, only_public=True):
                pass
    assert type(told.value).__name__ in ("AddressRefused", "ConnectionFailed")
    assert listener()[1] == 0


@pytest.mark.anyio
async def test_a_name_is_looked_up_once_and_what_was_checked_is_connected_to(monkeypatch: pytest.MonkeyPatch):
    """A name server that answers well first and badly next finds no second question."""
    asked, connected = [], []

    async def answer(host: str, port: int, **_: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        asked.append(host)
        good = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(2, 1, 6, "", (good, port))]

    async def connect(_: object, host: str, *__: object) -> httpcore.AsyncNetworkStream:
        connected.append(host)
        raise httpcore.ConnectError("far enough")

    monkeypatch.setattr(anyio, "getaddrinfo", answer)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    async with Http() as http:
        with pytest.raises(Exception, match="far enough"):
            async with http.stream("GET", "http://cdn.example/x", {}, only_public=True):
                pass
        with pytest.raises(AddressRefused):
            async with http.stream("GET", "http://cdn.example/x", {}, only_public=True):
                pass
    assert asked == ["cdn.example"] * 2
    assert connected == ["93.184.216.34"]


@pytest.fixture
def listener() -> Callable[[], tuple[int, int]]:
    """A port at home, and how many came to it."""
    import socket

    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0)

    def look() -> tuple[int, int]:
        try:
            server.accept()
        except BlockingIOError:
            return server.getsockname()[1], 0
        return server.getsockname()[1], 1

    return look
