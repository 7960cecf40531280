"""How a connection can fail, told apart by what may have reached the other side.

NetworkError
├── ConnectionFailed     nothing was sent
├── ConnectionBroken     the request may have arrived; the answer did not, or not whole
│   └── ConnectionStalled    it is still open and too little comes
├── AnswerTooBig         more than a caller is ready to hold
└── AddressRefused       a place that is not for us to connect to; nothing was sent
"""

from __future__ import annotations

from tightfit.errors import NetworkError


class ConnectionFailed(NetworkError):
    """No connection: the name is unknown, nobody listens, TLS failed. Nothing was sent."""

    kind = "unreachable"


class ConnectionBroken(NetworkError):
    """The connection ended before the answer was whole; whether the request was heard is not known."""

    kind = "connection_broken"


class ConnectionStalled(ConnectionBroken):
    """Nothing, or next to nothing, came for too long."""

    kind = "connection_stalled"


class AnswerTooBig(NetworkError):
    """An answer larger than any honest one."""

    kind = "answer_too_big"


class AddressRefused(NetworkError):
    """The address is not one that a public service may send us to."""

    kind = "address_refused"
