"""Statistics are plain sums over a ledger: small ledgers made by hand have known ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from statistics import stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.recipe import Recipe
from nas.objectives import Objective, Prediction
from nas.options import ENGINES, EngineOptions
from nas.records import CandidateState, LedgerRow, Search, SearchState
from nas.spec import BudgetSpec, SearchSpec
from nas.statistics.documents import Statistics
from nas.statistics.networks import Networks
from nas.statistics.spending import Spending
from nas.statistics.summary import account_of, statistics
from nas.statistics.surrogate import HeldOut
from nas.tally import Tally
from nas.testing.builders import START, make_candidate, make_evaluation, make_genotype, make_progress, make_search, told

OBJECTIVES = Objective.of("psnr"), Objective.of("params")
REFERENCE = {"psnr": 28.0, "params": 1000.0}


def row(ordinal: int, psnr_db: float | None = 30.0, **fields: Any) -> LedgerRow:
    """A told row whose tell has the number of its ask; without a PSNR, a failure."""
    scores = {"params": float(fields.pop("params", 500))} | ({} if psnr_db is None else {"psnr_db": psnr_db})
    values: dict[str, Any] = {
        "genotype_digest": f"network {ordinal}",
        "state": CandidateState.FAILED if psnr_db is None else CandidateState.SCORED,
        "operator": "random",
        "asked_at": START,
        "told_ordinal": ordinal,
        "told_at": START + timedelta(seconds=ordinal),
        "violation": None if psnr_db is None else 0.0,
        "scores": scores,
        "steps": 100,
    }
    return LedgerRow(ordinal=ordinal, **values | fields)


def search_of(*, rungs: int = 1, engine: EngineOptions = ENGINES["nsga2"]) -> Search:
    spec = SearchSpec.model_validate({"dataset": {"train": "train"}, "objectives": ["psnr", "params"]})
    recipe = Recipe(steps=100 * rungs, rungs=rungs)
    return make_search(spec=spec.model_copy(update={"recipe": recipe, "engine": engine}))


def found_in(ledger: Sequence[LedgerRow], **fields: Any) -> Statistics:
    return statistics(search_of(**fields), ledger, START)


def held_out(ledger: Sequence[LedgerRow], options: EngineOptions) -> dict[str, list[tuple[float, float]]]:
    """What each metric's predictions are compared with, of rows in the order of their tells."""
    found, networks = HeldOut(options), Networks()
    for one in sorted(ledger, key=lambda row: row.told_ordinal or 0):
        found.add(one, first=one.replicate == 0 and networks.add(one, None))
    return {metric: list(pairs) for metric, pairs in found.pairs.items()}


def asked(ordinal: int, **fields: Any) -> LedgerRow:
    """A row in flight."""
    return row(ordinal, None, **{"state": CandidateState.EVALUATING, "told_ordinal": None, "told_at": None, **fields})


def guessed(ordinal: int, mean: float, found: float, **fields: Any) -> LedgerRow:
    return row(ordinal, found, predicted={"psnr": Prediction(mean=mean, std=0.1)}, **fields)


# -- operators ---------------------------------------------------------------------------------------------------------


def test_an_operator_is_told_by_what_became_of_its_candidates():
    ledger = [
        row(0, 30.0, params=500, survived=True),
        row(1, 29.0, params=900, survived=False),
        row(2, None, survived=False),
        row(3, 33.0, violation=0.5, survived=None),
        asked(4),
        row(5, 31.0, params=800, operator="mult_adds", survived=True),
    ]
    random, mult_adds = found_in(ledger).operators
    assert (random.operator, random.proposed, random.told, random.failed, random.feasible) == ("random", 5, 4, 1, 2)
    assert (random.survived, random.survival, random.front) == (1, pytest.approx(1 / 3), 1)
    assert (mult_adds.survived, mult_adds.survival, mult_adds.front) == (1, 1.0, 1)


def test_a_member_that_was_promoted_counts_for_what_bred_its_network():
    ledger = [
        row(0, 29.0, genotype_digest="a", operator="initial"),
        row(1, 31.0, genotype_digest="a", operator="promotion", rung=1),
        row(2, 31.1, genotype_digest="a", operator="confirmation", rung=1, replicate=1),
    ]
    front = {one.operator: one.front for one in found_in(ledger, rungs=2).operators}
    assert front == {"initial": 1, "promotion": 0, "confirmation": 0}


def test_nothing_has_no_statistics_and_harms_none():
    found = statistics(make_search(), [], START)
    assert found.operators == found.surrogate.arms == found.seeds.members == ()
    assert [rung.told for rung in found.rungs] == [0]
    assert account_of(make_search(), []).course() == []


# -- the surrogate -----------------------------------------------------------------------------------------------------


def test_arms_are_compared_by_the_hypervolume_that_a_network_adds():
    ledger = [
        row(0, hypervolume=1.0),
        row(1, arm="screened", hypervolume=1.6, survived=True),
        row(2, arm="screened", hypervolume=1.6, survived=False),
        row(3, arm="control", hypervolume=1.7, survived=True),
        row(4, None, arm="control", hypervolume=1.7),
        asked(5, arm="control"),
    ]
    screened, control, none = found_in(ledger).surrogate.arms
    assert (screened.arm, screened.told, screened.survived, screened.entered) == ("screened", 2, 1, 1)
    assert screened.mean_gain == pytest.approx(0.3)
    assert (control.told, control.entering, control.mean_gain) == (2, 0.5, pytest.approx(0.05))
    assert (none.arm, none.mean_gain) == ("none", 1.0)
    assert found_in(ledger).surrogate.gain == pytest.approx(6.0)


def test_what_a_promoted_network_adds_counts_for_the_arm_that_brought_it():
    ledger = [
        row(0, genotype_digest="a", arm="screened", hypervolume=0.0),
        row(1, genotype_digest="a", operator="promotion", rung=1, hypervolume=2.0),
    ]
    (screened,) = found_in(ledger, rungs=2).surrogate.arms
    assert (screened.told, screened.entered, screened.mean_gain) == (1, 1, 2.0)


def test_the_gain_is_unknown_until_the_control_arm_gained_something():
    ledger = [row(0, arm="screened", hypervolume=1.0), row(1, arm="control", hypervolume=1.0)]
    assert found_in(ledger).surrogate.gain is None


def test_only_the_first_outcome_of_a_network_is_a_test_of_its_prediction():
    ledger = [
        guessed(0, 30.0, 29.0, genotype_digest="a"),
        guessed(1, 31.0, 31.5, genotype_digest="a", operator="promotion", rung=1),
        guessed(2, 31.0, 31.6, genotype_digest="b", replicate=1),
    ]
    assert held_out(ledger, ENGINES["nsga2"]) == {"psnr": [(30.0, 29.0)]}


def test_predictions_come_in_the_order_in_which_the_engine_was_told():
    ledger = [guessed(0, 1.0, 1.0, told_ordinal=1), guessed(1, 2.0, 2.0, told_ordinal=0)]
    assert held_out(ledger, EngineOptions())["psnr"] == [(2.0, 2.0), (1.0, 1.0)]
    assert held_out(ledger, EngineOptions(order="ordered"))["psnr"] == [(1.0, 1.0), (2.0, 2.0)]


def test_a_model_that_ranks_well_speaks_and_one_that_reverses_is_silent():
    good = [guessed(n, n, n) for n in range(40)]
    bad = [guessed(n, -n, n) for n in range(40)]
    assert found_in(good).surrogate.speaks
    found = found_in(bad).surrogate
    assert not found.speaks
    assert found.predictions[0].latest.tau == -1.0
    assert not found_in(good[:20]).surrogate.speaks  # it has not seen enough
    assert not found_in(good, engine=ENGINES["random"]).surrogate.enabled


def test_the_latest_predictions_decide_whatever_came_before():
    turned = [guessed(n, n, n if n < 60 else -n) for n in range(100)]
    (found,) = found_in(turned).surrogate.predictions
    assert (found.latest.tau, found.latest.pairs, found.overall.pairs) == (-1.0, 40, 100)
    assert not found_in(turned).surrogate.speaks


# -- rungs -------------------------------------------------------------------------------------------------------------


def climbed(n: int, *, reverse: bool = False) -> list[LedgerRow]:
    """So many networks at both rungs, ranked alike or in opposite orders."""
    low = [row(i, 28.0 + i, genotype_digest=str(i)) for i in range(n)]
    sign = -1 if reverse else 1
    return low + [row(n + i, 30.0 + sign * i, genotype_digest=str(i), rung=1, operator="promotion") for i in range(n)]


def test_rungs_are_counted_and_compared_on_the_networks_that_reached_both():
    ledger = [*climbed(5), row(10, 40.0), asked(11, rung=1, operator="promotion", genotype_digest="network 10")]
    low, top = found_in(ledger, rungs=2).rungs
    assert (low.steps, low.asked, low.told, low.promoted, low.best_psnr_db) == (100, 6, 6, 6, 40.0)
    assert (top.steps, top.asked, top.told, top.best_psnr_db) == (200, 6, 5, 34.0)
    assert low.overall is not None
    assert (low.overall.tau, low.overall.pairs) == (1.0, 5)
    assert top.overall is None


def test_the_latest_promotions_stand_beside_all_of_them():
    early = climbed(30)
    late = [
        replace(r, ordinal=r.ordinal + 60, told_ordinal=r.ordinal + 60, genotype_digest=r.genotype_digest + "'")
        for r in climbed(20, reverse=True)
    ]
    low, _ = found_in(early + late, rungs=2).rungs
    assert low.overall is not None
    assert low.latest is not None
    assert (low.latest.tau, low.latest.pairs, low.overall.pairs) == (-1.0, 20, 50)


def test_new_networks_start_where_the_latest_of_them_did():
    ledger = [row(0), row(1, rung=1, operator="random"), row(2, rung=2, operator="promotion")]
    assert (found_in(ledger, rungs=3).lowest_rung, found_in([]).lowest_rung) == (1, 0)
    assert found_in([*ledger, asked(3, rung=2, genotype_digest="new")], rungs=3).lowest_rung == 2


# -- seeds -------------------------------------------------------------------------------------------------------------


def confirmed(digest: str, *psnrs: float, first: int = 0, **fields: Any) -> list[LedgerRow]:
    return [row(first + n, psnr, genotype_digest=digest, replicate=n, **fields) for n, psnr in enumerate(psnrs)]


def test_a_member_has_a_spread_and_a_mean_over_its_seeds():
    (member,) = found_in(confirmed("a", 30.0, 30.2, 30.4)).seeds.members
    assert (member.candidate, member.seeds) == ("00000001-0", 3)
    assert member.first == {"psnr_db": 30.0}
    assert member.mean["psnr_db"] == pytest.approx(30.2)
    assert member.spread["psnr_db"] == pytest.approx(0.2)


def test_the_noise_is_pooled_over_every_network_with_several_seeds():
    ledger = [
        *confirmed("a", 30.0, 30.2, params=400),
        *confirmed("b", 29.0, 29.4, 29.8, first=2, params=900),  # not on the front, and of no less weight
        *confirmed("c", 31.0, first=5, params=900),
    ]
    found = found_in(ledger).seeds
    assert [member.candidate for member in found.members] == ["00000001-0"]
    assert found.networks == 2
    pooled = math.sqrt((stdev([30.0, 30.2]) ** 2 + 2 * stdev([29.0, 29.4, 29.8]) ** 2) / 3)
    assert found.noise == {"psnr_db": pytest.approx(pooled)}


# -- the course and the budget -----------------------------------------------------------------------------------------


@given(psnrs=st.lists(st.none() | st.floats(25, 35), max_size=30), most=st.integers(2, 40))
def test_a_course_keeps_its_ends_and_never_falls(psnrs, most):
    tally, spending = Tally(OBJECTIVES, REFERENCE), Spending(0)
    ledger = []
    for ordinal, psnr_db in enumerate(psnrs):
        candidate = make_candidate(ordinal=ordinal, params=500)
        fields = {"failure_kind": "diverged"} if psnr_db is None else {"psnr_db": psnr_db}
        progress = tally.add(told(candidate, make_evaluation(candidate, **fields), ordinal), in_flight=0)
        ledger.append(row(ordinal, psnr_db, hypervolume=progress.hypervolume))
        spending.add(ledger[-1])
        assert spending.unchanged == tally.unchanged
    points = account_of(search_of(), ledger).course(most)
    assert len(points) == min(most, len(psnrs))
    if psnrs:
        assert [points[0].told_ordinal, points[-1].told_ordinal] == [0, len(psnrs) - 1]
        last = points[-1]
        assert (last.evaluations, last.steps) == (len(psnrs), 100 * len(psnrs))
        assert (last.hypervolume, last.best_psnr_db) == (tally.progress.hypervolume, tally.progress.best_psnr_db)
    assert all(a.hypervolume <= b.hypervolume for a, b in itertools.pairwise(points))


def test_a_short_training_is_no_best():
    ledger = [row(0, 40.0), row(1, 30.0, rung=1), row(2, 35.0, rung=1, violation=0.1)]
    assert [point.best_psnr_db for point in account_of(search_of(rungs=2), ledger).course()] == [None, 30.0, 30.0]


def test_every_part_of_a_budget_has_what_is_spent_of_it():
    search = make_search(state=SearchState.RUNNING, started_at=START, running_since=START, progress=make_progress(2))
    budget = BudgetSpec.model_validate({"evaluations": 10, "steps": 250, "patience": 5, "worker_hours": 1})
    search = replace(search, spec=search.spec.model_copy(update={"budget": budget}))
    ledger = [
        row(0, train_s=1000.0, validate_s=800.0, hypervolume=1.0),
        row(1, hypervolume=1.0),
        asked(2, steps=0),
        row(3, replicate=1, steps=10),
    ]
    found = statistics(search, ledger, START + timedelta(seconds=60)).budget
    spent = {part.part: part.spent for part in found.parts}
    assert spent == {"evaluations": 3, "steps": 210, "wall_time_s": 60.0, "worker_hours": 0.5, "patience": 1}
    shares = {part.part: part.share for part in found.parts}
    assert (shares["evaluations"], shares["worker_hours"], shares["wall_time_s"]) == (0.3, 0.5, None)
    assert found.validation_share == pytest.approx(800 / 1800)
    assert found.ends_at is not None
    assert found.seconds_left is not None


def test_before_any_outcome_validation_has_no_share():
    assert found_in([asked(0)]).budget.validation_share is None


def test_statistics_are_json_whatever_the_figures_are():
    ledger = [row(0, math.inf), row(1, 30.0, genotype_digest=make_genotype(1).digest, hypervolume=math.inf)]
    statistics(make_search(), ledger, START).model_dump_json()
