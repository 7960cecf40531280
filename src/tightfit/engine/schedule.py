"""Segments worked on in several places at once, this machine's lanes and the cloud's, as ``domain.schedule`` decides.

Whoever calls ``run`` gives it places and is told of every result once, in whatever order they come. A place in the
cloud may fail in any way at any moment: its segment goes back to the queue, and somebody is told why.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

from tightfit.domain.board import Board
from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.places import Attempt, Lane, Rules, Stage, Work
from tightfit.domain.schedule import decide, stranded, told, told_of_ceiling, wake_at
from tightfit.domain.speeds import Speeds
from tightfit.errors import NoPlaceLeft, told_singly

log = logging.getLogger("tightfit.schedule")

R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class PlaceFailed(Exception):
    """An attempt in the cloud came to nothing; raised by places, handled by the runner, never seen by anyone else."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class LocalPlace(Protocol[R_co]):
    """One encoder of this machine. What it raises ends the whole run, and is raised by ``run``."""

    @property
    def lane(self) -> Lane: ...

    async def encode(self, work: Work, on_frames: Callable[[int], None]) -> R_co:
        """The valid result of a segment; ``on_frames`` is told now and then how many are done.

        Cancelling it kills the child.
        """
        ...


@dataclass(frozen=True)
class Made(Generic[R]):
    """What came of a render, and the credits it cost; None where the service did not say."""

    value: R
    credits: int | None = None


class CloudPlace(Protocol[R]):
    """One session of a render service. Every method raises PlaceFailed, and may be cancelled at any moment:

    then it gives up what it began, at the service too, in a bounded time. ``render`` of one segment and ``upload`` of
    the next run at the same time; no two renders do.
    """

    @property
    def lane(self) -> Lane: ...

    async def upload(self, work: Work) -> Any:
        """Send the source piece; costs nothing. Returns what ``render`` needs."""
        ...

    async def render(self, work: Work, uploaded: Any) -> Any:
        """Ask for the encode and wait until it is there; may cost money. Returns what ``download`` needs."""
        ...

    async def download(self, work: Work, rendered: Any) -> Made[R]:
        """Fetch the result and check that it is the one asked for (else WRONG_OUTPUT)."""
        ...


@dataclass(frozen=True)
class Finished(Generic[R]):
    """The one result of a segment. ``raced`` is true where another place was at work on it too."""

    work: Work
    lane: Lane
    value: R
    raced: bool


class _HookFailed(Exception):
    """What the caller's own journal raised: no failure of a place, so it must not be taken for one."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def _no_journal(_work: Work, _lane: Lane) -> None:
    raise RuntimeError("A place that may cost money needs a journal: pass before_paid.")


def _untold(_line: str) -> None:
    pass


@dataclass(frozen=True)
class Hooks(Generic[R]):
    """``on_done`` is told of each result; ``before_paid`` returns once it is durable that a render is about to be
    asked for; ``on_fallback`` is told in one line why work goes on elsewhere. What they raise ends the run."""

    on_done: Callable[[Finished[R]], None]
    before_paid: Callable[[Work, Lane], Awaitable[None]] = _no_journal
    on_fallback: Callable[[str], None] = _untold


@dataclass(frozen=True)
class Report:
    """Segments by who made them, credits spent, attempts that were begun and those that came to nothing."""

    local: int
    cloud: int
    credits: int
    attempts: int
    failures: tuple[Failure, ...]
    speeds: Speeds


async def run(
    works: Sequence[Work],
    local: Sequence[LocalPlace[R]],
    cloud: Sequence[CloudPlace[R]],
    hooks: Hooks[R],
    rules: Rules | None = None,
    speeds: Speeds | None = None,
) -> Report:
    """Work off all of ``works``; those of one place one after another.

    Without ``local`` places what the cloud can't do raises NoPlaceLeft. Cancelling ends every attempt.
    """
    lanes = [*(place.lane for place in local), *(place.lane for place in cloud)]
    board = Board(works, lanes, speeds or Speeds(), rules or Rules())
    runner = _Runner(board, {p.lane: p for p in local}, {p.lane: p for p in cloud}, hooks)
    with told_singly():
        await runner.work_off()
    return runner.report()


@dataclass
class _Runner(Generic[R]):
    board: Board
    local: dict[Lane, LocalPlace[R]]
    cloud: dict[Lane, CloudPlace[R]]
    hooks: Hooks[R]
    _scopes: dict[int, anyio.CancelScope] = field(default_factory=dict)
    _renderers: dict[Lane, anyio.Lock] = field(default_factory=dict)
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _failures: list[Failure] = field(default_factory=list)
    _made: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    _told_of: set[str] = field(default_factory=set)

    def report(self) -> Report:
        board = self.board
        made, spent = self._made, board.ledger.spent
        return Report(made[True], made[False], spent, board.begun, tuple(self._failures), board.speeds)

    async def work_off(self) -> None:
        self._renderers = {lane: anyio.Lock() for lane in self.cloud}
        async with anyio.create_task_group() as tasks:
            while not self.board.is_done:
                now = anyio.current_time()
                for attempt in decide(self.board, now):
                    self._scopes[attempt.id] = anyio.CancelScope()
                    tasks.start_soon(self._attempt, attempt)
                self._tell(told_of_ceiling(self.board))
                if left := stranded(self.board, now):
                    raise self._no_place_for(left)
                with anyio.move_on_after(wake_at(self.board, now) - now):
                    await self._changed.wait()
                self._changed = anyio.Event()
            tasks.cancel_scope.cancel()

    async def _attempt(self, attempt: Attempt) -> None:
        try:
            with self._scopes[attempt.id]:
                await (self._encode(attempt) if attempt.lane.is_local else self._send(attempt))
        finally:
            self.board.drop(attempt, anyio.current_time())
            del self._scopes[attempt.id]
            self._changed.set()

    async def _encode(self, attempt: Attempt) -> None:
        def on_frames(frames: int) -> None:
            self.board.progressed(attempt, frames, anyio.current_time())
            if self.cloud and not self.board.backlog:
                self._changed.set()

        value = await self.local[attempt.lane].encode(attempt.work, on_frames)
        self._finish(attempt, value, None)

    async def _send(self, attempt: Attempt) -> None:
        try:
            made = await self._rendered(attempt)
        except PlaceFailed as exc:
            self._fail(attempt, exc.failure)
        except _HookFailed as exc:
            raise exc.cause from None
        except Exception as exc:
            # Whatever is wrong with a service or our way of speaking to it, the segments can still be made here.
            log.warning("%s: segment %d", attempt.lane.name, attempt.work.index, exc_info=exc)
            self._fail(attempt, Failure(FailureKind.BROKEN, f"an unexpected error in the cloud client ({exc!r})"))
        else:
            self._finish(attempt, made.value, made.credits)

    async def _rendered(self, attempt: Attempt) -> Made[R]:
        place, work = self.cloud[attempt.lane], attempt.work
        uploaded = await self._within(attempt, place.upload(work))
        self._enter(attempt, Stage.WAIT)
        async with self._renderers[attempt.lane]:
            await self._note_before_paid(attempt)
            self._enter(attempt, Stage.RENDER)
            rendered = await self._within(attempt, place.render(work, uploaded))
        self._enter(attempt, Stage.DOWNLOAD)
        return await self._within(attempt, place.download(work, rendered))

    async def _note_before_paid(self, attempt: Attempt) -> None:
        try:
            await self.hooks.before_paid(attempt.work, attempt.lane)
        except Exception as exc:
            raise _HookFailed(exc) from exc
        # Somebody else may have finished it meanwhile.
        await anyio.lowlevel.checkpoint_if_cancelled()

    def _enter(self, attempt: Attempt, stage: Stage) -> None:
        self.board.enter(attempt, stage, anyio.current_time())
        self._changed.set()

    async def _within(self, attempt: Attempt, doing: Awaitable[T]) -> T:
        seconds = self.board.patience(attempt)
        with anyio.move_on_after(seconds):
            return await doing
        raise PlaceFailed(Failure(FailureKind.SILENCE, f"{attempt.lane.name} took more than {seconds:.0f} s"))

    def _finish(self, attempt: Attempt, value: R, credits: int | None) -> None:
        losers = self.board.finish(attempt, anyio.current_time(), credits)
        if losers is None:
            return
        self._end(losers)
        self._made[attempt.lane.is_local] += 1
        self.hooks.on_done(Finished(attempt.work, attempt.lane, value, bool(losers)))

    def _fail(self, attempt: Attempt, failure: Failure) -> None:
        if attempt.id not in self.board.attempts:
            return
        now = anyio.current_time()
        self._failures.append(failure)
        self._end(self.board.fail(attempt, failure, now))
        self._tell(told(self.board, attempt.work, failure, now))

    def _end(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            self._scopes[attempt.id].cancel()

    def _tell(self, line: str) -> None:
        if line and line not in self._told_of:
            self._told_of.add(line)
            self.hooks.on_fallback(line)

    def _no_place_for(self, left: Sequence[Work]) -> NoPlaceLeft:
        reason = self._failures[-1].reason if self._failures else "the credits allowed for it are used up"
        return NoPlaceLeft(
            f"{len(left)} of {len(self.board.works)} segments could not be rendered in the cloud: {reason}.",
            hint="Run it again without --no-fallback to finish on this machine.",
        )
