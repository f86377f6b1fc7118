"""Corners of the engine that once went wrong: one test for each."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from nas.benchmarking.plain import TableSpace
from nas.engine.base import EngineSettings
from nas.engine.brood import Breeder
from nas.engine.building import build_engine
from nas.engine.halving import PROMOTION, Halving
from nas.engine.population import Member, survivors
from nas.engine.random_search import RandomSearch
from nas.engine.starting import start_vectors
from nas.engine.testing import settings_for, size, synthetic_scores
from nas.engine.unseen import Unseen
from nas.objectives import Objective
from nas.options import EngineOptions, InvalidOptions
from nas.states import StateShelf
from search_space.batch import canonical
from search_space.space import Gene
from search_space.spaces import FALSR, TINY


@pytest.mark.parametrize("metrics", [("params",), ("params", "mult_adds")])
def test_objectives_that_are_all_whole_numbers_are_searched(metrics) -> None:
    """Costs reach an engine as the integers that they are (history.tell)."""
    engine = build_engine(settings_for("falsr", objectives=tuple(map(Objective.of, metrics)), surrogate=False))
    for _ in range(20):
        proposal = engine.ask()
        costs = {"params": size(proposal.genotype), "mult_adds": synthetic_scores(proposal.genotype)[1]}
        engine.tell(proposal.genotype, [int(costs[metric]) for metric in metrics], 0.0)


def test_promotions_spread_along_a_front() -> None:
    found = settings_for("falsr", rungs=2, surrogate=False, promote_after=8)
    engine = Halving(RandomSearch(found), found)
    proposals = [engine.ask() for _ in range(40)]
    places = np.random.default_rng(0).permutation(40)
    for proposal, place in zip(proposals, places, strict=True):
        engine.tell(proposal.genotype, (30.0 + place, 1e9 * (place + 1)), 0.0)
    of = {proposal.genotype: int(place) for proposal, place in zip(proposals, places, strict=True)}
    promoted = []
    while (proposal := engine.ask()).operator == PROMOTION:
        promoted.append(of[proposal.genotype])
    assert len(promoted) == 20
    assert np.diff(np.sort(promoted)).max() <= 6


def test_an_engine_is_not_exhausted_while_somebody_may_still_be_promoted() -> None:
    found = settings_for("tiny", rungs=2, surrogate=False)
    engine = Halving(RandomSearch(found), found)
    in_flight = []
    while (proposal := engine.ask()) is not None:
        in_flight.append(proposal)
    was_exhausted = engine.exhausted
    for proposal in in_flight:
        engine.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0)
    assert engine.ask() is not None
    assert not was_exhausted


@pytest.mark.parametrize("mode", ["steady", "generational"])
def test_a_failure_at_a_higher_rung_has_not_survived(mode: str) -> None:
    engine = build_engine(settings_for("falsr", rungs=2, surrogate=False, promote_after=2, mode=mode))
    while not (proposal := engine.ask()).rung:
        engine.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0)
    assert not engine.tell(proposal.genotype, None, 0.0, rung=1)


@pytest.mark.parametrize("limit", [0, 5])
def test_a_lower_limit_holds_from_the_start(tmp_path: Path, limit: int) -> None:
    shelf = StateShelf(tmp_path, 100)
    for name in "abc":
        shelf.keep("s", name, b"1234")
    shelf = StateShelf(tmp_path, limit)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.state")) <= limit
    assert shelf.take("s", "c") == (b"1234" if limit else b"")


def test_nothing_that_is_left_over_is_taken_where_nothing_is_kept(tmp_path: Path) -> None:
    StateShelf(tmp_path, 100).keep("s", "a", b"1234")
    shelf = StateShelf(tmp_path, 0)
    shelf.keep("s", "b", b"5678")
    assert shelf.take("s", "a") == b""


def test_initial_genotypes_that_are_left_out_do_not_swell_the_first_population() -> None:
    initial = (FALSR.sample(np.random.default_rng(0)),) * 20
    found = settings_for("falsr", population=8, initial=initial)
    assert len(start_vectors(found, Unseen(found), np.random.default_rng(0))) == 8


def test_where_nothing_takes_a_training_the_surrogate_is_silent() -> None:
    engine = build_engine(settings_for("falsr", objectives=(Objective.of("params"), Objective.of("mult_adds"))))
    arms = set()
    for _ in range(40):
        proposal = engine.ask()
        arms.add(proposal.arm)
        engine.tell(
            proposal.genotype, (float(size(proposal.genotype)), float(synthetic_scores(proposal.genotype)[1])), 0.0
        )
    assert arms == {""}


def test_of_equals_the_first_survive() -> None:
    points = [(0.0, 3.0), (1.0, 1.9), (1.0, 1.9), (3.0, 0.0)]
    found = [Member(digest=str(i), vector=np.array([i]), losses=np.array(p)) for i, p in enumerate(points)]
    assert [m.digest for m in survivors(found, 3).members] == ["0", "1", "3"]


def test_equal_points_do_not_drive_out_the_other_end_of_a_front() -> None:
    points = [(0.0, 10.0), (0.0, 10.0), (0.0, 10.0), (4.0, 4.0), (10.0, 0.0)]
    found = [Member(digest=str(i), vector=np.array([i]), losses=np.array(p)) for i, p in enumerate(points)]
    assert {found[int(m.digest)].losses[0] for m in survivors(found, 2).members} == {0.0, 10.0}


def test_a_random_mutation_changes_a_gene_where_others_have_one_value_only() -> None:
    space = TableSpace(
        name="t", genes=(Gene("a", (0, 1, 2)), Gene("b", (0, 1, 2)), *(Gene(f"c{i}", (0,)) for i in range(9)))
    )
    options = EngineOptions(crossover_share=0.0)
    found = EngineSettings(space=space, objectives=(Objective.of("psnr"),), population=4, seed=0, options=options)
    parent = np.zeros(11, dtype=np.int64)
    population = survivors([Member(digest="m", vector=parent, losses=np.zeros(1))], 1)
    brood = Breeder(found, None).breed(population, 500, np.random.default_rng(0))
    assert (brood.vectors != parent).any(axis=1).all()


def test_a_space_of_one_network_is_searched_whole() -> None:
    space = TableSpace(name="one", genes=(Gene("a", (0,)), Gene("b", (0,))))
    found = EngineSettings(space=space, objectives=(Objective.of("psnr"),), population=4, seed=0)
    engine = build_engine(found)
    proposal = engine.ask()
    engine.tell(proposal.genotype, (30.0,), 0.0)
    assert engine.ask() is None
    assert engine.exhausted


@pytest.mark.parametrize("name", ["lag", "random_share", "surrogate_after", "control_share"])
@pytest.mark.parametrize("value", [10**400, -(10**400)], ids=["huge", "minus huge"])
def test_numbers_beyond_all_bounds_are_refused_like_others(name: str, value: int) -> None:
    with pytest.raises(InvalidOptions, match=name):
        EngineOptions.from_json({name: value})


@pytest.mark.parametrize("name", ["nsga3", 3])
def test_a_name_that_no_engine_has_is_refused_at_birth_too(name: object) -> None:
    with pytest.raises(InvalidOptions, match=r"engine\.name"):
        EngineOptions(name=name)


def test_random_search_refuses_a_wrong_number_of_values() -> None:
    engine = RandomSearch(settings_for("falsr"))
    with pytest.raises(ValueError, match="3 values for 2 objectives"):
        engine.tell(engine.ask().genotype, (1.0, 2.0, 3.0), 0.0)


@pytest.mark.parametrize(("search", "name"), [("..", "x"), ("s", "../../x"), ("", "x"), ("s/t", "x")])
def test_no_name_leaves_the_folder(tmp_path: Path, search: str, name: str) -> None:
    root = tmp_path / "a" / "states"
    root.mkdir(parents=True)
    with contextlib.suppress(ValueError):
        StateShelf(root, 100).keep(search, name, b"1")
    for path in tmp_path.rglob("*.state"):
        assert path.parent.parent == root


@pytest.mark.parametrize("search", ["..", "", "."])
def test_to_forget_removes_no_more_than_a_search(tmp_path: Path, search: str) -> None:
    root = tmp_path / "states"
    shelf = StateShelf(root, 100)
    shelf.keep("s", "a", b"1")
    (tmp_path / "database").write_text("all searches")
    with pytest.raises(ValueError, match="no name"):
        shelf.forget(search)
    assert (tmp_path / "database").exists()
    assert shelf.take("s", "a") == b"1"


def test_no_vectors_have_no_canonical_form_and_that_is_no_error() -> None:
    assert canonical(TINY, np.empty((0, len(TINY.genes)), dtype=np.int64)).shape == (0, len(TINY.genes))
