"""Children come from members, cut and mutated as the options say, canonical at the end."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.benchmarking.plain import TableSpace
from nas.engine.base import EngineSettings
from nas.engine.brood import Breeder, Brood
from nas.engine.policy import Policy
from nas.engine.population import Member, Population, survivors
from nas.engine.testing import settings_for
from nas.engine.unseen import Unseen, canonical_vectors
from nas.objectives import Objective
from nas.options import EngineOptions
from search_space.encoding import decode, upper_bounds
from search_space.space import Gene
from search_space.spaces import FALSR, TINY

SEEDS = st.integers(0, 2**32 - 1)
KINDS = ("mutation", "mult_adds", "params", "reinforced")
CROSSOVERS = ["uniform", "one-point"]
TABLE = TableSpace(name="table", genes=tuple(Gene(f"g{i}", tuple(range(2 + i))) for i in range(7)))
SPACES = st.sampled_from([FALSR, TINY, TABLE])


def settings_of(space: Any, **options: Any) -> EngineSettings:
    if space is TABLE:
        return EngineSettings(
            space=TABLE, objectives=(Objective.of("psnr"),), population=8, seed=0, options=EngineOptions(**options)
        )
    return settings_for(space.name, **options)


def breeder_of(found: EngineSettings) -> Breeder:
    with_policy = found.space is not TABLE and found.options.reinforced_share > 0
    return Breeder(found, Policy(found.space, seed=0, rate=0.01, entropy=0.01) if with_policy else None)


def population_of(*vectors: np.ndarray) -> Population:
    """Members of one class, as good as each other."""
    n = len(vectors)
    members = [
        Member(digest=f"m{i}", vector=vector, losses=np.array([float(i), float(n - i)]))
        for i, vector in enumerate(vectors)
    ]
    return survivors(members, n)


def random_population(found: EngineSettings, n: int, seed: int) -> Population:
    return population_of(*Unseen(found).random(n, np.random.default_rng(seed)))


def breed(found: EngineSettings, population: Population, n: int, seed: int = 0) -> Brood:
    return breeder_of(found).breed(population, n, np.random.default_rng(seed))


OPTIONS = st.fixed_dictionaries(
    {
        "crossover": st.sampled_from(CROSSOVERS),
        "crossover_share": st.sampled_from([0.0, 0.5, 1.0]),
        "mutation_genes": st.sampled_from([0.01, 1.0, 3.5, 100.0]),
        "random_share": st.sampled_from([0.5, 1.0]),
        **{f"{kind}_share": st.sampled_from([0.0, 1.0]) for kind in KINDS[1:]},
    }
)


@settings(deadline=None, max_examples=60)
@given(SPACES, OPTIONS, st.integers(1, 6), st.integers(1, 24), SEEDS)
def test_children_are_canonical_within_bounds_and_say_where_they_come_from(space, options, members, n, seed) -> None:
    found = settings_of(space, **options)
    population = random_population(found, members, seed)
    brood = breed(found, population, n, seed)
    assert brood.vectors.shape == (n, len(space.genes))
    assert len(brood.operators) == len(brood.parents) == n
    assert ((brood.vectors >= 0) & (brood.vectors <= upper_bounds(space))).all()
    np.testing.assert_array_equal(brood.vectors, canonical_vectors(space, brood.vectors))
    digests = {member.digest for member in population.members}
    for parents in brood.parents:
        assert set(parents) <= digests
        assert 1 <= len(parents) == len(set(parents)) <= 2
    shares = {kind: options["random_share" if kind == "mutation" else f"{kind}_share"] for kind in KINDS}
    allowed = {"mutation"} if space is TABLE else {kind for kind in KINDS if shares[kind]}
    assert set(brood.operators) <= allowed


@settings(deadline=None, max_examples=20)
@given(SPACES, OPTIONS, SEEDS)
def test_a_brood_repeats_with_its_generator_and_leaves_the_members_alone(space, options, seed) -> None:
    found = settings_of(space, **options)
    population = random_population(found, 5, seed)
    before = [member.vector.copy() for member in population.members]
    first, second = (breed(found, population, 12, seed) for _ in range(2))
    np.testing.assert_array_equal(first.vectors, second.vectors)
    assert (first.operators, first.parents) == (second.operators, second.parents)
    np.testing.assert_array_equal(before, [member.vector for member in population.members])


def test_shares_of_mutations_are_kept() -> None:
    shares = {"random_share": 1.0, "mult_adds_share": 2.0, "params_share": 0.5, "reinforced_share": 0.5}
    found = settings_of(FALSR, **shares)
    counts = Counter(breed(found, random_population(found, 8, 0), 2000).operators)
    for kind, share in zip(KINDS, shares.values(), strict=True):
        assert counts[kind] / 2000 == pytest.approx(share / 4, abs=0.04)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_so_many_children_have_two_parents_as_two_different_winners_are_to_be_had(share: float) -> None:
    found = settings_of(FALSR, crossover_share=share)
    brood = breed(found, random_population(found, 40, 0), 3000)
    two = np.mean([len(parents) == 2 for parents in brood.parents])
    assert share * 0.94 - 0.04 <= two <= share + 0.04


def test_an_only_member_has_children_of_its_own() -> None:
    found = settings_of(FALSR, crossover_share=1.0)
    population = random_population(found, 1, 0)
    brood = breed(found, population, 30)
    assert set(brood.parents) == {("m0",)}
    assert (brood.vectors != population.members[0].vector).any()


# -- crossover -----------------------------------------------------------------------------------------------------


def micro_genes(space: Any) -> int:
    return len(space.genes) // 2 if space is TABLE else len(space.genes) - len(space.possible_skips)


def crossed(space: Any, crossover: str, n: int = 3000) -> np.ndarray:
    """Which genes of children came from their second parent, shape (children, genes); but for one that mutated.

    Of each gene the two parents have different values, and neither has a cell of one repeat, whose residual is dead.
    """
    found = settings_of(space, crossover=crossover, crossover_share=1.0, mutation_genes=0.01, surrogate=False)
    pair = np.repeat([[0], [1]], len(space.genes), axis=1)
    if space is FALSR:
        pair[:, 3:35:5] += 1
    brood = breed(found, population_of(*pair), n)
    rows = [i for i, parents in enumerate(brood.parents) if len(parents) == 2]
    seconds = np.array([pair[int(brood.parents[i][1].removeprefix("m"))] for i in rows])
    return brood.vectors[rows] == seconds


def from_a_cut(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The place of the cut that explains each row best, and in how many genes the row is otherwise."""
    width = part.shape[1]
    cuts = np.arange(width)[None] >= np.arange(width + 1)[:, None]
    otherwise = (part[:, None] != cuts[None]).sum(axis=2)
    return otherwise.argmin(axis=1), otherwise.min(axis=1)


@pytest.mark.parametrize("space", [FALSR, TABLE])
def test_a_one_point_crossover_cuts_the_micro_and_the_macro_genes_once_each(space) -> None:
    children, micro = crossed(space, "one-point"), micro_genes(space)
    parts = [from_a_cut(part) for part in (children[:, :micro], children[:, micro:])]
    otherwise = sum(rest for _, rest in parts)
    assert otherwise.max() <= 2  # the mutated gene, and a residual over the one repeat that it made
    for cut, rest in parts:
        assert set(cut[rest == 0].tolist()) == set(range(cut.max() + 1))
    assert [cut.max() for cut, _ in parts] == [micro, len(space.genes) - micro]
    assert abs(np.corrcoef(parts[0][0], parts[1][0])[0, 1]) < 0.1


@pytest.mark.parametrize("space", [FALSR, TABLE])
def test_a_uniform_crossover_tosses_a_fair_coin_for_each_gene(space) -> None:
    children = crossed(space, "uniform")
    np.testing.assert_allclose(children.mean(axis=0), 0.5, atol=0.1)
    np.testing.assert_allclose(np.corrcoef(children.T), np.eye(len(space.genes)), atol=0.15)


# -- mutation ------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(st.sampled_from([FALSR, TABLE]), st.sampled_from([0.01, 1.0, 4.0, 200.0]), SEEDS)
def test_a_random_mutation_gives_genes_other_values(space, genes, seed) -> None:
    found = settings_of(space, crossover_share=0.0, mutation_genes=min(genes, 100.0))
    parent = np.ones(len(space.genes), dtype=np.int64)
    changed = breed(found, population_of(parent), 50, seed).vectors != parent
    if space is TABLE:  # in a space with dead genes a change may be undone
        assert changed.any(axis=1).all()
    if genes == 200.0:
        assert changed.mean() > 0.9


@pytest.mark.parametrize("genes", [2.0, 6.0])
def test_random_mutations_change_every_gene_as_often_and_as_many_as_asked_for(genes: float) -> None:
    space = TableSpace(name="wide", genes=tuple(Gene(f"g{i}", (0, 1, 2, 3)) for i in range(30)))
    found = EngineSettings(
        space=space,
        objectives=(Objective.of("psnr"),),
        population=8,
        seed=0,
        options=EngineOptions(crossover_share=0.0, mutation_genes=genes),
    )
    parent = np.full(30, 2)
    vectors = breed(found, population_of(parent), 4000).vectors
    changed = vectors != parent
    assert changed.sum(axis=1).mean() == pytest.approx(genes, rel=0.1)
    np.testing.assert_allclose(changed.mean(axis=0), genes / 30, atol=0.04)
    values = vectors[changed]
    np.testing.assert_allclose([np.mean(values == value) for value in (0, 1, 3)], 1 / 3, atol=0.03)


@pytest.mark.parametrize("kind", ["mult_adds", "params"])
def test_a_roulette_changes_one_cell_and_no_skip(kind: str) -> None:
    found = settings_of(FALSR, crossover_share=0.0, random_share=0.0, **{f"{kind}_share": 1.0})
    population = random_population(found, 1, 0)
    before = decode(FALSR, population.members[0].vector)
    brood = breed(found, population, 100)
    for vector in brood.vectors:
        after = decode(FALSR, vector)
        assert sum(a != b for a, b in zip(before.cells, after.cells, strict=True)) == 1
        assert after.inputs == before.inputs
    assert set(brood.operators) == {kind}


def test_a_reinforced_mutation_changes_one_cell_at_most_and_some_skips() -> None:
    found = settings_of(FALSR, crossover_share=0.0, random_share=0.0, reinforced_share=1.0)
    population = random_population(found, 1, 0)
    before = decode(FALSR, population.members[0].vector)
    for vector in breed(found, population, 100).vectors:
        after = decode(FALSR, vector)
        assert sum(a != b for a, b in zip(before.cells, after.cells, strict=True)) <= 1


def test_a_table_of_genes_knows_random_mutation_only() -> None:
    found = settings_of(TABLE, random_share=0.0, mult_adds_share=1.0, reinforced_share=1.0)
    brood = breed(found, random_population(found, 4, 0), 40)
    assert set(brood.operators) == {"mutation"}
