"""What is timed computes what the model computes, and every run of it is met in the runtimes' own records."""

import platform
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from evaluator.executor import ExecutorError
from evaluator.latency.measure import draw_weights, latency_ms, open_runtime, weights_of
from evaluator.latency.onnx_events import MOVES, Event, attribute, read_events
from evaluator.latency.onnx_runtime import OnnxRuntime
from evaluator.latency.operators import REST, Operator, Run, move, runs
from evaluator.latency.plan import Plan, plan_network
from evaluator.latency.timing import Repeats
from evaluator.latency.torch_runtime import TorchRuntime
from evaluator.latency_target import LatencyTarget
from evaluator.model import SRModel, build_model
from evaluator.recipe import RECIPES, Recipe
from search_space.genotype import Genotype
from search_space.published import PUBLISHED
from search_space.spaces import get_space

CPU = torch.device("cpu")
TARGET = LatencyTarget(lr_width=32, lr_height=24)
FEW = Repeats(warm_up=0, at_least=2, at_most=2)
MIXED = Genotype.parse("f32|g4-k3-f16-n2-r:0|ib-k3-f32-n2-r:0,1|g2-k3-f64-n1:0,2|conv-k1-f48-n4-r:3|tail:0,1,4")
TOLERANCE = 1e-4


def model_of(genotype: Genotype, recipe: Recipe, scale: int, channels: int) -> SRModel:
    generator = torch.Generator().manual_seed(1)
    model = build_model(genotype, recipe, scale=scale, channels=channels, generator=generator)
    with torch.no_grad():
        for name, weight in model.network.named_parameters():
            if name.endswith("bias"):
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return model.eval()


@pytest.mark.parametrize("runtime", [OnnxRuntime(FEW), TorchRuntime(CPU, FEW)], ids=["onnxruntime", "torch"])
@pytest.mark.parametrize("recipe", [Recipe(), RECIPES["paper"]], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3), (4, 1)])
def test_a_plan_computes_what_the_model_computes(
    runtime: OnnxRuntime | TorchRuntime, recipe: Recipe, scale: int, channels: int
) -> None:
    model = model_of(MIXED, recipe, scale, channels)
    images = np.random.default_rng(0).random((2, channels, 9, 14), dtype=np.float32)
    plan = plan_network(MIXED, recipe, scale=scale, channels=channels)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    found = runtime.run(plan, weights_of(model), images)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_the_published_networks_are_planned_as_they_are_built(name: str) -> None:
    genotype = PUBLISHED[name].genotype
    model = model_of(genotype, Recipe(), 2, 1)
    images = np.random.default_rng(0).random((1, 1, 8, 11), dtype=np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    plan = plan_network(genotype, Recipe(), scale=2, channels=1)
    assert np.abs(OnnxRuntime(FEW).run(plan, weights_of(model), images) - expected).max() < TOLERANCE


def drawn(space: str) -> Iterator[Plan]:
    rng = np.random.default_rng(2)
    for _ in range(6):
        yield plan_network(get_space(space).sample(rng), Recipe(), scale=2, channels=1)


@pytest.mark.parametrize("space", ["falsr", "tiny"])
def test_onnxruntime_runs_what_the_rules_say(space: str) -> None:
    """The premise of the table: an onnxruntime that fuses or changes layouts otherwise must be read anew."""
    runtime = OnnxRuntime(FEW, traced=1)
    for plan in drawn(space):
        events = runtime.events(plan, draw_weights(plan, np.random.default_rng(0)), TARGET)
        expected = runs(plan, runtime.block)
        assert {event.step for event in events if event.step} == {run.step for run in expected if run.step}
        assert {event.step for event in events if event.blocked} <= {
            run.step for run in expected if run.operator.blocked
        } | {len(plan.steps) - 1}  # where the bicubic upscaling has a convolution of its own
        assert moves_of(events) - moves_of_runs(expected) <= Counter({(False, 16, 24): 1, (False, 8, 24): 1})
        assert not moves_of_runs(expected) - moves_of(events)


def moves_of(events: list[Event]) -> Counter[tuple[bool, int, int]]:
    """(into blocks, channels, height) of each change of layout."""
    moves = [event for event in events if event.operator in MOVES]
    return Counter((MOVES[event.operator], event.shapes[0][1], event.shapes[0][2]) for event in moves)


def moves_of_runs(expected: list[Run]) -> Counter[tuple[bool, int, int]]:
    moves = [run for run in expected if run.operator.kind in ("block", "unblock")]
    return Counter((run.operator.blocked, run.channels, 48 if run.operator.upscaled else 24) for run in moves)


def test_torch_traces_every_step() -> None:
    plan = next(drawn("falsr"))
    ticks = iter(range(10_000))
    samples = TorchRuntime(CPU, FEW, traced=2, clock=lambda: float(next(ticks))).trace(
        plan, draw_weights(plan, np.random.default_rng(0)), TARGET
    )
    assert [sample.run for sample in samples] == runs(plan, 0)
    assert {sample.ms for sample in samples[:-1]} == {1000.0}
    assert samples[-1].ms == 0.0


@pytest.mark.gpu
def test_a_gpu_computes_and_times_the_model_too() -> None:
    model = model_of(MIXED, Recipe(), 2, 1)
    images = np.random.default_rng(0).random((1, 1, 24, 32), dtype=np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(images)).numpy()
    runtime = TorchRuntime(torch.device("cuda"), FEW)
    plan = plan_network(MIXED, Recipe(), scale=2, channels=1)
    assert np.abs(runtime.run(plan, weights_of(model), images) - expected).max() < 1e-2  # TF32
    assert latency_ms(model, TARGET, "cuda", repeats=FEW) > 0
    assert all(sample.ms >= 0 for sample in runtime.trace(plan, weights_of(model), TARGET))


def test_latency_is_the_median_on_the_given_clock() -> None:
    started, *runs_of_it = 0.0, (0.0, 5.0), (5.0, 5.2), (5.2, 5.6)
    clock = iter([started, *(moment for run in runs_of_it for moment in run)]).__next__
    repeats = Repeats(warm_up=1, at_least=2, at_most=2)
    found = latency_ms(model_of(MIXED, Recipe(), 2, 1), TARGET, repeats=repeats, clock=clock)
    assert found == pytest.approx(300.0)


def test_a_model_is_left_as_it_was() -> None:
    model = model_of(MIXED, Recipe(), 2, 1)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    assert latency_ms(model, TARGET, repeats=FEW) > 0
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_a_missing_runtime_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ExecutorError, match=f"{missing} is not installed") as caught:
        open_runtime("cpu")
    assert "install onnx and onnxruntime" in caught.value.hint
    assert not caught.value.retryable


def test_a_device_is_named_by_its_processor() -> None:
    runtime = open_runtime("cpu")
    assert runtime.device.endswith(f"(1 thread, {platform.machine()})")
    assert (runtime.threads, runtime.version.split()[0]) == (1, "onnxruntime")


def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ExecutorError, match="no CUDA device"):
        open_runtime("cuda")


def row(name: str, operator: str, dur: int, *shapes: list[int]) -> dict[str, object]:
    arguments = {"op_name": operator, "input_type_shape": [{"float": shape} for shape in shapes]}
    return {"cat": "Node", "name": f"{name}_kernel_time", "dur": dur, "args": arguments}


def test_events_are_medians_of_the_runs_that_count() -> None:
    shape = [1, 32, 24, 32]
    rows = [row("2.value_nchwc", "Conv", dur, shape, [48, 32, 1, 1]) for dur in (9000, 1000, 2000, 6000)]
    (event,) = read_events([{"cat": "Session", "name": "model_run"}, *rows], skipped=1)
    assert event == Event("Conv", 2, True, ((1, 32, 24, 32), (48, 32, 1, 1)), 2.0)


def test_what_belongs_to_no_run_belongs_to_the_rest() -> None:
    step, unblock = Run(Operator(kind="add"), 16, 1), Run(move(to_blocked=False), 16)
    events = [
        Event("Add", 1, False, ((1, 16, 24, 32),), 3.0),
        Event("ReorderOutput", 0, False, ((1, 16, 24, 32),), 0.5),
        Event("ReorderOutput", 0, False, ((1, 16, 24, 32),), 2.0),
        Event("ReorderOutput", 0, False, ((1, 16, 48, 64),), 0.25),
        Event("Reshape", 0, False, ((1, 16, 24, 32),), 0.125),
        Event("Conv", 7, False, ((1, 16, 24, 32),), 1.0),
    ]
    samples = {sample.run: sample.ms for sample in attribute(events, [step, unblock, REST], TARGET)}
    assert samples == {step: 3.0, unblock: 2.0, REST: 0.5 + 0.25 + 0.125 + 1.0}


def test_the_graph_has_free_sizes() -> None:
    plan = plan_network(MIXED, Recipe(), scale=2, channels=1)
    weights = draw_weights(plan, np.random.default_rng(0))
    runtime = OnnxRuntime(FEW)
    for shape in ((1, 1, 8, 8), (3, 1, 9, 21)):
        images = np.zeros(shape, dtype=np.float32)
        assert runtime.run(plan, weights, images).shape == (shape[0], 1, 2 * shape[2], 2 * shape[3])
