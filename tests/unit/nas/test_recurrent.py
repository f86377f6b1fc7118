"""The recurrent network's gradient is that of what it says it climbs, and its numbers do not depend on threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.engine.recurrent import CAP, NONE, RecurrentNetwork

BATCH = 3
SEEDS = st.integers(0, 2**32 - 1)
COUNTS = st.lists(st.integers(2, 4), max_size=6).map(np.array).map(lambda counts: counts.astype(np.int64))


def network_of(steps, rest, rng, scale=0.3):
    network = RecurrentNetwork(np.array(steps, dtype=np.int64), np.array(rest, dtype=np.int64), rng)
    network.weights += rng.normal(0.0, scale, network.weights.shape)
    return network


def random_batch(counts, rng, batch=BATCH):
    """Present values, one without any, and chosen values, each of shape (genes, batch)."""
    counts = np.array(counts, dtype=np.int64)[:, None]
    present = rng.integers(0, counts, size=(len(counts), batch))
    present[:, 0] = NONE
    return present, rng.integers(0, counts, size=(len(counts), batch))


def climbed(log_p, counts, chosen, advantages, entropy):
    """The value whose gradient `gradient` is: K p up to a chance of 1 / K, and 1 + log (K p) from there on."""
    ours = np.take_along_axis(log_p, chosen[..., None], axis=-1)[..., 0] + np.log(counts)[:, None]
    truncated = np.where(ours < 0, np.exp(ours), 1 + ours)
    return float((advantages * truncated).sum() - entropy * (np.exp(log_p) * log_p).sum()) / len(advantages)


@pytest.mark.parametrize(("steps", "rest"), [((4, 2, 3, 2), (2, 2)), ((), (2, 3)), ((3, 2), ())])
@pytest.mark.parametrize("entropy", [0.0, 0.3])
def test_the_gradient_is_that_of_finite_differences(steps, rest, entropy):
    rng = np.random.default_rng(0)
    network = network_of(steps, rest, rng)
    present, chosen = random_batch([*steps, *rest], rng)
    advantages = np.array([0.9, -0.7, 0.4])

    def value():
        log_p = network.log_probabilities(present, chosen)
        return climbed(log_p, [*steps, *rest], chosen, advantages, entropy)

    gradient = network.gradient(present, chosen, advantages, entropy)
    places = np.flatnonzero(gradient)
    for place in rng.choice(places, min(200, places.size), replace=False):
        kept, step = network.weights[place], 1e-5
        network.weights[place] = kept + step
        above = value()
        network.weights[place] = kept - step
        below = value()
        network.weights[place] = kept
        assert gradient[place] == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-8)


@settings(deadline=None)
@given(COUNTS, COUNTS, SEEDS)
def test_chances_sum_to_one_over_the_values_that_a_gene_has_and_none_vanishes(steps, rest, seed):
    counts = np.concatenate([steps, rest])
    rng = np.random.default_rng(seed)
    p = np.exp(network_of(steps, rest, rng, scale=20.0).log_probabilities(*random_batch(counts, rng)))
    widest = counts.max(initial=1)
    real = np.broadcast_to(np.arange(widest) < counts[:, None, None], p.shape)
    np.testing.assert_allclose(p.sum(axis=-1), 1.0)
    assert (p[~real] == 0).all()
    assert (p[real] >= np.exp(-2 * CAP) / widest).all()


def test_at_first_every_value_of_a_gene_is_as_likely():
    network = RecurrentNetwork(np.array([4, 2]), np.array([2]), np.random.default_rng(0))
    p = np.exp(network.log_probabilities(*random_batch([4, 2, 2], np.random.default_rng(1))))
    np.testing.assert_allclose(p[:, 0], [[0.25] * 4, [0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]])


@settings(deadline=None)
@given(COUNTS, COUNTS, SEEDS)
def test_a_redraw_keeps_what_is_not_marked_and_its_chances_are_those_of_a_pass(steps, rest, seed):
    counts = np.concatenate([steps, rest])
    rng = np.random.default_rng(seed)
    network = network_of(steps, rest, rng)
    present, _ = random_batch(counts, rng)
    present, marked = present[:, 1], rng.random(counts.size) < 0.5
    chosen, p = network.redraw(present, marked, rng.random(counts.size))
    assert (chosen[~marked] == present[~marked]).all()
    assert ((chosen >= 0) & (chosen < counts)).all()
    expected = network.log_probabilities(present[:, None], chosen[:, None])[:, 0]
    np.testing.assert_allclose(p, np.exp(expected), atol=1e-12)


def test_redraws_come_as_often_as_their_chances_say():
    rng = np.random.default_rng(0)
    network = network_of((4, 3), (2,), rng)
    present, marked = np.array([1, 2, 0]), np.array([True, False, True])
    draws = [network.redraw(present, marked, rng.random(3)) for _ in range(3000)]
    found = np.bincount([chosen[0] for chosen, _ in draws], minlength=4) / len(draws)
    np.testing.assert_allclose(found, draws[0][1][0], atol=0.03)
    found = np.mean([chosen[2] for chosen, _ in draws])
    assert found == pytest.approx(np.mean([p[2, 1] for _, p in draws]), abs=0.03)


DIGEST = """
import hashlib
import numpy as np
from nas.engine.recurrent import RecurrentNetwork
rng = np.random.default_rng(0)
steps, rest = np.full(200, 4), np.full(300, 2)
network = RecurrentNetwork(steps, rest, rng)
counts = np.concatenate([steps, rest])[:, None]
for _ in range(3):
    present, chosen = rng.integers(0, counts, size=(2, 500, 8))
    network.weights += 0.1 * network.gradient(present, chosen, rng.random(8), 0.1)
chosen, p = network.redraw(present[:, 0], rng.random(500) < 0.5, rng.random(500))
print(hashlib.blake2b(network.weights.tobytes() + chosen.tobytes() + p.tobytes()).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit():
    """On a network far larger than any space asks for."""

    def digest(threads):
        environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)}
        return subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert digest("1") == digest("4")
