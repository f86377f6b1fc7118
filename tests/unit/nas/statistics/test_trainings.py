"""Whatever was merged in whatever order, a front is that of all trainings at once, of equal ones the oldest."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.objectives import METRICS, Objective, Sense
from nas.pareto import front
from nas.records import CandidateState, LedgerRow
from nas.statistics.rows import points_of_rows
from nas.statistics.trainings import FullTrainings
from nas.testing.builders import START

OWN = Objective.of("psnr"), Objective.of("params")
COLUMNS = [metric.column for metric in METRICS.values()]

figures = st.sampled_from([1.0, 2.0, 3.0, math.inf]) | st.none()
networks = st.lists(st.tuples(st.lists(figures, min_size=7, max_size=7), st.sampled_from([0.0, 0.0, 0.5])), max_size=12)
choices = st.lists(st.sampled_from(list(METRICS)), min_size=1, unique=True)


def row(ordinal: int, values: list[float | None], violation: float, **fields: Any) -> LedgerRow:
    scores = {column: value for column, value in zip(COLUMNS, values, strict=True) if value is not None}
    known: dict[str, Any] = {"state": CandidateState.SCORED, "operator": "random", "asked_at": START}
    return LedgerRow(
        ordinal=ordinal, genotype_digest=str(ordinal), violation=violation, scores=scores, **known | fields
    )


@settings(max_examples=80, deadline=None)
@given(found=networks, asked=st.lists(st.tuples(choices, st.booleans()), max_size=3), order=st.randoms())
def test_any_front_is_that_of_all_trainings_at_once(found: Any, asked: Any, order: Any) -> None:
    rows = [row(number, *one) for number, one in enumerate(found)]
    told = list(rows)
    order.shuffle(told)
    trainings, known = FullTrainings(0, OWN), list[LedgerRow]()
    for one in told:
        trainings.add(one)
        known = sorted([*known, one], key=lambda row: row.ordinal)
        reversed_sense = (Objective("psnr", Sense.MINIMISE), Objective.of("params"))
        for chosen, feasible_only in [
            (OWN, True),
            (reversed_sense, False),
            *((tuple(map(Objective.of, names)), feasible) for names, feasible in asked),
        ]:
            compared = [one for one in known if one.violation == 0.0 or not feasible_only]
            expected = [compared[index].ordinal for index in front(points_of_rows(compared, chosen), chosen)]
            assert [trainings.ordinal(i) for i in trainings.front(chosen, feasible_only=feasible_only)] == expected
    assert trainings.feasible_count == sum(one.violation == 0.0 for one in rows)


@pytest.mark.parametrize("fields", [{"rung": 1}, {"replicate": 1}, {"state": CandidateState.FAILED}])
def test_only_scored_trainings_of_the_top_rung_from_the_first_seed_compare(fields: dict[str, Any]) -> None:
    trainings = FullTrainings(0, OWN)
    assert trainings.takes(row(0, [1.0] * 7, 0.0))
    assert not trainings.takes(row(0, [1.0] * 7, 0.0, **fields))


def test_the_nearest_is_the_oldest_of_the_least_violation() -> None:
    trainings = FullTrainings(0, OWN)
    assert trainings.nearest is None
    for number, violation in ((4, 0.5), (3, 0.25), (1, 0.25), (2, math.inf)):
        trainings.add(row(number, [1.0] * 7, violation))
    assert trainings.nearest == (0.25, 1)
