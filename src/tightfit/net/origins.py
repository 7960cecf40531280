"""Which URLs a server may be sent to by somebody else. Pure: nothing is looked up here (see ``net.addresses``)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_LONGEST_URL, _LONGEST_HOST = 2048, 253


class BadAddress(ValueError):
    """The URL is not one that may be fetched."""


@dataclass(frozen=True)
class Origin:
    scheme: str
    host: str
    port: int
    target: str
    allowed: bool


def origin_of(url: str, allowed: frozenset[tuple[str, int]]) -> Origin:
    """Where ``url`` leads, by name. Raises BadAddress for what is not plainly a file on the web.

    ``allowed`` names hosts and ports that the operator vouches for; elsewhere IP literals, user names, odd ports and
    anything but letters, digits, dots and hyphens in the host are refused.
    """
    if len(url) > _LONGEST_URL or not url.isascii() or any(ord(c) <= 32 or ord(c) == 127 or c == "\\" for c in url):
        raise BadAddress("it holds characters that no address has")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise BadAddress("it is not an address") from exc
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in _PORTS:
        raise BadAddress("only http and https are fetched")
    if "@" in parts.netloc or parts.fragment or not host:
        raise BadAddress("it names a user, a fragment or no host")
    port = port if port is not None else _PORTS[scheme]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if (host, port) in allowed:
        return Origin(scheme, host, port, target, allowed=True)
    if port not in _PORTS.values():
        raise BadAddress("only ports 80 and 443 are fetched from")
    _check_host(host)
    return Origin(scheme, host, port, target, allowed=False)


def _check_host(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    fine = all(0 < len(s) <= 63 and s.replace("-", "").replace("_", "").isalnum() for s in labels)
    if not fine or len(host) > _LONGEST_HOST or len(labels) < 2:
        raise BadAddress("its host is not a name on the web")
    # 1.2.3.4, 0x7f.1, 017700000001: whatever ends in a number is read as an address by some resolver.
    last = labels[-1]
    if last.isdigit() or last.startswith("0x"):
        raise BadAddress("addresses in numbers are not fetched")
