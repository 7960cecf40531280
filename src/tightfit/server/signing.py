"""Addresses of files that work without a token, for a while: a path, when it ends, and an HMAC over both."""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum, auto

# Where uploaded files and renders lie below /media.
ASSETS, OUTPUTS = "a", "r"
# Addresses of assets end at whole hours, so that two answers about the same state are the same bytes.
_STEP_S = 3600


class Seal(Enum):
    """What an address that came back is worth."""

    GOOD = auto()
    EXPIRED = auto()
    FORGED = auto()


class Signer:
    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def address(self, base: str, kind: str, key: str, until: float) -> str:
        """An address below ``base`` that works until ``until`` (seconds)."""
        path, exp = f"/media/{kind}/{key}", int(until)
        return f"{base}{path}?exp={exp}&sig={self._sign(path, str(exp))}"

    def steady(self, base: str, kind: str, key: str, now: float, life_s: int) -> str:
        """As ``address``, alike for an hour, living at least ``life_s`` seconds."""
        return self.address(base, kind, key, (now // _STEP_S + 1) * _STEP_S + life_s)

    def check(self, kind: str, key: str, exp: str, sig: str, now: float) -> Seal:
        wanted = self._sign(f"/media/{kind}/{key}", exp)
        if not hmac.compare_digest(wanted.encode(), sig.encode("utf-8", "replace")):
            return Seal.FORGED
        return Seal.GOOD if int(exp) > now else Seal.EXPIRED

    def _sign(self, path: str, exp: str) -> str:
        return hmac.new(self._secret, f"{path}\n{exp}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
