"""Which network addresses and URLs a server may be sent to by somebody else. Pure: nothing is looked up here.

The list is Python's own "not global", and what that lets through though it leads inside: addresses that carry another
one within them (IPv4-mapped, 6to4, Teredo, NAT64), anycast and cloud-internal ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_LONGEST_URL, _LONGEST_HOST = 2048, 253
_REFUSED = tuple(
    ip_network(text)
    for text in (
        *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10"),
        *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "100.64.0.0/10", "0.0.0.0/8", "240.0.0.0/4"),
        "3fff::/20",  # documentation (RFC 9637), newer than Python's own list
    )
)
# All that is routed on the Internet so far (RFC 4291, section 2.4).
_ASSIGNED_V6 = ip_network("2000::/3")


class BadAddress(ValueError):
    """The URL is not one that may be fetched."""


@dataclass(frozen=True)
class Origin:
    scheme: str
    host: str
    port: int
    target: str
    allowed: bool


def is_global(address: str) -> bool:
    """True where ``address`` (an IP literal) is out on the Internet and leads nowhere else."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    if not ip.is_global or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address) and ip not in _ASSIGNED_V6:
        return False
    return not any(isinstance(ip, _kind(net.version)) and ip in net for net in _REFUSED)


def _kind(version: int) -> type[IPv4Address] | type[IPv6Address]:
    return IPv4Address if version == 4 else IPv6Address


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
