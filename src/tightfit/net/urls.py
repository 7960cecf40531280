"""URLs that came from outside, taken apart without trusting them to be any."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

_NONE = SplitResult("", "", "", "", "")
_PORTS = {"http": 80, "https": 443}


def parts_of(url: str) -> SplitResult:
    """The parts of ``url``; empty ones where it is none."""
    try:
        parts = urlsplit(url)
        # Reading them is what finds a bad host or port.
        return parts if parts.hostname and (parts.port is None or parts.port > 0) else _NONE
    except ValueError:
        return _NONE


def is_web(url: str) -> bool:
    return parts_of(url).scheme in _PORTS


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; two URLs with the same lead to the same service."""
    parts = parts_of(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def joined(base: str, location: str) -> str:
    """Where a redirect leads; "" where it makes no sense."""
    try:
        return urljoin(base, location)
    except ValueError:
        return ""
