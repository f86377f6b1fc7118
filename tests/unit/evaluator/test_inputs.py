"""The numbers that the host gives to a step."""

import pytest
import torch

from evaluator.data.patches import ResidentImages
from evaluator.inputs import RING, StepInputs
from evaluator.testing import tiny_data


def test_a_step_gets_the_patches_that_the_generator_stands_for() -> None:
    images = ResidentImages(tiny_data().train, "cpu")
    drawn, sampled = (torch.Generator().manual_seed(5) for _ in range(2))
    inputs = StepInputs(3, images.device)
    for _ in range(3):
        inputs.fill(drawn, 0.5)
        for ours, theirs in zip(images.cut(inputs.uniform, 8), images.sample(sampled, 3, 8), strict=True):
            assert torch.equal(ours, theirs)
    assert torch.equal(drawn.get_state(), sampled.get_state())


def test_the_numbers_of_all_steps_lie_in_the_same_place() -> None:
    inputs, generator = StepInputs(2, torch.device("cpu")), torch.Generator()
    uniform, rate = inputs.uniform, inputs.learning_rate
    inputs.fill(generator, 1e-3)
    first = uniform.clone()
    inputs.fill(generator, 2e-3)
    assert rate.item() == 2e-3
    assert not torch.equal(uniform, first)
    assert ((uniform >= 0) & (uniform < 1)).all()


class Event:
    """Stands for a CUDA event."""

    def __init__(self, calls: list[str], slot: int) -> None:
        self._calls, self._slot = calls, slot

    def synchronize(self) -> None:
        self._calls.append(f"wait {self._slot}")

    def record(self) -> None:
        self._calls.append(f"record {self._slot}")


def test_a_vector_of_the_ring_is_written_again_only_when_its_copy_was_made() -> None:
    calls: list[str] = []
    ringed, plain = StepInputs(2, torch.device("cpu")), StepInputs(2, torch.device("cpu"))
    ringed._ring = [torch.zeros(9, dtype=torch.float64) for _ in range(RING)]
    ringed._copied = [Event(calls, slot) for slot in range(RING)]
    ours, theirs = (torch.Generator().manual_seed(1) for _ in range(2))
    for step in range(RING + 1):
        ringed.fill(ours, step / 10)
        plain.fill(theirs, step / 10)
        assert torch.equal(ringed.uniform, plain.uniform)
        assert ringed.learning_rate == plain.learning_rate
    assert calls[:4] == ["wait 0", "record 0", "wait 1", "record 1"]
    assert calls[-2:] == ["wait 0", "record 0"]


@pytest.mark.gpu
def test_a_gpu_gets_the_numbers_of_every_step_without_a_wait_in_between() -> None:
    device = torch.device("cuda")
    ours, theirs = (torch.Generator().manual_seed(1) for _ in range(2))
    inputs, plain = StepInputs(2, device), StepInputs(2, torch.device("cpu"))
    seen, expected = [], []
    for step in range(3 * RING):
        inputs.fill(ours, step / 10)
        plain.fill(theirs, step / 10)
        seen.append(inputs.uniform.clone())
        expected.append(plain.uniform.clone())
    assert torch.equal(torch.stack(seen).cpu(), torch.stack(expected))
