"""Which addresses a URL from outside may lead to, checked at the moment of connecting.

The name is looked up once and the address that was checked is the one connected to, so that a second look-up can't
answer something else. ``ipaddress.is_global`` alone is not enough: it is True for several ways to write 127.0.0.1
in IPv6 and for the metadata services of two large hosts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Translations and tunnels into IPv4, site-local, protocol assignments, 6to4 relays, Azure's metadata, carrier NAT;
# documentation (RFC 9637), which is newer than Python's own list.
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        (
            *("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10"),
            *("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "100.64.0.0/10"),
            *("0.0.0.0/8", "240.0.0.0/4", "3fff::/20"),
        ),
    )
)
# All of IPv6 that is routed on the internet so far (RFC 4291, section 2.4).
_ASSIGNED = ipaddress.ip_network("2000::/3")


def is_public(text: str) -> bool:
    """True for an address that anyone on the internet may reach."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _ASSIGNED:
        return False
    return not any(address in network for network in _NEVER if network.version == address.version)


def all_public(addresses: Iterable[str]) -> bool:
    """True where every one of at least one address is public: an answer with one bad address is a bad answer."""
    found = list(addresses)
    return bool(found) and all(map(is_public, found))
