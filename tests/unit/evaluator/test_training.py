"""Partial training: the loss curve, and every way in which it stops early."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
import torch
from torch import nn

from evaluator.data.patches import ResidentImages
from evaluator.losses import Diverged
from evaluator.model import build_model
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data
from evaluator.training import TimedOut, TrainingTrace, fit


def train(
    recipe: Recipe,
    *,
    seed: int = 0,
    clock: Callable[[], float] = lambda: 0.0,
    deadline_s: float = 1.0,
    probe: torch.Tensor | None = None,
    on_step: Callable[[int], None] | None = None,
) -> tuple[nn.Module, TrainingTrace]:
    generator = torch.Generator().manual_seed(seed)
    model = build_model(TINY_GENOTYPE, recipe, scale=2, channels=1, generator=generator)
    images = ResidentImages(tiny_data().train, "cpu")
    trace = fit(
        model,
        images,
        recipe,
        generator=generator,
        clock=clock,
        deadline_s=deadline_s,
        probe=probe,
        on_step=on_step,
    )
    return model, trace


def flat(model: nn.Module) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_training_lowers_the_loss_and_leaves_evaluation_mode() -> None:
    model, trace = train(Recipe(steps=60, batch=4, patch=16))
    assert trace.loss_curve[-1][1] < 0.8 * trace.loss_curve[0][1]
    assert not model.training


def test_equal_seeds_train_bit_for_bit_alike() -> None:
    recipe = Recipe(steps=15, batch=2, patch=8)
    first, first_trace = train(recipe, seed=4)
    second, second_trace = train(recipe, seed=4)
    other, _ = train(recipe, seed=5)
    assert torch.equal(flat(first), flat(second))
    assert first_trace.loss_curve == second_trace.loss_curve
    assert not torch.equal(flat(first), flat(other))


def test_the_average_is_what_is_left_to_be_scored() -> None:
    averaged, _ = train(Recipe(steps=12, batch=2, patch=8, ema_decay=0.9))
    raw, _ = train(Recipe(steps=12, batch=2, patch=8, ema_decay=0.0))
    assert not torch.equal(flat(averaged), flat(raw))
    torch.testing.assert_close(flat(averaged), flat(raw), rtol=0, atol=0.02)


@pytest.mark.parametrize(("steps", "points"), [(1, 1), (7, 7), (20, 20), (53, 20)])
def test_the_loss_curve_has_at_most_twenty_points_and_ends_with_the_last_step(steps: int, points: int) -> None:
    _, trace = train(Recipe(steps=steps, batch=1, patch=8))
    ends = [step for step, _ in trace.loss_curve]
    assert len(ends) == points
    assert ends == sorted(set(ends))
    assert ends[-1] == steps


def test_every_step_is_told_once_and_in_order() -> None:
    steps: list[int] = []
    train(Recipe(steps=12, batch=1, patch=8), on_step=steps.append)
    assert steps == list(range(1, 13))


def test_training_time_is_read_off_the_clock() -> None:
    ticks = count()
    _, trace = train(Recipe(steps=3, batch=1, patch=8), clock=lambda: float(next(ticks)), deadline_s=100.0)
    assert trace.train_s == 1.0


def test_a_deadline_stops_training_at_the_next_tenth_step() -> None:
    now = [0.0]
    recipe = Recipe(steps=100, batch=1, patch=8)
    with pytest.raises(TimedOut, match="step 20 of 100"):
        train(recipe, clock=lambda: now[0], deadline_s=12.0, on_step=lambda step: now.__setitem__(0, float(step)))


def test_a_training_that_ends_with_its_deadline_is_no_timeout() -> None:
    now = [0.0]
    train(Recipe(steps=10, batch=1, patch=8), clock=lambda: now[0], deadline_s=1.0)
    train(
        Recipe(steps=10, batch=1, patch=8),
        clock=lambda: now[0],
        deadline_s=1.0,
        on_step=lambda step: now.__setitem__(0, 2.0),
    )


PROBE = torch.rand((1, 1, 12, 12), generator=torch.Generator().manual_seed(1))
SETTLING = Recipe(steps=60, batch=1, patch=8, ema_decay=0.9, settle_window=5, settle_tolerance=1e3)


def test_a_training_that_has_settled_ends_at_the_next_tenth_step_with_averaged_weights() -> None:
    steps: list[int] = []
    model, trace = train(SETTLING, probe=PROBE, on_step=steps.append)
    live, _ = train(replace(SETTLING, ema_decay=0.0), probe=PROBE)
    assert steps[-1] == trace.loss_curve[-1][0] == 20  # the rule holds after 2 * 5 + 2 steps
    assert not model.training
    assert not torch.equal(flat(model), flat(live))


def test_watching_a_training_that_does_not_settle_changes_nothing() -> None:
    watched, watched_trace = train(replace(SETTLING, settle_tolerance=1e-9), probe=PROBE)
    plain, plain_trace = train(replace(SETTLING, settle_window=0))
    assert torch.equal(flat(watched), flat(plain))
    assert watched_trace.loss_curve == plain_trace.loss_curve
    assert watched_trace.loss_curve[-1][0] == 60


def test_the_stopping_rule_needs_something_to_watch() -> None:
    with pytest.raises(ValueError, match="probe"):
        train(SETTLING)


def test_an_absurd_learning_rate_diverges() -> None:
    with pytest.raises(Diverged, match="mean loss"):
        train(Recipe(steps=200, batch=1, patch=8, learning_rate=1.0, gradient_clip=0.0, warmup_steps=0))


def test_weights_that_are_not_finite_diverge_at_the_first_check() -> None:
    recipe = Recipe(steps=100, batch=1, patch=8)
    generator = torch.Generator().manual_seed(0)
    model = build_model(TINY_GENOTYPE, recipe, scale=2, channels=1, generator=generator)
    next(model.parameters()).data.fill_(float("nan"))
    images = ResidentImages(tiny_data().train, "cpu")
    with pytest.raises(Diverged, match="nan"):
        fit(model, images, recipe, generator=generator, clock=lambda: 0.0, deadline_s=1.0)
