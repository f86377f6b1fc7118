"""Many genotypes at once are predicted as each alone."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from evaluator.latency.batch import BatchLatency
from evaluator.latency.operators import Operator, runs
from evaluator.latency.plan import plan_network
from evaluator.latency.profile import Calibration, DeviceProfile
from evaluator.latency.table import OperatorTable, Price
from evaluator.latency_target import LatencyTarget
from evaluator.recipe import RECIPES, Recipe
from search_space.encoding import decode, upper_bounds
from search_space.errors import InvalidInput
from search_space.space import SearchSpace
from search_space.spaces import SPACES

N = 60


def vectors_of(space: SearchSpace, n: int = N) -> np.ndarray:
    return np.random.default_rng(5).integers(0, upper_bounds(space) + 1, size=(n, len(space.genes)))


@cache
def profile_of(space: SearchSpace, block: int, *, scale: int = 2, channels: int = 1) -> DeviceProfile:
    """A device on which every operator has a price of its own."""
    rng = np.random.default_rng(3)
    prices: dict[Operator, Price] = {}
    for vector, recipe in product(vectors_of(space, 300), (Recipe(), RECIPES["paper"])):
        plan = plan_network(decode(space, vector), recipe, scale=scale, channels=channels)
        for run in runs(plan, block):
            if run.operator not in prices:
                prices[run.operator] = Price(fixed_ms=rng.random(), channel_ms=rng.random(), samples=1)
    return DeviceProfile(
        name="device",
        device="cpu",
        runtime="none",
        threads=1,
        target=LatencyTarget(),
        scale=scale,
        channels=channels,
        space=space.name,
        block=block,
        table=OperatorTable(prices),
        calibration=Calibration(gain=1.1, offset_ms=3.0, networks=9),
        held_out=None,
        created="2026-01-01T00:00:00Z",
    )


@pytest.mark.parametrize("space", SPACES.values(), ids=lambda space: space.name)
@pytest.mark.parametrize("block", [0, 8, 16])
@pytest.mark.parametrize("recipe", [Recipe(), RECIPES["paper"]], ids=lambda recipe: recipe.name)
def test_a_batch_is_predicted_as_each_of_its_genotypes_alone(space: SearchSpace, block: int, recipe: Recipe) -> None:
    profile, vectors = profile_of(space, block), vectors_of(space)
    batch = BatchLatency(profile, space, scale=2, channels=1, recipe=recipe)(vectors)
    alone = [profile.predict(decode(space, vector), scale=2, channels=1, recipe=recipe) for vector in vectors]
    np.testing.assert_allclose(batch, alone, rtol=1e-12)


def test_a_batch_is_for_the_task_of_its_profile() -> None:
    space = SPACES["tiny"]
    with pytest.raises(InvalidInput, match=r"scale: 4 .*channels: 3 "):
        BatchLatency(profile_of(space, 0), space, scale=4, channels=3, recipe=Recipe())


def test_an_operator_without_a_price_is_refused_only_where_it_is_met() -> None:
    space = SPACES["tiny"]
    whole = profile_of(space, 0)
    prices = {key: price for key, price in whole.table.prices.items() if key.kind != "concatenate"}
    predict = BatchLatency(replace(whole, table=OperatorTable(prices)), space, scale=2, channels=1, recipe=Recipe())
    plain = np.zeros((1, len(space.genes)), dtype=np.int64)
    skipping = np.minimum(1, upper_bounds(space))[None, :]
    assert predict(plain).shape == (1,)
    with pytest.raises(InvalidInput, match="operator"):
        predict(skipping)


def test_a_batch_of_none_is_predicted_too() -> None:
    space = SPACES["tiny"]
    predict = BatchLatency(profile_of(space, 0), space, scale=2, channels=1, recipe=Recipe())
    assert predict(np.zeros((0, len(space.genes)), dtype=np.int64)).shape == (0,)
