"""On a device whose operators take known times the table, the calibration and the held-out figures are exact."""

import numpy as np
import pytest

from evaluator.latency.choosing import choose
from evaluator.latency.operators import REST, Operator, Run, runs
from evaluator.latency.plan import Plan
from evaluator.latency.profile import DeviceProfile
from evaluator.latency.profiling import Effort, Task, kendall_tau, make_profile
from evaluator.latency.runtime import Weights
from evaluator.latency.table import Sample
from evaluator.latency_target import LatencyTarget
from evaluator.recipe import RECIPES, Recipe
from nas import ranking
from search_space.errors import InvalidInput
from search_space.space import SearchSpace
from search_space.spaces import get_space

TARGET = LatencyTarget(lr_width=32, lr_height=24)
EFFORT = Effort(traced=6, calibration=4, held_out=8)


class KnownDevice:
    """A device on which every run of an operator takes a line in its channels, and a network a line in their sum."""

    device, version, threads = "cpu (1 thread, imagined)", "imagined 1.0", 1

    def __init__(self, block: int, *, gain: float = 1.0, offset_ms: float = 0.0) -> None:
        self.block, self._gain, self._offset_ms = block, gain, offset_ms
        self.timed: list[Plan] = []

    def ms(self, run: Run) -> float:
        digest = sum(map(ord, str(run.operator)))
        return 1 + digest % 7 + (digest % 11) * 0.01 * run.channels

    def time(self, plan: Plan, weights: Weights, target: LatencyTarget) -> float:
        assert target == TARGET
        self.timed.append(plan)
        return self._offset_ms + self._gain * sum(map(self.ms, runs(plan, self.block)))

    def trace(self, plan: Plan, weights: Weights, target: LatencyTarget) -> list[Sample]:
        assert target == TARGET
        self.timed.append(plan)
        return [Sample(run, self.ms(run)) for run in runs(plan, self.block)]


def profile(device: KnownDevice, space: str = "falsr", effort: Effort = EFFORT, **task):  # type: ignore[no-untyped-def]
    return make_profile(
        device,
        Task(space=get_space(space), target=TARGET, **task),
        name="known",
        created="2026-01-01T00:00:00+00:00",
        draw=lambda plan, rng: {},
        rng=np.random.default_rng(7),
        effort=effort,
    )


@pytest.mark.parametrize("block", [0, 16])
def test_known_times_are_recovered_exactly(block: int) -> None:
    device = KnownDevice(block, gain=1.25, offset_ms=3.0)
    found, held_out = profile(device)
    assert found.calibration.gain == pytest.approx(1.25)
    assert found.calibration.offset_ms == pytest.approx(3.0)
    assert [item.predicted_ms for item in held_out] == pytest.approx([item.measured_ms for item in held_out])
    assert found.held_out is not None
    assert (found.held_out.networks, found.held_out.tau) == (8, 1.0)
    assert found.held_out.worst_error < 1e-9


@pytest.mark.parametrize(("scale", "channels"), [(2, 3), (3, 1), (4, 3)])
def test_every_task_can_be_profiled(scale: int, channels: int) -> None:
    device = KnownDevice(16)
    found, _ = profile(device, "tiny", scale=scale, channels=channels)
    genotype = get_space("tiny").sample(np.random.default_rng(99))
    for recipe in (Recipe(), RECIPES["paper"]):
        plan = Task(space=get_space("tiny"), target=TARGET, scale=scale, channels=channels, recipe=recipe).plan(
            genotype
        )
        predicted = found.predict(genotype, scale=scale, channels=channels, recipe=recipe)
        assert predicted == pytest.approx(device.time(plan, {}, TARGET))


def test_no_network_serves_two_purposes() -> None:
    device = KnownDevice(0)
    profile(device)
    assert len(device.timed) >= 18
    assert len(set(device.timed)) == len(device.timed)


def test_a_space_with_few_genotypes_holds_out_what_there_is() -> None:
    few = SearchSpace(
        name="few",
        features=8,
        n_cells=1,
        operators=("conv",),
        channels=(8, 16),
        kernels=(1, 3),
        repeats=(1,),
        residuals=(False,),
    )
    device = KnownDevice(0)
    task = Task(space=few, target=TARGET)
    rng, effort = np.random.default_rng(0), Effort(traced=2, calibration=1, held_out=40)
    found, held_out = make_profile(
        device, task, name="few", created="now", draw=lambda plan, rng: {}, rng=rng, effort=effort
    )
    assert len(held_out) <= few.distinct_size - 3
    assert found.held_out is not None


def test_progress_rises_from_nothing() -> None:
    seen: list[tuple[str, float]] = []
    make_profile(
        KnownDevice(0),
        Task(space=get_space("tiny"), target=TARGET),
        name="known",
        created="now",
        draw=lambda plan, rng: {},
        rng=np.random.default_rng(0),
        effort=Effort(traced=2, calibration=1, held_out=0),
        on_progress=lambda text, share: seen.append((text, share)),
    )
    shares = [share for _, share in seen]
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert shares[-1] < 1.0
    assert {text for text, _ in seen} == {"operators", "networks"}


@pytest.mark.parametrize("block", [0, 16])
def test_the_chosen_networks_meet_every_operator_of_the_cells(block: int) -> None:
    space = get_space("falsr")
    task = Task(space=space, target=TARGET)
    chosen = choose(space, task.plan, block, 12, np.random.default_rng(1))
    met = {run.operator for genotype in chosen for run in runs(task.plan(genotype), block)}
    others = [space.sample(np.random.default_rng(seed)) for seed in range(60)]
    needed = {run.operator for genotype in others for run in runs(task.plan(genotype), block)}
    assert needed - met <= {Operator(kind="concatenate"), Operator(kind="concatenate", blocked=True)}


def test_a_profile_is_for_one_task() -> None:
    found, _ = profile(KnownDevice(0), "tiny")
    genotype = get_space("tiny").sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput, match=r"scale: 3 is not allowed.*channels: 3"):
        found.predict(genotype, scale=3, channels=3, recipe=Recipe())


def test_a_network_of_another_space_names_the_operator_that_is_missing() -> None:
    found, _ = profile(KnownDevice(0), "tiny")
    genotype = get_space("falsr").sample(np.random.default_rng(0))
    with pytest.raises(InvalidInput, match="convolution"):
        found.predict(genotype, scale=2, channels=1, recipe=Recipe())


def test_tau_is_that_of_the_ranking_module() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 6, size=(2, 9)).astype(float)
        assert kendall_tau(first, second) == pytest.approx(ranking.kendall_tau(first, second))
    assert kendall_tau(np.ones(4), np.arange(4.0)) is None
    assert kendall_tau(np.ones(1), np.ones(1)) is None


def test_the_rest_of_a_network_is_priced_once() -> None:
    found, _ = profile(KnownDevice(16), "tiny")
    assert isinstance(found, DeviceProfile)
    assert found.table.prices[REST.operator].channel_ms == 0.0
