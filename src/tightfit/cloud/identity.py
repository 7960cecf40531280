"""Who we are to the service: a client id that is no secret, and a token that is; both kept in the state folder."""

from __future__ import annotations

import json
import os
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tightfit.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tightfit.cloud.models import AnonymousToken

FILE = "cloud.json"
TOKEN_DAYS = 7
# Where the service's other clients keep their id; read, never written.
SHARED_ID = Path("~/.config/nemovideo/client_id")
_CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
# What a header can carry: anything else would be refused deep below, in a message that quotes it.
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True)
class Account:
    """A token and whose it is. ``user_id`` is no secret and may be None; the token never shows in a repr."""

    token: str = field(repr=False)
    user_id: str | None = None
    expires_at: datetime | None = None
    is_anonymous: bool = True


class Identity:
    """What ``NEMO_TOKEN`` and ``NEMO_CLIENT_ID`` name, else what an earlier run obtained from the same service."""

    def __init__(
        self,
        home: Path,
        base_url: str,
        *,
        token: str | None = None,
        client_id: str | None = None,
        shared_id: Path = SHARED_ID,
    ) -> None:
        if token is not None and not _TOKEN.fullmatch(token):
            raise UsageError("NEMO_TOKEN holds characters that no token has.", hint="Copy it again, without spaces.")
        if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
            raise UsageError("NEMO_CLIENT_ID is no client id.", hint="Use a UUID, or unset it to have one made.")
        self._path, self._base_url, self._shared = home / FILE, base_url, shared_id
        self._named_id = client_id
        self._named = Account(token, is_anonymous=False) if token else None

    @property
    def is_named(self) -> bool:
        """True where the user set the token: it is never swapped for another one."""
        return self._named is not None

    @property
    def account(self) -> Account | None:
        """The account to use now; None where a token has to be asked for."""
        if self._named:
            return self._named
        found = self._kept().get("accounts", {}).get(self._base_url)
        from tightfit.cloud.models import AnonymousToken, now_utc

        with suppress(ValueError, TypeError, AttributeError):
            kept = AnonymousToken.model_validate(found)
            if kept.expires_at is not None and kept.expires_at > now_utc() and _TOKEN.fullmatch(kept.token):
                return Account(kept.token, kept.user_id, kept.expires_at)
        return None

    @property
    def is_agreed(self) -> bool:
        """True where the user has said that clips may go to this service without naming it each time."""
        agreed = self._kept().get("agreed")
        return self.is_named or (isinstance(agreed, list) and self._base_url in agreed)

    def agree(self) -> None:
        """Remember that the user connected. Raises OutputError."""
        kept = self._kept()
        agreed = kept.get("agreed")
        known = agreed if isinstance(agreed, list) else []
        if self._base_url not in known:
            self._write({**kept, "agreed": [*known, self._base_url]})

    @property
    def client_id(self) -> str:
        """The id in ``NEMO_CLIENT_ID``, else the one used before, else another client's, else a new one, kept."""
        if self._named_id:
            return self._named_id
        kept = self._kept().get("client_id")
        if isinstance(kept, str) and _CLIENT_ID.fullmatch(kept):
            return kept
        with suppress(OSError, UnicodeDecodeError, RuntimeError):
            shared = self._shared.expanduser().read_text(encoding="utf-8").strip()
            if _CLIENT_ID.fullmatch(shared):
                return self._keep_id(shared)
        return self.new_client_id()

    def new_client_id(self) -> str:
        """Forget the id that the service did not accept; the new one is kept."""
        self._named_id = None
        return self._keep_id(str(uuid.uuid4()))

    def keep(self, token: AnonymousToken) -> Account:
        """Keep what the service gave. Raises OutputError."""
        from tightfit.cloud.models import now_utc

        expires = token.expires_at or now_utc() + timedelta(days=TOKEN_DAYS)
        if expires.tzinfo is None:
            expires = expires.replace(tzinfo=UTC)
        facts = {"token": token.token, "user_id": token.user_id, "expires_at": expires.isoformat()}
        kept = self._kept()
        self._write({**kept, "accounts": {**kept.get("accounts", {}), self._base_url: facts}})
        return Account(token.token, token.user_id, expires)

    def learn_user(self, user_id: str | None) -> None:
        """Keep whose the free token is, where the service told only after it gave the token. Raises OutputError."""
        kept = self._kept()
        accounts = kept.get("accounts", {})
        facts = accounts.get(self._base_url)
        if user_id and not self.is_named and isinstance(facts, dict) and not facts.get("user_id"):
            self._write({**kept, "accounts": {**accounts, self._base_url: {**facts, "user_id": user_id}}})

    def _keep_id(self, client_id: str) -> str:
        self._write({**self._kept(), "client_id": client_id})
        return client_id

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, facts: dict[str, Any]) -> None:
        passing = self._path.with_name(f".{FILE}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            passing.unlink(missing_ok=True)
            descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            passing.replace(self._path)
        except OSError as exc:
            raise OutputError(
                f"The cloud account can't be kept in {self._path} ({exc.strerror}).",
                hint="Name a folder that can be written to with TIGHTFIT_HOME.",
            ) from exc
