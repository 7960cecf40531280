"""`tightfit jobs`: what was begun, what became of it, and going on with it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tightfit.cli import options
from tightfit.cli.compress import work_in_turn
from tightfit.cli.streams import complain, say
from tightfit.cli.text import counted, printable
from tightfit.cli.turns import load_settings
from tightfit.cli.views import say_json, view_for
from tightfit.errors import ExitCode, JobHeld, UsageError
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.domain.job import JobRecord
    from tightfit.domain.request import CompressRequest
    from tightfit.domain.result import Result
    from tightfit.engine.job import Listener
    from tightfit.engine.journal import Journal
    from tightfit.engine.several import Start
    from tightfit.settings import Settings

SHORT = "List jobs, resume what was interrupted, cancel, clean up."
HELP = f"""{SHORT}

\b
  tightfit jobs                       what was begun, and how it stands
  tightfit jobs show 01KX9F           one job in full; a beginning of its name is enough
  tightfit jobs resume                go on with every unfinished job
  tightfit jobs resume 01KX9F
  tightfit jobs link 01KX9F           a page that shows its timeline at the service, for seven days
  tightfit jobs cancel 01KX9F         give it up and remove what it had made
  tightfit jobs clean                 forget finished jobs, free what they left
"""
_KILLED = "killed"


def jobs(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="list | show ID | resume [ID] | link ID | cancel ID | clean", hidden=True),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    settings = load_settings()
    match words or ["list"]:
        case ["list"]:
            return _list(settings, as_json)
        case ["show", name]:
            return _show(settings, name, as_json)
        case ["resume", *names] if len(names) <= 1:
            return _resume(settings, names, as_json, quiet)
        case ["link", name]:
            return _link(settings, name, as_json)
        case ["cancel", name]:
            return _cancel(settings, name, as_json)
        case ["clean"]:
            return _clean(settings, as_json)
    raise UsageError(
        f"tightfit jobs {' '.join(words or [])} means nothing.",
        hint="Write tightfit jobs, or one of show ID, resume, resume ID, link ID, cancel ID and clean behind it.",
    )


def _journal(settings: Settings) -> Journal:
    """The journal; where it was damaged that is said."""
    from tightfit.engine.durable import journal_of

    journal = journal_of(settings)
    if journal.notice:
        complain(journal.notice)
    return journal


def _list(settings: Settings, as_json: bool) -> int:
    told = [_told(record, settings) for record in _journal(settings).records()]
    if as_json:
        say_json({"type": "jobs", "jobs": told})
        return ExitCode.OK
    for facts in told:
        say(f"{facts['id']}  {facts['state']:<11}  {facts['limit']:>9}  {printable(facts['input'])}")
    if not told:
        say("No jobs.")
    return ExitCode.OK


def _show(settings: Settings, name: str, as_json: bool) -> int:
    from tightfit.engine.durable import known

    facts = _told(known(settings, name), settings)
    if as_json:
        say_json({"type": "job", **facts})
        return ExitCode.OK
    for key, value in facts.items():
        if value not in (None, ""):
            say(f"{key:<10} {printable(str(value))}")
    return ExitCode.OK


def _told(record: JobRecord, settings: Settings) -> dict[str, Any]:
    from tightfit.domain.job import State
    from tightfit.engine.hold import holder

    request = record.request or {}
    pid = holder(settings.work / record.id)
    killed = record.state in (State.RUNNING, State.SUBMITTED) and pid is None
    return {
        "id": record.id,
        "state": _KILLED if killed else str(record.state),
        "input": request.get("source", ""),
        "output": request.get("output"),
        "limit": request.get("target", {}).get("text", ""),
        "pieces": record.pieces,
        "can_resume": record.is_unfinished and pid is None,
        "pid": pid,
        "reason": record.reason,
        "submitted": _at(record.submitted_at),
        "changed": _at(record.changed_at),
    }


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def _resume(settings: Settings, names: Sequence[str], as_json: bool, quiet: bool) -> int:
    from tightfit.engine.compress import resume
    from tightfit.engine.durable import known
    from tightfit.engine.facts import request_of
    from tightfit.engine.hold import holder

    if names:
        records = [known(settings, names[0])]
        if not records[0].is_unfinished:
            raise UsageError(f"Job {records[0].id} is {records[0].state}; nothing is left to resume.")
    else:
        # One that is being worked on is in good hands.
        unfinished = [r for r in _journal(settings).records() if r.is_unfinished]
        records = [r for r in unfinished if holder(settings.work / r.id) is None]

    def start_of(record: JobRecord) -> Start:
        def start(_: CompressRequest, listener: Listener) -> Awaitable[Result]:
            return resume(record, settings, listener)

        return start

    view = view_for(as_json=as_json, quiet=quiet, verbose=False)
    if not records and not as_json:
        say("Nothing to resume.")
    return work_in_turn([(request_of(r.request or {}), start_of(r)) for r in records], settings, view) if records else 0


def _link(settings: Settings, name: str, as_json: bool) -> int:
    """The page where a browser shows what the job has at the service."""
    import anyio

    from tightfit.cli.cloud import require_online
    from tightfit.engine import durable
    from tightfit.engine.timelines import link_of

    record = durable.known(settings, name)
    require_online(settings, offline=False, command="jobs link")
    link = anyio.run(link_of, settings, record.id)
    if as_json:
        say_json({"type": "job", "id": record.id, "link": link})
    else:
        say(printable(link))
        complain("Whoever has this link can see the clip there; it works for seven days.")
    return ExitCode.OK


def _cancel(settings: Settings, name: str, as_json: bool) -> int:
    import anyio

    from tightfit.engine import durable

    record = durable.known(settings, name)
    try:
        durable.cancel(settings, record)
    except JobHeld as held:
        held.hint = f"Stop it first (Ctrl-C, or kill {held.pid})." if held.pid else "Stop it first (Ctrl-C)."
        raise
    # What it began at a service goes on there until it is cancelled too.
    from tightfit.engine.leftovers import give_up_renders

    still_there = anyio.run(give_up_renders, settings, record.id)
    if still_there:
        complain(
            f"A render of it may still run at the service ({still_there}); it is cancelled when tightfit next talks to "
            "that service."
        )
    if as_json:
        say_json({"type": "job", "id": record.id, "state": "cancelled"})
    else:
        say(f"Job {record.id} is given up; what it had made is removed.")
    return ExitCode.OK


def _clean(settings: Settings, as_json: bool) -> int:
    from tightfit.engine.disk import disk_of
    from tightfit.engine.tidying import clean

    forgotten, freed = clean(settings, _journal(settings), disk_of(settings))
    if as_json:
        say_json({"type": "clean", "forgotten": forgotten, "freed_bytes": freed})
    else:
        say(f"{counted(forgotten, 'finished job')} forgotten, {format_bytes(freed)} freed.")
    return ExitCode.OK
