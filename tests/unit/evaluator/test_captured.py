"""A step's work recorded and replayed: the order of things, and that a training is the same with it."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from evaluator.captured import WARM_UP, Capture, side_stream
from evaluator.data import patches
from evaluator.data.patches import ResidentImages
from evaluator.evaluate import place
from evaluator.model import build_model
from evaluator.precision import Computed
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data
from evaluator.trainer import Run, Trainer, Work, as_it_is

RECIPE = Recipe(steps=20, batch=2, patch=8)


def trainer(run: Run, *, device: str = "cpu", precision: Computed = "float32", recipe: Recipe = RECIPE) -> Trainer:
    generator = torch.Generator().manual_seed(3)
    model = build_model(TINY_GENOTYPE, recipe, scale=2, channels=1, generator=generator)
    place(model, torch.device(device))
    images = ResidentImages(tiny_data().train, device)
    return Trainer(model, images, recipe, generator, precision=precision, run=run)


def states(run: Run, **options: Any) -> dict[str, Tensor]:
    """Where a training stands after all its steps, its losses included."""
    training = trainer(run, **options)
    with side_stream(torch.device(options.get("device", "cpu"))):
        losses = [training.step() for _ in range(RECIPE.steps)]
    return training.snapshot(torch.stack(losses).cpu()).tensors()


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first.keys() | second.keys())


def test_work_is_done_as_it_is_until_it_is_recorded_and_replayed_from_then_on() -> None:
    events: list[str] = []

    def work() -> Tensor:
        events.append("work")
        return torch.zeros(())

    def replay() -> Tensor:
        events.append("replay")
        return torch.zeros(())

    def record(_: Work) -> Work:
        events.append("record")
        return replay

    capture = Capture(record)
    for _ in range(WARM_UP + 2):
        capture(work)
    assert events == ["work"] * WARM_UP + ["record", "replay", "replay"]


def test_work_that_cannot_be_recorded_goes_on_as_it_is_with_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_: Work) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing")

    assert equal(states(Capture(refuse)), states(as_it_is))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "not permitted" in caplog.text


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_warm_up_and_recording_change_nothing(precision: Computed) -> None:
    assert equal(states(Capture(lambda work: work), precision=precision), states(as_it_is, precision=precision))


class Operations(TorchDispatchMode):
    """Writes down which operations run, on which tensors, with which numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.ran.append(f"{func} {_shown(args)} {_shown(kwargs or {})}")
        return func(*args, **(kwargs or {}))


def _shown(value: object) -> str:
    """Tensors by shape, everything else by value."""
    if isinstance(value, Tensor):
        return f"{value.dtype}{tuple(value.shape)}"
    if isinstance(value, dict):
        return str({name: _shown(part) for name, part in value.items()})
    if isinstance(value, list | tuple):
        return str([_shown(part) for part in value])
    return str(value)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_work_of_every_step_is_the_same_and_waits_for_no_result(
    precision: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a GPU does; on a CPU patches are copied by numpy.
    monkeypatch.setattr(patches._Grid, "_windows", patches._Grid._gathered)
    listed: list[list[str]] = []

    def list_operations(work: Work) -> Tensor:
        with Operations() as operations:
            loss = work()
        listed.append(operations.ran)
        return loss

    training = trainer(list_operations, precision=precision)
    for _ in range(WARM_UP + 2):
        training.step()
    assert listed[-1] == listed[-2] == listed[1]
    assert not [operation for operation in listed[-1] if "_local_scalar_dense" in operation or "nonzero" in operation]


def test_a_cpu_has_no_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a stream of a GPU")

    monkeypatch.setattr(torch.cuda, "current_stream", refuse)
    with side_stream(torch.device("cpu")):
        pass


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_recorded_training_is_the_plain_one_within_tolerance(precision: Computed) -> None:
    """The tolerance is that of docs/reference/determinism.md: what two plain trainings may differ by as well."""
    recorded = states(Capture(), device="cuda", precision=precision)
    plain = states(as_it_is, device="cuda", precision=precision)
    assert torch.equal(recorded["generator"], plain["generator"])
    torch.testing.assert_close(recorded["losses"], plain["losses"], rtol=0.01, atol=0)
    for name, weight in plain.items():
        if name.startswith("weights/"):
            torch.testing.assert_close(recorded[name], weight, rtol=0, atol=5 * RECIPE.learning_rate)


@pytest.mark.gpu
def test_a_deterministic_training_is_recorded_bit_for_bit() -> None:
    recipe = Recipe(steps=RECIPE.steps, batch=2, patch=8, deterministic=True)
    runs: list[Callable[[], Run]] = [Capture, Capture, lambda: as_it_is]
    first, again, plain = (states(run(), device="cuda", recipe=recipe) for run in runs)
    assert equal(first, again)
    assert equal(first, plain)


@pytest.mark.gpu
def test_no_step_is_lost_to_the_recording(caplog: pytest.LogCaptureFixture) -> None:
    state = states(Capture(), device="cuda")
    assert len(state["losses"]) == RECIPE.steps
    assert state["losses"].isfinite().all()
    assert not caplog.records
