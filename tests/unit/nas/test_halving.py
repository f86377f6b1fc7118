"""Rungs: the best of each are trained longer, nobody twice, and a rung that ranks badly is given up."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.base import PROMOTION, Engine, EngineSettings, Proposal
from nas.engine.building import build_engine
from nas.engine.halving import WINDOW, Halving
from nas.engine.random_search import RandomSearch
from nas.engine.testing import settings_for, synthetic_scores
from nas.objectives import Objective
from nas.ranking import kendall_tau
from search_space.genotype import Genotype

Values = tuple[float, ...] | None
Score = Callable[[Genotype, int], Values]


def by_rung(genotype: Genotype, rung: int) -> Values:
    """Longer trainings score better, and rank nearly as short ones do."""
    psnr_db, cost = synthetic_scores(genotype)
    return psnr_db + rung + 0.05 * luck(genotype, rung), float(cost)


def roughly(genotype: Genotype, rung: int) -> Values:
    """Short trainings say something of long ones."""
    psnr_db, cost = synthetic_scores(genotype)
    return psnr_db + rung + 0.5 * luck(genotype, rung), float(cost)


def at_random(genotype: Genotype, rung: int) -> Values:
    """Trainings of different lengths have nothing to do with each other."""
    return 30 + luck(genotype, rung), float(synthetic_scores(genotype)[1])


def luck(genotype: Genotype, rung: int) -> float:
    return float(np.random.default_rng([rung, int(genotype.digest[:8], 16)]).normal())


def of_rungs(rungs: int = 3, **changes: Any) -> EngineSettings:
    return settings_for("falsr", **{"rungs": rungs, "surrogate": False, "promote_after": 4, **changes})


def by_hand(**changes: Any) -> Halving:
    """Rungs around random search, told by hand."""
    found = of_rungs(**changes)
    return Halving(RandomSearch(found), found)


@dataclass
class Log:
    """What an engine was asked and told: (the proposal, None), or (the proposal, what it gave)."""

    steps: list[tuple[Proposal, tuple[Values, float] | None]] = field(default_factory=list)
    lowest: list[int] = field(default_factory=list)

    @property
    def asked(self) -> list[Proposal]:
        return [proposal for proposal, told in self.steps if told is None]


def run(
    engine: Engine,
    asks: int,
    *,
    score: Score = by_rung,
    workers: int = 1,
    seed: int = 0,
    failures: float = 0.0,
    infeasible: float = 0.0,
) -> Log:
    """Drive an engine with so many workers; what is told next, and what becomes of it, is drawn."""
    log, rng, in_flight = Log(), np.random.default_rng(seed), []
    while len(log.asked) < asks:
        proposal = engine.ask() if len(in_flight) < workers else None
        if proposal is not None:
            log.steps.append((proposal, None))
            log.lowest.append(engine.lowest_rung)
            in_flight.append(proposal)
            continue
        if not in_flight:
            break
        told = in_flight.pop(int(rng.integers(len(in_flight))))
        failed, violates = rng.random() < failures, rng.random() < infeasible
        outcome = None if failed else score(told.genotype, told.rung), float(violates)
        engine.tell(told.genotype, *outcome, rung=told.rung)
        log.steps.append((told, outcome))
    return log


# -- who is promoted -----------------------------------------------------------------------------------------------


RUNS = st.fixed_dictionaries(
    {
        "workers": st.sampled_from([1, 3, 12]),
        "seed": st.integers(0, 1000),
        "failures": st.sampled_from([0.0, 0.3]),
        "infeasible": st.sampled_from([0.0, 0.5]),
    }
)
ENGINES: dict[str, dict[str, Any]] = {
    "steady": {},
    "generational": {"mode": "generational"},
    "surrogate": {"surrogate": True},
    "generational with surrogate": {"mode": "generational", "surrogate": True},
}


def check(log: Log, factor: int, promote_after: int) -> None:
    """Replay a log by the rules, and stop at the first promotion that they do not allow."""
    told: dict[int, dict[str, tuple[Values, float]]] = {rung: {} for rung in range(4)}
    promoted: Counter[int] = Counter()
    seen: set[tuple[str, int]] = set()
    for proposal, outcome in log.steps:
        digest, rung = proposal.genotype.digest, proposal.rung
        if outcome is not None:
            told[rung][digest] = outcome
            continue
        assert (digest, rung) not in seen
        seen.add((digest, rung))
        if proposal.operator != PROMOTION:
            assert rung == 0
            continue
        below = told[rung - 1]
        assert len(below) >= promote_after
        promoted[rung] += 1
        assert promoted[rung] <= len(below) / factor
        assert proposal.parents == (digest,)
        values, violation = below[digest]
        assert values is not None
        for other, (others, violates) in below.items():
            if (other, rung) in seen or others is None:
                continue
            assert violation <= violates
            better = others[0] >= values[0] and others[1] <= values[1] and others != values
            assert not (violation == violates and better)


@settings(deadline=None, max_examples=12)
@given(RUNS, st.sampled_from([2, 3]), st.sampled_from([2, 8]), st.sampled_from(["steady", "generational"]))
def test_one_in_so_many_is_promoted_the_best_first_nobody_twice_and_no_failure(
    how: dict[str, Any], factor: int, promote_after: int, kind: str
) -> None:
    found = of_rungs(rung_factor=factor, promote_after=promote_after, rung_min_tau=-1.0, **ENGINES[kind])
    log = run(build_engine(found), 90, **how)
    check(log, factor, promote_after)
    assert any(proposal.rung for proposal in log.asked) or how["failures"]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_worker_is_given_a_promotion_as_soon_as_there_is_one_of_the_highest_rung_first(factor: int) -> None:
    log = run(build_engine(of_rungs(rung_factor=factor, rung_min_tau=-1.0)), 200)
    counts = Counter(proposal.rung for proposal in log.asked)
    assert counts[1] in (counts[0] // factor, counts[0] // factor - 1)
    assert counts[2] in (counts[1] // factor, counts[1] // factor - 1)


def test_nobody_is_promoted_before_so_many_results() -> None:
    engine = by_hand(promote_after=10)
    proposals = [engine.ask() for _ in range(12)]
    for told, proposal in enumerate(proposals[:9], start=1):
        engine.tell(proposal.genotype, (30.0 + told, 1e9), 0.0)
        assert engine.propose().operator == "random"
    engine.tell(proposals[9].genotype, (29.0, 1e9), 0.0)
    promotion = engine.ask()
    assert (promotion.genotype, promotion.rung) == (proposals[8].genotype, 1)


def test_the_feasible_go_first_then_who_violates_least_and_failures_never() -> None:
    engine = by_hand(promote_after=2, rungs=2)
    proposals = [engine.ask() for _ in range(8)]
    outcomes = [((39.0, 1e9), 2.0), ((38.0, 1e9), 1.0), ((31.0, 9e9), 0.0), (None, 0.0)]
    outcomes += [((float("nan"), 1e9), 0.0)] * 4
    for proposal, (values, violation) in zip(proposals, outcomes, strict=True):
        engine.tell(proposal.genotype, values, violation)
    order = []
    while (proposal := engine.ask()).operator == PROMOTION:
        order.append(proposals.index(replace(proposal, operator="random", rung=0, parents=())))
    assert order == [2, 1, 0]


def test_of_the_best_layer_the_least_crowded_goes_first() -> None:
    engine = by_hand(promote_after=5, rungs=2)
    proposals = [engine.ask() for _ in range(6)]
    points = [(34.9, 4.9e9), (35.0, 5e9), (30.0, 1e9), (35.1, 5.1e9), (40.0, 9e9), (29.0, 1.1e9)]
    for proposal, point in zip(proposals, points, strict=True):
        engine.tell(proposal.genotype, point, 0.0)
    assert engine.ask().genotype in (proposals[2].genotype, proposals[4].genotype)


def test_with_one_objective_the_best_goes_first() -> None:
    engine = by_hand(promote_after=4, rungs=2, objectives=(Objective.of("psnr"),))
    proposals = [engine.ask() for _ in range(6)]
    for proposal, psnr_db in zip(proposals, (31.0, 35.0, 33.0, 30.0, 35.0, 29.0), strict=True):
        engine.tell(proposal.genotype, (psnr_db,), 0.0)
    assert [engine.ask().genotype for _ in range(3)] == [proposals[i].genotype for i in (1, 4, 2)]


def test_what_is_not_waiting_at_a_rung_cannot_be_told_there() -> None:
    engine = by_hand()
    genotype = engine.ask().genotype
    with pytest.raises(ValueError, match="rung 1"):
        engine.tell(genotype, (30.0, 1e9), 0.0, rung=1)
    engine.tell(genotype, (30.0, 1e9), 0.0)


# -- the lowest rung -----------------------------------------------------------------------------------------------


def rises(log: Log, rungs: int, minimum: float) -> list[int]:
    """The lowest rung at each ask, by the rule: tau of the last 20 networks that were told at both rungs."""
    lowest, told, pairs, found = 0, {}, [], []
    for proposal, outcome in log.steps:
        digest, rung = proposal.genotype.digest, proposal.rung
        if outcome is None:
            found.append(lowest)
            continue
        if outcome[0] is None:
            continue
        told[digest, rung] = outcome[0][0]
        if rung == lowest + 1 and (digest, lowest) in told:
            pairs.append((told[digest, lowest], told[digest, rung]))
            tau = kendall_tau(*zip(*pairs[-WINDOW:], strict=True)) if len(pairs) >= WINDOW else None
            if tau is not None and tau < minimum:
                lowest, pairs = lowest + 1, []
    assert lowest < rungs
    return found


@settings(deadline=None, max_examples=6)
@given(RUNS, st.sampled_from([by_rung, at_random]), st.sampled_from([-1.0, 0.0, 0.4, 0.9]), st.sampled_from([2, 3]))
def test_the_lowest_rung_rises_exactly_where_the_last_pairs_rank_too_differently(
    how: dict[str, Any], score: Score, minimum: float, rungs: int
) -> None:
    engine = by_hand(rungs=rungs, promote_after=2, rung_min_tau=minimum)
    log = run(engine, 250, score=score, **how)
    assert log.lowest == rises(log, rungs, minimum)


def test_where_no_rung_ranks_as_the_next_new_networks_start_at_the_top() -> None:
    engine = by_hand(rungs=3, rung_min_tau=1.0)
    log = run(engine, 400, score=at_random)
    assert engine.lowest_rung == 2
    assert log.lowest == sorted(log.lowest)
    last = log.asked[-30:]
    assert {(proposal.rung, proposal.operator) for proposal in last} == {(2, "random")}
    for rung in (1, 2):
        start = log.lowest.index(rung)
        assert all(proposal.rung >= rung for proposal in log.asked[start:])


def test_where_rungs_agree_the_lowest_stays() -> None:
    engine = by_hand(rungs=3, rung_min_tau=0.4)
    run(engine, 300)
    assert engine.lowest_rung == 0


def test_what_is_known_without_training_is_not_what_rungs_are_compared_by() -> None:
    """Costs are the same at every rung; by them no rung would ever be given up."""
    objectives = (Objective.of("mult_adds"), Objective.of("psnr"))
    engine = by_hand(rungs=2, rung_min_tau=1.0, objectives=objectives)
    run(engine, 200, score=lambda genotype, rung: at_random(genotype, rung)[::-1])
    assert engine.lowest_rung == 1


# -- the log -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ENGINES)
def test_an_engine_rebuilt_from_a_log_goes_on_as_the_one_that_wrote_it(kind: str) -> None:
    """Rungs agree a little only, so that the lowest of them rises on the way."""
    options = {"promote_after": 2, "rung_min_tau": 0.9, "surrogate_refit": 32, "surrogate_min_tau": -1.0}
    found = of_rungs(3, seed=5, **options, **ENGINES[kind])
    log = run(build_engine(found), 130, score=roughly, workers=5, seed=1, failures=0.1, infeasible=0.2)
    assert {proposal.rung for proposal in log.asked} == {0, 1, 2}
    assert log.lowest[-1] > 0
    assert any(proposal.arm == "screened" for proposal in log.asked) == found.options.surrogate
    for cut in (0, 60, 190):
        rebuilt, lowest = build_engine(found), []
        for number, (proposal, outcome) in enumerate(log.steps):
            if outcome is not None:
                rebuilt.tell(proposal.genotype, *outcome, rung=proposal.rung)
                continue
            if number < cut:
                rebuilt.admit(proposal)
            else:
                assert rebuilt.ask() == proposal
            lowest.append(rebuilt.lowest_rung)
        assert lowest == log.lowest


@pytest.mark.parametrize("kind", ENGINES)
def test_to_say_what_would_be_proposed_changes_nothing(kind: str) -> None:
    found = of_rungs(3, promote_after=2, surrogate_refit=32, **ENGINES[kind])
    engine, twin = build_engine(found), build_engine(found)
    for _ in range(60):
        assert engine.propose() == engine.propose()
        proposal = engine.ask()
        assert proposal == twin.ask()
        for each in (engine, twin):
            each.tell(proposal.genotype, by_rung(proposal.genotype, proposal.rung), 0.0, rung=proposal.rung)


def test_engines_without_rungs_have_none_around_them() -> None:
    assert not isinstance(build_engine(of_rungs(1)), Halving)
    assert isinstance(build_engine(of_rungs(2)), Halving)
    assert build_engine(of_rungs(1)).ask().rung == 0


def test_a_network_that_was_promoted_is_told_apart_from_its_shorter_training() -> None:
    log = run(build_engine(of_rungs(3, rung_min_tau=-1.0)), 120, workers=4)
    asked = Counter((proposal.genotype.digest, proposal.rung) for proposal in log.asked)
    assert max(asked.values()) == 1
    for proposal in log.asked:
        if proposal.rung:
            assert (proposal.genotype.digest, proposal.rung - 1) in asked
