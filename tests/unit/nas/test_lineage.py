"""The memory of engines that breed: who is in flight, who survives, and what an ask proposes."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.benchmarking.plain import Plain, TableSpace
from nas.engine.base import EngineSettings, Proposal
from nas.engine.lineage import Lineage, Told, reward
from nas.engine.population import Member, survivors
from nas.engine.testing import settings_for, size, size_screen, synthetic_scores
from nas.objectives import Objective
from nas.options import EngineOptions
from search_space.encoding import decode, encode
from search_space.genotype import Genotype
from search_space.space import Gene
from search_space.spaces import FALSR

NONE = np.empty((0, len(FALSR.genes)), dtype=np.int64)
TABLE = TableSpace(name="table", genes=tuple(Gene(name, (0, 1, 2)) for name in "abcd"))


def falsr(**changes: Any) -> EngineSettings:
    return settings_for("falsr", **{"surrogate": False, **changes})


def genotypes(n: int, seed: int = 0) -> list[Genotype]:
    rng = np.random.default_rng(seed)
    return [FALSR.sample(rng) for _ in range(n)]


def tell(lineage: Lineage, genotype: Genotype, values: Sequence[float] | None, **changes: Any) -> None:
    rung = changes.get("rung", 0)
    lineage.admit(Proposal(genotype=genotype, operator="random", rung=rung))
    lineage.absorb([lineage.told(genotype, values, changes.get("violation", 0.0), rung)])


def grown(found: EngineSettings, n: int) -> Lineage:
    """A lineage that was asked and told n times, one by one."""
    lineage = Lineage(found)
    for _ in range(n):
        ask_and_tell(lineage)
    return lineage


def ask_and_tell(lineage: Lineage) -> Proposal:
    number = len(lineage.taken)
    proposal = lineage.start(lineage.taken) or lineage.child(number, lineage.taken, lineage.in_flight)
    assert proposal is not None
    lineage.admit(proposal)
    genotype = proposal.genotype
    lineage.absorb([lineage.told(genotype, synthetic_scores(genotype), 0.0, proposal.rung)])
    return proposal


# -- the log -------------------------------------------------------------------------------------------------------


def test_what_is_admitted_is_in_flight_until_it_is_told() -> None:
    lineage = Lineage(falsr())
    first, second = genotypes(2)
    assert lineage.in_flight.shape == (0, 63)
    for genotype in (first, second):
        lineage.admit(Proposal(genotype=genotype, operator="random"))
    np.testing.assert_array_equal(lineage.in_flight, [encode(FALSR, first), encode(FALSR, second)])
    lineage.told(first, (30.0, 1e9), 0.0, 0)
    np.testing.assert_array_equal(lineage.in_flight, [encode(FALSR, second)])
    assert lineage.waiting == 1
    assert len(lineage.taken) == 2


@pytest.mark.parametrize("values", [None, (math.nan, 1e9), (30.0, math.inf), (-math.inf, 1e9)])
def test_what_is_not_finite_is_a_failure_and_no_member(values: Sequence[float] | None) -> None:
    lineage = Lineage(falsr())
    (genotype,) = genotypes(1)
    lineage.admit(Proposal(genotype=genotype, operator="random"))
    told = lineage.told(genotype, values, 0.0, 0)
    assert told.member is None
    lineage.absorb([told])
    assert lineage.population.members == ()


def test_losses_turn_every_objective_so_that_less_is_better() -> None:
    lineage = Lineage(falsr())
    (genotype,) = genotypes(1)
    lineage.admit(Proposal(genotype=genotype, operator="random"))
    told = lineage.told(genotype, (30.0, 1e9), 0.25, 0)
    assert told.losses.tolist() == [-30.0, 1e9]
    assert told.violation == 0.25


def test_a_wrong_tell_changes_nothing() -> None:
    lineage = Lineage(falsr())
    first, second = genotypes(2)
    lineage.admit(Proposal(genotype=first, operator="random"))
    for genotype, values, rung in ((second, (1.0, 2.0), 0), (first, (1.0, 2.0), 1), (first, (1.0,), 0)):
        with pytest.raises(ValueError, match=r"waiting|1 values for 2 objectives"):
            lineage.told(genotype, values, 0.0, rung)
    assert lineage.waiting == 1
    lineage.told(first, (1.0, 2.0), 0.0, 0)


def test_a_network_that_was_promoted_is_a_member_at_its_new_rung_only() -> None:
    lineage = Lineage(falsr())
    first, second = genotypes(2)
    tell(lineage, first, (30.0, 1e9))
    tell(lineage, second, (31.0, 2e9))
    tell(lineage, first, (29.0, 1e9), rung=1)
    assert [(m.digest, m.rung) for m in lineage.population.members] == [(first.digest, 1), (second.digest, 0)]
    assert len(lineage.taken) == 2


def test_to_say_who_would_survive_changes_nothing() -> None:
    lineage = grown(falsr(), 12)
    before = [member.digest for member in lineage.population.members]
    (genotype,) = genotypes(1, seed=9)
    lineage.admit(Proposal(genotype=genotype, operator="random"))
    told = lineage.told(genotype, (99.0, 1.0), 0.0, 0)
    assert lineage.population_with([told]).members[0].digest == genotype.digest
    assert [member.digest for member in lineage.population.members] == before


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(12)))
def test_outcomes_that_are_absorbed_together_have_one_population_in_any_order(order: list[int]) -> None:
    """Scores are all different, so no tie is left to the order."""
    found = genotypes(12)
    populations = []
    for indexes in (range(12), order):
        lineage = Lineage(falsr())
        for i in indexes:
            lineage.admit(Proposal(genotype=found[i], operator="random"))
        told = [lineage.told(found[i], synthetic_scores(found[i]), 0.0, 0) for i in indexes]
        lineage.absorb(told)
        populations.append({member.digest for member in lineage.population.members})
    assert populations[0] == populations[1]


# -- proposing -----------------------------------------------------------------------------------------------------


@cache
def screened() -> Lineage:
    return grown(falsr(screen=size_screen(200_000)), 16)


def test_a_child_depends_on_its_number_and_on_nothing_that_was_asked_before() -> None:
    lineage, twin = (grown(falsr(), 16) for _ in range(2))
    for number in (40, 16, 17):
        lineage.child(number, lineage.taken, NONE)
    assert lineage.child(16, lineage.taken, NONE) == twin.child(16, twin.taken, NONE)
    children = [lineage.child(number, lineage.taken, NONE) for number in range(30)]
    assert len({child.genotype for child in children if child}) > 25


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000))
def test_a_child_is_new_and_passes_and_names_members_that_it_came_from(number: int) -> None:
    lineage = screened()
    child = lineage.child(number, lineage.taken, NONE)
    assert encode(FALSR, child.genotype).tobytes() not in lineage.taken
    assert size(child.genotype) <= 200_000
    assert set(child.parents) <= {member.digest for member in lineage.population.members}
    assert child.operator == "mutation"
    assert (child.arm, child.predicted) == ("", {})


def test_a_child_of_nobody_is_drawn_at_random() -> None:
    child = Lineage(falsr()).child(0, (), NONE)
    assert (child.operator, child.parents) == ("random", ())


def test_where_every_child_is_taken_a_network_is_drawn_at_random() -> None:
    """Of members with the same genes and mutations of one gene, hardly a child is new once all neighbours are taken."""
    space = TableSpace(name="line", genes=(Gene("a", tuple(range(3))), Gene("b", tuple(range(100)))))
    found = EngineSettings(
        space=space,
        objectives=(Objective.of("psnr"),),
        population=4,
        seed=0,
        options=EngineOptions(surrogate=False, mutation_genes=0.01),
    )
    lineage = Lineage(found)
    parent = Plain((0, 0))
    lineage.admit(Proposal(genotype=parent, operator="random"))
    lineage.absorb([lineage.told(parent, (1.0,), 0.0, 0)])
    every = [encode(space, genotype) for genotype in space.enumerate()]
    neighbours = {vector.tobytes() for vector in every if (vector == 0).any()}
    child = lineage.child(1, neighbours, np.empty((0, 2), dtype=np.int64))
    assert child.genotype.values[0] != 0 != child.genotype.values[1]
    assert lineage.child(1, {vector.tobytes() for vector in every}, np.empty((0, 2), dtype=np.int64)) is None


def test_a_first_population_is_handed_out_once_the_initial_genotypes_first() -> None:
    initial = tuple(genotypes(3))
    lineage = Lineage(falsr(initial=initial))
    taken: set[bytes] = set()
    operators = []
    while (proposal := lineage.start(taken)) is not None:
        assert lineage.start(taken) == proposal
        operators.append(proposal.operator)
        taken.add(encode(FALSR, proposal.genotype).tobytes())
    assert operators == ["initial"] * 3 + ["random"] * 5
    assert not lineage.taken


@pytest.mark.parametrize("surrogate", [True, False])
def test_a_table_of_genes_is_searched_by_every_option_that_needs_no_cells(surrogate: bool) -> None:
    options = EngineOptions(
        surrogate=surrogate, surrogate_after=8, surrogate_refit=4, surrogate_children=10, crossover="one-point"
    )
    found = EngineSettings(space=TABLE, objectives=(Objective.of("psnr"),), population=6, seed=0, options=options)
    lineage, arms = Lineage(found), set()
    for _ in range(TABLE.size):
        number = len(lineage.taken)
        proposal = lineage.start(lineage.taken) or lineage.child(number, lineage.taken, lineage.in_flight)
        lineage.admit(proposal)
        value = float(sum(proposal.genotype.values))
        lineage.absorb([lineage.told(proposal.genotype, (value,), 0.0, 0)])
        arms.add(proposal.arm)
    assert len(lineage.taken) == TABLE.size
    assert lineage.child(99, lineage.taken, lineage.in_flight) is None
    assert ("screened" in arms) == surrogate
    assert max(sum(decode(TABLE, member.vector).values) for member in lineage.population.members) == 8


# -- the control arm -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_control_arm_has_its_share_while_the_surrogate_speaks(share: float) -> None:
    lineage = grown(falsr(surrogate=True, control_share=share, surrogate_after=16, surrogate_min_tau=-1.0), 16)
    children = [lineage.child(number, lineage.taken, NONE) for number in range(80)]
    counts = Counter(child.arm for child in children)
    assert set(counts) <= {"screened", "control"}
    assert counts["control"] / 80 == pytest.approx(share, abs=0.0 if share in (0.0, 1.0) else 0.13)
    assert all(set(child.predicted) == {"psnr"} for child in children)


def test_arms_are_empty_while_the_surrogate_is_silent() -> None:
    lineage = grown(falsr(surrogate=True, surrogate_after=16), 15)
    child = lineage.child(15, lineage.taken, NONE)
    assert (child.arm, child.predicted) == ("", {})
    ask_and_tell(lineage)
    assert lineage.child(16, lineage.taken, NONE).arm in ("screened", "control")


# -- rewards -------------------------------------------------------------------------------------------------------


def member(digest: str, *losses: float) -> Member:
    return Member(digest=digest, vector=np.zeros(1, dtype=np.int64), losses=np.array(losses, dtype=np.float64))


def test_rewards_go_from_the_best_class_to_those_outside() -> None:
    population = survivors([member("a", 0, 1), member("b", 1, 0), member("c", 2, 2), member("d", 3, 3)], 4)
    found = [reward(outcome(digest), population) for digest in "abcdx"]
    assert found == [1.0, 1.0, pytest.approx(1 / 3), pytest.approx(-1 / 3), -1.0]
    assert reward(outcome("a"), survivors([], 4)) == -1.0
    assert reward(outcome("a"), survivors([member("a", 0, 1)], 4)) == 1.0


def test_a_failure_at_a_higher_rung_earns_nothing_for_its_place_below() -> None:
    population = survivors([member("a", 0, 1)], 4)
    assert reward(outcome("a", rung=1), population) == -1.0
    assert reward(outcome("a", losses=None), population) == -1.0


def outcome(digest: str, *, rung: int = 0, losses: tuple[float, ...] | None = (0.0, 0.0)) -> Told:
    values = None if losses is None else np.array(losses)
    return Told(digest=digest, vector=np.zeros(1, np.int64), parent=None, predicted={}, rung=rung, losses=values)
