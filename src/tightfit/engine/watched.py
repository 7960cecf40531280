"""Which files a watched folder is done with, in the journal's file: once means once, whoever starts again."""

from __future__ import annotations

from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Failure
from tightfit.engine import facts
from tightfit.engine.journal import Journal
from tightfit.errors import ExitCode, OutputExists, SourceChanged, SourceUnreadable
from tightfit.media.probe import identify

# What is wrong with the file or the request is wrong next time too; a full disk or a busy service is not.
_FOR_GOOD = (ExitCode.USAGE, ExitCode.INPUT, ExitCode.INFEASIBLE)
_MAY_PASS = (SourceChanged.kind, SourceUnreadable.kind)


def key_of(request: CompressRequest) -> str:
    """Equal for the same file and the same wish, whatever the output ended up being called.

    Raises SourceError where the file can't be read.
    """
    asked = facts.request_facts(request, identify(request.source))
    return facts.fingerprint({name: value for name, value in asked.items() if name != "stem"})


def is_done(journal: Journal, key: str) -> bool:
    with journal.reading() as db:
        return db.execute("SELECT 1 FROM watched WHERE key = ?", (key,)).fetchone() is not None


def done(journal: Journal, key: str) -> None:
    """Never to be worked on again; durable when this returns."""
    with journal.writing() as db:
        db.execute("INSERT OR IGNORE INTO watched VALUES (?)", (key,))


def is_for_good(failure: Failure | None) -> bool:
    """True where another try would end the same way."""
    if failure is None or failure.kind == OutputExists.kind:
        return True
    return failure.code in _FOR_GOOD and failure.kind not in _MAY_PASS
