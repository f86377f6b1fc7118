"""The order in which a search's engine was asked and told: its log as a sequence of steps. Pure.

Outcomes reach an engine as they arrive, or by the number of their ask ("ordered"): before ask number k then exactly the
outcomes of the asks up to k - lag, so that the timing of workers leaves no trace. Trainings that confirm members of the
final front are no business of the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .engine.base import Engine, Proposal
from .options import EngineOptions
from .records import Candidate, CandidateState
from .scores import candidate_scores
from .spec import SearchSpec


@dataclass(frozen=True)
class Asked:
    """The engine proposed this candidate."""

    candidate: Candidate


@dataclass(frozen=True)
class Told:
    """The engine was told what became of this candidate."""

    candidate: Candidate


def history(log: Iterable[Candidate], options: EngineOptions) -> Iterator[Asked | Told]:
    """What a search's engine was asked and told, in order.

    Args:
        log: Every candidate of the search.
        options: Say in which order outcomes are told.
    """
    asked = sorted((c for c in log if c.replicate == 0), key=lambda candidate: candidate.ordinal)
    return _ordered(asked) if options.order == "ordered" else _arrival(asked)


def due(untold: Sequence[Candidate], asked: int, options: EngineOptions) -> Sequence[Candidate] | None:
    """Candidates whose outcomes the engine is told before its next ask.

    None where some of these outcomes are not there yet, so that the ask has to wait. Only of use where outcomes are
    told in order; as they arrive nothing is ever due.

    Args:
        untold: Candidates that the engine proposed and was not told of, in order.
        asked: How many it proposed so far.
        options: Say in which order outcomes are told.
    """
    if options.order != "ordered":
        return ()
    already = asked - len(untold)
    wanted = untold[: max(0, asked - (options.lag or 1) + 1 - already)]
    return None if any(candidate.told_ordinal is None for candidate in wanted) else wanted


def proposal_of(candidate: Candidate) -> Proposal:
    """The proposal that became this candidate."""
    return Proposal(
        genotype=candidate.genotype,
        operator=candidate.operator,
        parents=candidate.parents,
        rung=candidate.rung,
        arm=candidate.arm,
        predicted=candidate.predicted,
    )


def tell(engine: Engine, candidate: Candidate, spec: SearchSpec) -> bool:
    """Tell an engine what became of one of its proposals; whether that survived."""
    values = None
    if candidate.state is CandidateState.SCORED:
        scores = candidate_scores(candidate)
        values = [scores.get(objective.column, math.nan) for objective in spec.objective_values]
    return engine.tell(candidate.genotype, values, candidate.violation or 0.0, rung=candidate.rung)


def _arrival(asked: Sequence[Candidate]) -> Iterator[Asked | Told]:
    told = sorted((c for c in asked if c.told_ordinal is not None), key=lambda c: c.told_ordinal or 0)
    done = 0
    for candidate in asked:
        while done < len(told) and (told[done].told_ordinal or 0) < candidate.tells_before:
            yield Told(told[done])
            done += 1
        yield Asked(candidate)
    yield from map(Told, told[done:])


def _ordered(asked: Sequence[Candidate]) -> Iterator[Asked | Told]:
    done = 0
    for candidate in asked:
        yield from map(Told, asked[done : candidate.tells_before])
        done = candidate.tells_before
        yield Asked(candidate)
