"""The table's networks are the same wherever they are drawn."""

import math

import numpy as np
import pytest

from benchmarks.waves import FIRST, LARGEST, SMALLEST, WAVE, Scored, bred_wave, first_wave, size


@pytest.fixture(scope="module")
def scored():
    """The first wave with scores that grow with size, noisily."""
    rng = np.random.default_rng(0)
    return [Scored(genotype, 28 + math.log(size(genotype)) / 10 + 0.1 * rng.random()) for genotype in first_wave()]


def test_the_first_wave_never_changes():
    first = first_wave()
    assert len(set(first)) == FIRST
    assert [genotype.digest[:8] for genotype in first[:3]] == ["fc11e4c7", "7a3930a0", "5ae56eed"]


def test_the_first_wave_is_spread_over_sizes():
    first = first_wave()
    places = sorted((math.log(size(g)) - math.log(SMALLEST)) / math.log(LARGEST / SMALLEST) for g in first)
    even = np.linspace(0, 1, FIRST)
    assert np.abs(np.array(places) - even).max() < 0.05


def test_a_bred_wave_is_new_and_within_bounds(scored):
    children = bred_wave(0, scored)
    assert len(set(children)) == WAVE
    assert not set(children) & {one.genotype for one in scored}
    assert all(size(child) <= LARGEST for child in children)


def test_a_bred_wave_follows_from_its_number_and_the_scores(scored):
    assert bred_wave(1, scored) == bred_wave(1, scored)
    assert bred_wave(1, scored) != bred_wave(2, scored)
    assert bred_wave(1, scored) != bred_wave(1, [Scored(one.genotype, -one.psnr_db) for one in scored])
