"""The partial training of one candidate: when to stop, what was lost on the way, and nothing of files or scores.

The loss, and what the stopping rule looks at, are read back only at every tenth step, so that a device is never
made to wait for the host at each one.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .data.patches import ResidentImages
from .metrics.settling import Settling, blur_ratio
from .recipe import Recipe
from .schedule import stable_steps
from .trainer import Trainer
from .training_state import TrainingState

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
        loss_curve: (step, mean L1 loss since the last point), at most 20 points; the last is the last step taken. It
            begins at step 1 whether or not the training was resumed.
        state: Where it stood at the end of the recipe's stable phase; None when it was not asked for, or there is no
            such phase.
    """

    train_s: float
    loss_curve: tuple[tuple[int, float], ...]
    state: TrainingState | None = None


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
    start: TrainingState | None = None,
    keep_state: bool = False,
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
        start: Where to go on from, as `training_state.from_bytes` gives it; the steps before it are not taken again.
            On one CPU the weights and the losses are then, bit for bit, those of a training from the first step.
        keep_state: Whether to copy the state at the end of the stable phase (`schedule.stable_steps`).

    Raises:
        Diverged: The loss left its bounds.
        TimedOut: The deadline passed before the last step.
    """
    started = clock()
    trainer = Trainer(model, images, recipe, generator)
    losses = Losses(recipe)
    if start is not None:
        trainer.resume(start)
        losses.resume(start.losses)
    watch = Watch(model, probe, recipe)
    branch = stable_steps(recipe) if keep_state else 0
    state = start if start is not None and start.steps == branch else None
    while trainer.steps < recipe.steps:
        losses.add(trainer.step())
        step = trainer.steps
        watch.look()
        if on_step is not None:
            on_step(step)
        if step == branch:
            state = trainer.snapshot(losses.so_far())
        if step % CHECK_EVERY == 0 or step == recipe.steps:
            losses.check()
            if watch.has_settled():
                break
            if step < recipe.steps and clock() >= deadline_s:
                raise TimedOut(f"training stopped at step {step} of {recipe.steps}")
    trainer.finish()
    return TrainingTrace(train_s=clock() - started, loss_curve=losses.curve(), state=state)


class Losses:
    """The loss of each step: judged, and brought to the host, ten at a time.

    Args:
        recipe: Says how long the warm-up is, and when training ends.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._pending: list[Tensor] = []
        self._on_host = array("d")
        self._judged = 0

    def add(self, loss: Tensor) -> None:
        """Take in the loss of one step, a scalar on any device."""
        self._pending.append(loss)

    def check(self) -> None:
        """Judge the losses since the last check.

        Raises:
            Diverged: They left their bounds.
        """
        self._read()
        losses, step, recipe = self._on_host[self._judged :], len(self._on_host), self._recipe
        mean = sum(losses) / len(losses)
        settled = step > recipe.warmup_steps + 2 * CHECK_EVERY or step == recipe.steps
        if not math.isfinite(mean) or (settled and mean > WORST_LOSS):
            raise Diverged(f"the mean loss up to step {step} of {recipe.steps} is {mean:g}")
        self._judged = step

    def so_far(self) -> Tensor:
        """Every loss, judged or not: (steps,) in float32, on the host."""
        self._read()
        return torch.tensor(self._on_host.tolist(), dtype=torch.float32)

    def resume(self, losses: Tensor) -> None:
        """Go on from `so_far`; those since the last tenth step are judged together with those that follow."""
        self._on_host = array("d", losses.tolist())
        self._judged = len(losses) - len(losses) % CHECK_EVERY

    def curve(self) -> tuple[tuple[int, float], ...]:
        """Average the losses of all steps into evenly spaced points."""
        losses = self._on_host
        points = min(CURVE_POINTS, len(losses))
        ends = [len(losses) * (point + 1) // points for point in range(points)]
        starts = [0, *ends[:-1]]
        return tuple((end, sum(losses[start:end]) / (end - start)) for start, end in zip(starts, ends, strict=True))

    def _read(self) -> None:
        """Bring what is pending to the host."""
        if self._pending:
            self._on_host.extend(torch.stack(self._pending).tolist())
            self._pending.clear()


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
