"""Who may come in: anonymous users, their tokens (kept hashed) and their credits."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from tightfit.domain import ledger
from tightfit.domain.ledger import Account, Hold, HoldState
from tightfit.server.config import WEEK_S, ServerSettings
from tightfit.server.refusals import too_many
from tightfit.server.store import Row, Store

TOKEN_PREFIX, CLAIM_PREFIX = "nmv_usr_", "clm_"
ANONYMOUS_SCOPES = ("read", "write", "upload")


@dataclass(frozen=True)
class User:
    """Whoever a valid token belongs to."""

    id: str
    scopes: frozenset[str]
    anonymous: bool = True


@dataclass(frozen=True)
class Issued:
    token: str
    user: str
    expires_at: float
    credits: int


class Accounts:
    def __init__(self, store: Store, settings: ServerSettings) -> None:
        self._store, self._settings = store, settings
        self._secret = store.secret("claims")

    def issue(self, client_id: str, address: str, now: float) -> Issued:
        """A token for the anonymous user behind ``client_id``; a client that comes back is the same user.

        Raises Refusal (429) where the client has a token that is still good, or its address had its share.
        """
        week, most = self._settings.token_s, self._settings.tokens_per_address
        with self._store.transaction():
            user = self._store.row("SELECT * FROM users WHERE client_id = ?", client_id)
            valid = self._valid_until(user["id"], now) if user else None
            if valid and self._settings.anon_reissue == "429":
                raise too_many("This client has a token that is still good.", valid - now)
            recent = self._store.rows(
                "SELECT issued_at FROM tokens WHERE address = ? AND issued_at > ? ORDER BY issued_at",
                address,
                now - week,
            )
            if len(recent) >= most:
                raise too_many("This address had its share of free tokens.", recent[-most]["issued_at"] + week - now)
            return self._issue(client_id, user, address, now, valid or now + week)

    def _valid_until(self, user: str, now: float) -> float | None:
        row = self._store.row("SELECT max(expires_at) AS at FROM tokens WHERE user = ? AND expires_at > ?", user, now)
        return float(row["at"]) if row and row["at"] else None

    def _issue(self, client_id: str, user: Row | None, address: str, now: float, until: float) -> Issued:
        free = self._settings.free_credits
        user_id = user["id"] if user else f"anon_{secrets.token_hex(12)}"
        if user is None:
            self._store.write("INSERT INTO users VALUES (?, ?, ?, 0, ?)", user_id, client_id, free, until)
        elif user["credits_until"] <= now:
            self._store.write("UPDATE users SET available = ?, credits_until = ? WHERE id = ?", free, until, user_id)
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)
        scopes = " ".join(ANONYMOUS_SCOPES)
        self._store.write(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)", digest(token), user_id, scopes, address, now, until
        )
        return Issued(token, user_id, until, self.balance(user_id, now).available)

    def user_of(self, token: str, now: float) -> User | None:
        """The token's user; None where it is unknown or expired."""
        row = self._store.row("SELECT * FROM tokens WHERE digest = ? AND expires_at > ?", digest(token), now)
        return User(row["user"], frozenset(row["scopes"].split())) if row else None

    def claim(self, user: str, session: str, now: float) -> tuple[str, int]:
        """A token that links a browser to a session, and its seconds to live; the same one while it is good."""
        with self._store.transaction():
            row = self._store.row("SELECT expires_at FROM claims WHERE user = ? AND session = ?", user, session)
            until = float(row["expires_at"]) if row and row["expires_at"] > now else now + WEEK_S
            self._store.write("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", user, session, until)
        text = f"{user} {session} {until:.3f}".encode()
        return CLAIM_PREFIX + hmac.new(self._secret, text, hashlib.sha256).hexdigest(), int(until - now)

    def balance(self, user: str, now: float) -> Account:
        """Free credits end with the token that brought them."""
        row = self._store.row("SELECT * FROM users WHERE id = ?", user)
        assert row is not None, "a token's user exists"
        return Account(row["available"] if row["credits_until"] > now else 0, row["frozen"])

    def hold(self, user: str, run: str, amount: int, now: float) -> None:
        """Reserve credits for a run. Raises OutOfCredits."""
        with self._store.transaction():
            account, held = ledger.hold(self.balance(user, now), amount)
            self._store.write("INSERT INTO holds VALUES (?, ?, ?, ?, 0)", run, user, amount, held.state)
            self._keep(user, account)

    def capture(self, run: str, spent: int) -> None:
        with self._store.transaction():
            user, account, held = self._held(run)
            self._end(run, user, *ledger.capture(account, held, spent))

    def release(self, run: str) -> None:
        with self._store.transaction():
            user, account, held = self._held(run)
            self._end(run, user, *ledger.release(account, held))

    def _held(self, run: str) -> tuple[str, Account, Hold]:
        row = self._store.row("SELECT * FROM holds JOIN users ON users.id = holds.user WHERE run = ?", run)
        assert row is not None, "every run has its hold"
        return (
            row["user"],
            Account(row["available"], row["frozen"]),
            Hold(row["amount"], HoldState(row["state"]), row["spent"]),
        )

    def _end(self, run: str, user: str, account: Account, held: Hold) -> None:
        self._store.write("UPDATE holds SET state = ?, spent = ? WHERE run = ?", held.state, held.spent, run)
        self._keep(user, account)

    def _keep(self, user: str, account: Account) -> None:
        self._store.write(
            "UPDATE users SET available = ?, frozen = ? WHERE id = ?", account.available, account.frozen, user
        )


def digest(token: str) -> str:
    """What is kept of a token; 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
