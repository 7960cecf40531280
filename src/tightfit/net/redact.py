"""Secrets taken out of whatever is about to be shown, logged or written down."""

from __future__ import annotations

import logging
import re

# Tokens of the service by their prefix, whatever follows a Bearer, and what signs or opens a URL.
_SECRETS = (
    re.compile(r"\b(?:nmv_usr_|clm_)[A-Za-z0-9._~+/=-]+"),
    re.compile(r"(?i)\b(bearer\s+)[^\s'\",]+"),
    re.compile(
        r"(?i)([?&;](?:sig|signature|exp|token|ct|key|policy|key-pair-id|x-amz-[a-z-]+|x-goog-[a-z-]+)=)[^&\s'\"#]+"
    ),
)
_HIDDEN = "[hidden]"
_LOUD = ("httpx", "httpcore", "hpack")


def redacted(text: str) -> str:
    """``text`` without tokens and signatures."""
    for secret in _SECRETS:
        text = secret.sub(lambda match: (match[1] if match.re.groups else "") + _HIDDEN, text)
    return text


def place(url: str) -> str:
    """The part of a URL that may be told: scheme, host and path."""
    shown = re.sub(r"//[^/@]*@", "//", url.partition("#")[0].partition("?")[0])
    return redacted(shown)


class _Hide(logging.Filter):
    """Redacts what a library says before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), None
        return True


def hush() -> None:
    """Make the HTTP libraries quiet, and redact what they say to whoever turns them up again.

    httpx logs full URLs with their signatures at INFO, httpcore logs headers at DEBUG. A filter acts on the logger it
    hangs on alone, so each of httpcore's own has one.
    """
    for name in (*_LOUD, *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
        logger = logging.getLogger(name)
        if not any(isinstance(f, _Hide) for f in logger.filters):
            logger.addFilter(_Hide())
            if name in _LOUD:
                logger.setLevel(logging.WARNING)
