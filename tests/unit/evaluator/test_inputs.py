"""The numbers that the host gives to a step."""

import torch

from evaluator.data.patches import ResidentImages
from evaluator.inputs import StepInputs
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
