"""The partial training of one candidate: Adam on the L1 loss, and nothing of devices, files or scores.

The loss, and what the stopping rule looks at, are read back only at every tenth step, so that a device is never
made to wait for the host at each one.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .data.patches import ResidentImages
from .metrics.settling import Settling, blur_ratio
from .recipe import Recipe

CHECK_EVERY = 10
WORST_LOSS = 1.0
CURVE_POINTS = 20


class Diverged(Exception):
    """The loss left every bound; the message says where."""


class TimedOut(Exception):
    """The time for training ran out; the message says at which step."""


@dataclass(frozen=True)
class TrainingTrace:
    """What a training left behind besides the weights.

    Attributes:
        train_s: Seconds spent in steps.
        loss_curve: (step, mean L1 loss since the last point), at most 20 points; the last is the last step taken.
    """

    train_s: float
    loss_curve: tuple[tuple[int, float], ...]


def fit(
    model: nn.Module,
    images: ResidentImages,
    recipe: Recipe,
    *,
    generator: torch.Generator,
    clock: Callable[[], float],
    deadline_s: float,
    probe: Tensor | None = None,
    on_step: Callable[[int], None] | None = None,
) -> TrainingTrace:
    """Train a model in place for the recipe's steps and leave it with the averaged weights, those to score.

    With a `settle_window` in the recipe, training ends earlier where the model's output has settled: at the first
    tenth step by which the rule of `metrics.settling` has held, fed with the prediction for the probe after every
    step, clipped to [0, 1], by the live weights.

    Training has diverged when the mean loss of ten steps is not finite, or when, later than twenty steps
    after the warm-up, it is above 1: images lie in [0, 1], so no image at all is worse.

    Args:
        model: (n, c, h, w) in [0, 1] -> (n, c, scale * h, scale * w); on the device of ``images``.
        images: What patches are cropped from.
        recipe: How to train.
        generator: Draws the patches; equal states give equal training on one CPU.
        clock: Seconds, from any origin.
        deadline_s: The reading of ``clock`` at which training stops, looked at every ten steps.
        probe: (1, c, h, w) in [0, 1] on the device, what the stopping rule has the model upscale, to at least 12
            pixels a side. Each step costs one prediction for it more. Needed by recipes with a `settle_window`.
        on_step: Called after each step with the number of steps done.

    Raises:
        Diverged: The loss left its bounds.
        TimedOut: The deadline passed before the last step.
    """
    started = clock()
    losses = array("d")
    pending: list[Tensor] = []
    average = Average(_trainable(model), recipe.ema_decay)
    watch = Watch(model, probe, recipe)
    for step, loss in enumerate(_steps(model, images, recipe, generator, average), start=1):
        pending.append(loss)
        watch.look()
        if on_step is not None:
            on_step(step)
        if step % CHECK_EVERY == 0 or step == recipe.steps:
            losses.extend(_read(pending, step, recipe))
            pending.clear()
            if watch.has_settled():
                break
            if step < recipe.steps and clock() >= deadline_s:
                raise TimedOut(f"training stopped at step {step} of {recipe.steps}")
    average.store()
    model.eval()
    return TrainingTrace(train_s=clock() - started, loss_curve=_curve(losses))


def _trainable(model: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in model.parameters() if weight.requires_grad]


def _steps(
    model: nn.Module, images: ResidentImages, recipe: Recipe, generator: torch.Generator, average: Average
) -> Iterator[Tensor]:
    """Take the recipe's steps and average the weights over them, yielding each one's detached loss."""
    weights = _trainable(model)
    optimiser = torch.optim.Adam(weights, lr=recipe.learning_rate, fused=True)
    model.train()
    for step in range(recipe.steps):
        optimiser.param_groups[0]["lr"] = learning_rate(recipe, step)
        lr, hr = images.sample(generator, recipe.batch, recipe.patch)
        loss = nn.functional.l1_loss(model(lr), hr)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without annotations
        if recipe.gradient_clip:
            nn.utils.clip_grad_norm_(weights, recipe.gradient_clip, foreach=True)
        optimiser.step()
        average.update()
        yield loss.detach()


class Watch:
    """What a recipe's stopping rule sees of a training; without a rule in the recipe it sees nothing.

    Args:
        model: What is trained.
        probe: What to upscale after each step; only looked at where there is a rule.
        recipe: Says whether there is a rule, and which.

    Raises:
        ValueError: There is a rule, and no probe.
    """

    def __init__(self, model: nn.Module, probe: Tensor | None, recipe: Recipe) -> None:
        if recipe.settle_window and probe is None:
            raise ValueError("a recipe with a settle_window needs a probe")
        self._model = model
        self._probe = probe
        self._rule = (
            Settling(window=recipe.settle_window, tolerance=recipe.settle_tolerance) if recipe.settle_window else None
        )
        self._pending: list[Tensor] = []

    @torch.no_grad()
    def look(self) -> None:
        """Measure the model as it is now; the figure stays on the device."""
        if self._rule is not None:
            self._pending.append(blur_ratio(self._model(self._probe).clamp(0, 1)))

    def has_settled(self) -> bool:
        """Bring the figures since the last call to the host; whether the rule held at one of them."""
        if self._rule is None:
            return False
        held = [self._rule.add(ratio) for ratio in torch.cat(self._pending).tolist()]
        self._pending.clear()
        return any(held)


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the step size of one step, counted from 0: warm-up to the peak, then the recipe's schedule."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    if recipe.schedule == "cosine":
        done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    decay_steps = recipe.decay_fraction * recipe.steps if recipe.schedule == "stable-decay" else 0.0
    left = recipe.steps - step
    return recipe.learning_rate * (left / decay_steps if left < decay_steps else 1.0)


class Average:
    """An exponential moving average of weights, without the starting weights in it.

    After t updates the weights of update i count in proportion to decay^(t - i), which sum to one: Adam's
    correction of bias (Kingma & Ba, arXiv 1412.6980), so that a short training is not scored by where it
    started.

    Args:
        weights: The live weights.
        decay: In [0, 1); 0 keeps no average at all.
    """

    def __init__(self, weights: list[nn.Parameter], decay: float) -> None:
        self._live: list[Tensor] = list(weights)
        self._decay = decay
        self._updates = 0
        self._means = [torch.zeros_like(weight) for weight in weights] if decay else []

    @torch.no_grad()
    def update(self) -> None:
        """Take the live weights in."""
        if self._means:
            self._updates += 1
            share = (1 - self._decay) / (1 - self._decay**self._updates)
            torch._foreach_lerp_(self._means, self._live, share)

    @torch.no_grad()
    def store(self) -> None:
        """Write the average over the live weights."""
        if self._updates:
            torch._foreach_copy_(self._live, self._means)


def _read(pending: list[Tensor], step: int, recipe: Recipe) -> list[float]:
    """Bring the losses of the last steps to the host and judge them."""
    losses: list[float] = torch.stack(pending).tolist()
    mean = sum(losses) / len(losses)
    settled = step > recipe.warmup_steps + 2 * CHECK_EVERY or step == recipe.steps
    if not math.isfinite(mean) or (settled and mean > WORST_LOSS):
        raise Diverged(f"the mean loss up to step {step} of {recipe.steps} is {mean:g}")
    return losses


def _curve(losses: array[float]) -> tuple[tuple[int, float], ...]:
    """Average the losses of all steps into evenly spaced points."""
    points = min(CURVE_POINTS, len(losses))
    ends = [len(losses) * (point + 1) // points for point in range(points)]
    starts = [0, *ends[:-1]]
    return tuple((end, sum(losses[start:end]) / (end - start)) for start, end in zip(starts, ends, strict=True))
