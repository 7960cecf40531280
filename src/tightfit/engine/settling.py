"""Corrections until the written file is close under its limit: pieces encoded again, and the best of all versions."""

from __future__ import annotations

import logging

from tightfit.domain import settle
from tightfit.domain.pieces import Variant
from tightfit.engine.executors.local import Task
from tightfit.engine.fit_state import FitState, Miss
from tightfit.errors import InfeasibleError

log = logging.getLogger("tightfit.fit")

# Rounds beyond the usual ones, for a file that is still over: nothing over the limit may come of it.
_LAST_ROUNDS = 2
# A tail that came out larger still than it was asked for is an odd one, and says nothing about the next.
_MOST_EXCESS = 1.5
# The tables of another combination may take a few bytes more; then a less full one is written.
_MOST_WRITES = 4


async def settled(fit: FitState) -> tuple[Variant, ...]:
    """Correct until the written file is within the window, or nothing sensible is left to try.

    The file that ``sizer`` wrote last is the one returned.
    """
    for turn in range(settle.MOST_ROUNDS + _LAST_ROUNDS + 1):
        variants, size = _write_best(fit)
        log.debug("round %d: %d bytes, %.4f of the limit", turn, size, size / fit.limit)
        fit.on_settle(size)
        fits = size <= fit.limit
        # What an earlier run of the job corrected counts where the file fits: a fit that had done all it may is not
        # begun anew. One that is still over has all its rounds again.
        is_enough = fits and turn + fit.recalled_corrections >= settle.MOST_ROUNDS
        if is_enough or settle.is_settled(size, fit.limit, fit.floor_reached):
            return variants
        if turn == settle.MOST_ROUNDS + _LAST_ROUNDS:
            break
        corrected, known = frozenset(fit.corrected), frozenset(fit.misses)
        state = settle.State(
            variants, fit.model, fit.scale, size, fit.limit, _known_idrs(fit), corrected, known - corrected
        )
        steps = settle.next_steps(state, turn)
        if fits and not steps:
            return variants
        await _again(fit, steps, variants)
    raise InfeasibleError(
        f"No encode of this clip came out under {fit.limit} bytes, though one was expected to; "
        f"the smallest took {size}.",
        hint=f"Name a limit of {size} bytes or more.",
    )


def _known_idrs(fit: FitState) -> list[tuple[int, int]]:
    made = [variant for tried in fit.tried.values() for variant in tried]
    return [idr for variant in made for part in variant.parts for idr in part.idrs()]


def _write_best(fit: FitState) -> tuple[tuple[Variant, ...], int]:
    """Write the fullest combination of everything encoded so far that fits, or the smallest where none does."""
    newest = fit.current()
    size = fit.sizer(newest)
    options = [fit.tried[s.index] for s in fit.segments]
    if all(len(tried) == 1 for tried in options):
        return newest, size
    chosen = newest
    overhead = size - sum(v.bytes for v in newest)
    for _ in range(_MOST_WRITES):
        best = settle.best_combination(options, fit.limit - overhead)
        if best is None:
            best = tuple(min(tried, key=lambda v: v.bytes) for tried in options)
        if best == chosen:
            break
        chosen, size = best, fit.sizer(best)
        overhead = max(overhead, size - sum(v.bytes for v in best))
        if size <= fit.limit:
            break
    return chosen, size


async def _again(fit: FitState, steps: list[settle.Again], variants: tuple[Variant, ...]) -> None:
    log.debug("again: %s", steps)

    async def one(step: settle.Again, threads: int) -> None:
        task = Task(step.first, step.last, fit.size, step.crf, threads, pace=fit.choice.pace)
        # A second pass over the same frames misses by about as much as the one before.
        before = None if _is_measured_amiss(fit, step) else fit.misses.get((step.first, step.last))
        measured = before.measured if before else await fit.measured(task)
        missed = 1.0 if fit.hits_from_below else before.made / before.asked if before else _tails_excess(fit, step)
        asked = step.wanted / missed
        part = await fit.executor.encode_to_size(task, measured, asked)
        fit.misses[step.first, step.last] = Miss(measured, part.bytes, asked)
        fit.corrected.add((step.first, step.last))
        log.debug("[%d, %d) is %d bytes, for %d", step.first, step.last, part.bytes, step.wanted)
        fit.keep(step.segment, variants[step.segment].with_tail(part), part.kept, again=True)
        fit.reencoded.add(step.segment)

    await fit.side_by_side.each(steps, one)


def _is_measured_amiss(fit: FitState, step: settle.Again) -> bool:
    """Whether a correction missed that was made from the notes of another preset: on few pictures of pure noise each
    such pass misses by 1 or 2 %, and another way every time."""
    at = step.first, step.last
    return at in fit.corrected and fit.misses[at].measured.setting.preset != fit.executor.preset(fit.choice.pace)


def _tails_excess(fit: FitState, step: settle.Again) -> float:
    """By how much tails that end where ``step`` does came out too large at most: a short one after a dear IDR may be a
    quarter over, and another cut of the same frames will be so too."""
    last, corrected = step.last, fit.corrected
    excess = [m.made / m.asked for at, m in fit.misses.items() if at[1] == last and at in corrected]
    return min(_MOST_EXCESS, max([1.0, *excess]))
