"""The figures of a candidate: what it scored from each seed, what was expected, and its rank in its search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas.confirming import CONFIRMATION
from nas.figures import heading, shown
from nas.fronts import Front
from nas.objectives import METRICS, Prediction, Sense
from nas.records import SCORE_COLUMNS, Candidate, CandidateState, Search
from nas.scores import candidate_scores
from nas.service import Service
from nas.statistics.cloud import STATES
from nas.statistics.seeds import seeds_of

RANKED = 1_000_000
"""Candidates among which one is ranked, at most: more than searches have."""

CONFIRMED = 2_000
"""Trainings from other seeds that are looked through, at most."""

_SENSES = {metric.column: metric.sense for metric in METRICS.values()}


@dataclass(frozen=True, kw_only=True)
class FigureRow:
    """A figure of a candidate.

    Attributes:
        name: What it is.
        value: What the candidate scored.
        ranks: Its places among the front and among all that were scored; none where it does not compare with them.
        notes: Bicubic's and how much more that is, what each seed gave of its network with their mean and spread, and
            what a model of the outcomes expected with its standard deviation, as far as they are known.
    """

    name: str
    value: str
    ranks: tuple[str, ...]
    notes: tuple[str, ...]


def figure_rows(candidate: Candidate, search: Search, front: Front, service: Service) -> list[FigureRow]:
    """Every figure that a candidate has, in the order of the columns."""
    scores = candidate_scores(candidate)
    seeds = [] if candidate.evaluation is None else seed_scores(candidate, front, service)
    among = fields_of(candidate, front, service)
    expected = {METRICS[metric].column: told for metric, told in candidate.predicted.items()}
    return [
        FigureRow(
            name=heading(column),
            value=shown(column, value),
            ranks=tuple(f"{rank(column, value, values[column])} {words}" for words, values in among.items()),
            notes=tuple(
                note
                for note in (
                    _beside(column, value, search),
                    _of_seeds(column, seeds) if column in search.spec.found_columns else "",
                    _expected(column, expected.get(column)),
                )
                if note
            ),
        )
        for column in SCORE_COLUMNS
        if (value := scores.get(column)) is not None
    ]


def seed_scores(candidate: Candidate, front: Front, service: Service) -> list[Mapping[str, float]]:
    """What the trainings of a candidate's network gave at its rung, the search's own seed first where it is known."""
    confirming = service.candidates(candidate.search_id, operator=CONFIRMATION, limit=CONFIRMED)
    known = {one.id: one for one in (*front.members, candidate, *confirming)}
    same = [
        one
        for one in known.values()
        if one.genotype == candidate.genotype and one.rung == candidate.rung and one.state is CandidateState.SCORED
    ]
    return [candidate_scores(one) for one in sorted(same, key=lambda one: one.replicate)]


def _of_seeds(column: str, seeds: Sequence[Mapping[str, float]]) -> str:
    values = [one[column] for one in seeds if column in one]
    if len(values) < 2:
        return ""
    found = seeds_of(seeds, [column])
    each = ", ".join(shown(column, value) for value in values)
    return f"{len(values)} seeds: {each}; mean {_told(column, found.mean[column], found.spread[column])}"


def _expected(column: str, told: Prediction | None) -> str:
    return "" if told is None else f"expected: {_told(column, told.mean, told.std)}"


def _told(column: str, mean: float, spread: float) -> str:
    return f"{shown(column, mean)} ± {shown(column, spread)}"


def _beside(column: str, value: float, search: Search) -> str:
    bicubic = search.baseline.get(column)
    if bicubic is None:
        return ""
    more = f", {value - bicubic:+.2f} dB".replace("-", "−") if column.endswith("_db") else ""
    return f"bicubic: {shown(column, bicubic)}{more}"


# -- ranks -------------------------------------------------------------------------------------------------------------

Columns = Mapping[str, NDArray[np.float64]]


def fields_of(candidate: Candidate, front: Front, service: Service) -> Mapping[str, Columns]:
    """Whom a candidate compares with, by what they are called: the front, if it is on it, and all that were scored.

    Those are full trainings from the search's own seed; one of another fidelity compares with none of them.
    """
    top = front.search.spec.recipe.rungs - 1
    if candidate.state is not CandidateState.SCORED or candidate.replicate or candidate.rung != top:
        return {}
    cloud = service.standing(candidate.search_id).cloud(RANKED)
    scored = (cloud.state == STATES.index(CandidateState.SCORED)) & (cloud.replicate == 0) & (cloud.rung == top)
    found = {"scored": {column: values[scored] for column, values in cloud.figures.items()}}
    if not (cloud.front & (cloud.ordinal == candidate.ordinal)).any():
        return found
    return {"on the front": {column: values[cloud.front] for column, values in cloud.figures.items()}, **found}


def rank(column: str, value: float, among: NDArray[np.float64]) -> str:
    """The place of a figure among several, equals sharing the better one; NaN counts for none of them.

    >>> rank("psnr_db", 31.0, np.array([30.0, 31.0, 32.0, np.nan])), rank("params", 9.0, np.array([9.0, 9.0, 8.0]))
    ('2nd of 3', '2nd of 3')
    """
    better = among > value if _SENSES[column] is Sense.MAXIMISE else among < value
    return f"{_nth(1 + int(better.sum()))} of {int(np.isfinite(among).sum())}"


def _nth(number: int) -> str:
    """An ordinal number.

    >>> [_nth(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th']
    """
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
