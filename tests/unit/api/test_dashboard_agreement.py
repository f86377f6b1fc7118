"""The pictures of what a search has shown about its parts: where marks lie, and what is said beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.dashboard.agreement import MARGIN, WIDTH, place, rankings, yields
from nas.statistics.documents import (
    BudgetStatistics,
    OperatorStatistics,
    PredictionStatistics,
    RungStatistics,
    SeedStatistics,
    Statistics,
    SurrogateStatistics,
    Tau,
)

TAUS = st.floats(-1, 1)


def tau(value: float | None, low: float | None = None, high: float | None = None) -> Tau:
    return Tau(tau=value, low=low, high=high, pairs=20)


def rung(number: int, latest: Tau | None = None) -> RungStatistics:
    counts = {"asked": 8, "told": 8, "failed": 0, "promoted": 4}
    return RungStatistics(
        rung=number, steps=100 * 4**number, **counts, best_psnr_db=30.0, overall=latest, latest=latest
    )


def operator(name: str, front: int, survival: float | None) -> OperatorStatistics:
    counts = {"proposed": 8, "told": 8, "failed": 0, "feasible": 8, "survived": 4}
    return OperatorStatistics(operator=name, **counts, survival=survival, front=front)


def statistics(
    *,
    rungs: tuple[RungStatistics, ...] = (),
    predictions: tuple[PredictionStatistics, ...] = (),
    operators: tuple[OperatorStatistics, ...] = (),
) -> Statistics:
    return Statistics(
        operators=operators,
        surrogate=SurrogateStatistics(
            enabled=True, speaks=False, min_tau=0.25, arms=(), gain=None, predictions=predictions
        ),
        rungs=rungs,
        ranked_by="psnr",
        lowest_rung=0,
        seeds=SeedStatistics(members=(), networks=0, noise={}),
        budget=BudgetStatistics(parts=(), validation_share=None, seconds_left=None, ends_at=None),
    )


@given(TAUS, TAUS)
def test_every_tau_lies_within_the_axis_and_in_order(one: float, other: float) -> None:
    assert MARGIN <= place(one) <= WIDTH - MARGIN
    assert (place(one) <= place(other)) is (place(one) == place(other) or one < other)


def test_each_rung_is_ranked_against_the_next_and_the_top_one_against_none() -> None:
    found = statistics(rungs=(rung(0, tau(0.5, 0.1, 0.9)), rung(1, tau(0.3)), rung(2)))
    first, second = rankings(found, 0.4)
    assert (first.name, second.name) == ("psnr after 100 steps, against 400", "psnr after 400 steps, against 1,600")
    assert first.verdict == "reaches 0.4"
    assert second.verdict == "below 0.4: new networks start at a longer training"
    assert first.latest is not None
    assert first.latest.low < first.least < first.latest.at < first.latest.high
    assert second.latest is not None
    assert second.latest.low == second.latest.at == second.latest.high


def test_a_metric_whose_predictions_nobody_could_check_yet_has_no_mark() -> None:
    one = PredictionStatistics(metric="fsds", overall=tau(None), latest=tau(None))
    (ranking,) = rankings(statistics(predictions=(one,)), 0.4)
    assert ranking.verdict == "too few networks yet"
    assert ranking.latest is ranking.every is None
    assert ranking.least == place(0.25)


def test_operators_share_the_front_among_them() -> None:
    found = yields(statistics(operators=(operator("random", 3, 0.5), operator("confirmation", 0, None))))
    assert [(one.operator, one.front, one.members) for one in found] == [
        ("random", 100.0, "3 of 3"),
        ("confirmation", 0.0, "0 of 3"),
    ]
    assert [(one.survival, one.survived) for one in found] == [(50.0, "50%"), (None, "–")]


def test_an_empty_front_has_no_shares() -> None:
    (one,) = yields(statistics(operators=(operator("random", 0, 0.0),)))
    assert one.front is None
    assert one.survival == 0.0
