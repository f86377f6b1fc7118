"""The policy mutates within one cell and the skips, learns what pays, stays curious, and repeats with its seed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.policy import BATCH, Policy
from search_space.encoding import decode, upper_bounds
from search_space.space import SearchSpace
from search_space.spaces import FALSR, TINY

ONE_CELL = SearchSpace(
    name="one-cell",
    features=8,
    n_cells=3,
    operators=("conv",),
    channels=(8,),
    kernels=(3,),
    repeats=(1,),
    residuals=(False,),
)
SPACES = st.sampled_from([FALSR, TINY, ONE_CELL])
SEEDS = st.integers(0, 2**32 - 1)


def policy_of(space, *, seed=0, rate=0.01, entropy=0.01):
    return Policy(space, seed=seed, rate=rate, entropy=entropy)


def random_vector(space, rng):
    return rng.integers(0, upper_bounds(space), endpoint=True)


def cells_of(space, genes):
    return {gene // len(space.cell_choices) for gene in genes if gene < len(space.genes) - len(space.possible_skips)}


@settings(deadline=None)
@given(SPACES, SEEDS, st.sampled_from([0.01, 1, 4, 100]))
def test_a_proposal_changes_one_cell_and_skips_and_nothing_else(space, seed, genes):
    rng = np.random.default_rng(seed)
    policy = policy_of(space, seed=seed)
    for _ in range(BATCH):
        policy.learn(random_vector(space, rng), random_vector(space, rng), float(rng.uniform(-1, 1)))
    parent = random_vector(space, rng)
    before = parent.copy()
    child = policy.propose(parent, rng, genes=genes)
    changed = np.flatnonzero(child != parent)
    assert (parent == before).all()
    assert changed.size >= 1
    assert len(cells_of(space, changed)) <= 1
    assert space.contains(decode(space, child))


def test_about_as_many_genes_as_asked_for_are_drawn():
    rng, policy = np.random.default_rng(0), policy_of(FALSR)
    parents = [random_vector(FALSR, rng) for _ in range(400)]
    changes = np.array([policy.propose(parent, rng, genes=6) != parent for parent in parents])
    assert changes.any(axis=0).all()
    # Three drawn in the cell, of which 0.65 differ from before, and three skips, of which 0.5 do.
    assert changes.sum(axis=1).mean() == pytest.approx(3 * 0.65 + 3 * 0.5, rel=0.1)


def rewarded(hits, history):
    """The rank of a score among those before it, from -1 to 1."""
    history.append(hits)
    return 2 * float(np.mean(np.array(history) <= hits)) - 1


def gain(policy, target, rng, n=150):
    """By how many genes a proposal comes closer to the target than its random parent, on average."""
    parents = [random_vector(FALSR, rng) for _ in range(n)]
    children = [policy.propose(parent, rng, genes=4) for parent in parents]
    return np.mean(
        [(child == target).sum() - (parent == target).sum() for parent, child in zip(parents, children, strict=True)]
    )


@pytest.mark.parametrize("bred_by", ["policy", "others"])
def test_proposals_come_closer_to_what_is_rewarded(bred_by):
    """Random mutations lose as many hits as they win; after 400 candidates, at least one in two draws wins one."""
    rng, history = np.random.default_rng(0), []
    target, policy = random_vector(FALSR, rng), policy_of(FALSR)
    assert abs(gain(policy, target, rng)) < 0.35
    for _ in range(400):
        parent = random_vector(FALSR, rng)
        child = policy.propose(parent, rng, genes=4) if bred_by == "policy" else parent
        policy.learn(child, parent if bred_by == "policy" else None, rewarded((child == target).sum(), history))
    assert gain(policy, target, rng) > 0.9


def test_what_was_learned_from_others_lasts():
    """Candidates that the policy would never draw are no reason to forget."""
    rng, history = np.random.default_rng(2), []
    target, policy = random_vector(FALSR, rng), policy_of(FALSR)
    gains = []
    for _ in range(3):
        for _ in range(800):
            vector = random_vector(FALSR, rng)
            policy.learn(vector, None, rewarded((vector == target).sum(), history[-200:]))
            history.append((vector == target).sum())
        gains.append(gain(policy, target, rng))
    assert min(gains) > 1.2


def spread(entropy):
    """The share of the largest possible entropy that skips keep, after rewards for none of them."""
    rng = np.random.default_rng(0)
    policy = policy_of(ONE_CELL, rate=0.05, entropy=entropy)
    for _ in range(100 * BATCH):
        vector = random_vector(ONE_CELL, rng)
        policy.learn(vector, None, 1 - 2 * float(vector.mean()))
    full = np.ones(len(ONE_CELL.genes), dtype=np.int64) * (upper_bounds(ONE_CELL) > 0)
    p = np.mean([policy.propose(full, rng, genes=1000) for _ in range(300)], axis=0)[-len(ONE_CELL.possible_skips) :]
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(np.mean(-(p * np.log(p) + (1 - p) * np.log(1 - p))) / math.log(2))


def test_entropy_keeps_the_chances_apart_from_zero_and_one():
    greedy, curious, random = spread(0.0), spread(0.05), spread(100.0)
    assert greedy < 0.4 < 0.55 < curious < random
    assert random > 0.95


@settings(deadline=None, max_examples=10)
@given(SPACES, SEEDS)
def test_the_same_lessons_give_the_same_proposals_whatever_was_proposed_between(space, seed):
    def lessons():
        rng = np.random.default_rng(seed)
        for i in range(3 * BATCH + 1):
            parent = random_vector(space, rng) if i % 3 else None
            yield random_vector(space, rng), parent, float(rng.uniform(-1, 1))

    quiet, asked = policy_of(space, seed=seed), policy_of(space, seed=seed)
    other = np.random.default_rng(seed + 1)
    for vector, parent, reward in lessons():
        quiet.learn(vector, parent, reward)
        asked.learn(vector, parent, reward)
        asked.propose(vector, other, genes=4)
    parents = [random_vector(space, other) for _ in range(10)]
    proposals = [
        [policy.propose(parent, rng, genes=4) for parent in parents]
        for policy, rng in ((quiet, np.random.default_rng(5)), (asked, np.random.default_rng(5)))
    ]
    np.testing.assert_array_equal(*proposals)


@pytest.mark.parametrize("reward", [1.1, -2.0, math.nan, math.inf])
def test_a_reward_out_of_range_is_refused(reward):
    with pytest.raises(ValueError, match="from -1 to 1"):
        policy_of(TINY).learn(random_vector(TINY, np.random.default_rng(0)), None, reward)
