"""The partial training of one candidate: when to stop, what was lost on the way, and nothing of files or scores.

The loss, and what the stopping rule looks at, are read back only at every tenth step, so that a device is never
made to wait for the host at each one. On a GPU all of a step's work is one recorded graph, and losses are judged while
the next steps run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .captured import Capture, side_stream
from .data.patches import ResidentImages
from .lesson import Lesson, PlainLesson
from .losses import CHECK_EVERY, Losses
from .metrics.settling import Settling, blur_ratio
from .model import SRModel
from .precision import Computed
from .progress import Reporter
from .recipe import Recipe
from .schedule import stable_steps
from .trainer import Trainer, as_it_is
from .training_state import TrainingState


class TimedOut(Exception):
    """The time for training ran out; the message says at which step."""


@dataclass(frozen=True)
class TrainingTrace:
    """What a training left behind besides the weights.

    Attributes:
        train_s: Seconds spent in steps.
        loss_curve: (step, mean loss since the last point), at most 20 points; the last is the last step taken. It
            begins at step 1 whether or not the training was resumed, but for a stretch: it has its own steps alone.
        state: Where it stood at the end of the recipe's stable phase, or of a stretch before the recipe's last; None
            when it was not asked for, or there is no such step.
    """

    train_s: float
    loss_curve: tuple[tuple[int, float], ...]
    state: TrainingState | None = None


def fit(
    model: SRModel,
    images: ResidentImages,
    recipe: Recipe,
    *,
    generator: torch.Generator,
    clock: Callable[[], float],
    deadline_s: float,
    precision: Computed = "float32",
    probe: Tensor | None = None,
    on_step: Callable[[int], None] | None = None,
    start: TrainingState | None = None,
    keep_state: bool = False,
    until: int | None = None,
    lesson: Lesson | None = None,
    reporter: Reporter | None = None,
) -> TrainingTrace:
    """Train a model in place for the recipe's steps and leave it with the averaged weights, those to score.

    With ``until`` it is a stretch of a training that stops there, and that another goes on from by the state: it takes
    the same steps as if it had not stopped.

    With a `settle_window` in the recipe, training ends earlier where the model's output has settled: at the first
    tenth step by which the rule of `metrics.settling` has held, fed with the prediction for the probe after every
    step, clipped to [0, 1], by the live weights.

    `Losses` says when training has diverged; on a GPU it learns of it up to twenty steps later.

    Args:
        model: On the device of ``images``.
        images: What patches are cropped from.
        recipe: How to train.
        generator: Draws the patches; equal states give equal training on one CPU.
        clock: Seconds, from any origin.
        deadline_s: The reading of ``clock`` at which training stops, looked at every ten steps.
        precision: What a step's forward and backward pass compute in; predictions for the probe are float32.
        probe: (1, c, h, w) in [0, 1] on the device, what the stopping rule has the model upscale, to at least 12
            pixels a side. Each step costs one prediction for it more. Needed by recipes with a `settle_window`.
        on_step: Called after each step with the number of steps done.
        start: Where to go on from, as `training_state.from_bytes` gives it; the steps before it are not taken again.
            On one CPU the weights and the losses are then, bit for bit, those of a training from the first step.
        keep_state: Whether to copy the state at the end of the stable phase (`schedule.stable_steps`).
        until: Step to stop at, if that comes before the recipe's last; its state is copied then.
        lesson: What the model learns from, on the device; by default the true images alone.
        reporter: Shown every step; it decides when to report.

    Raises:
        Diverged: The loss left its bounds.
        TimedOut: The deadline passed before the last step.
    """
    started = clock()
    with side_stream(images.device):
        trainer, losses = _begun(model, images, recipe, generator, precision, start, lesson)
        if reporter is not None:
            reporter.begin("training", trainer.steps)
        watch = Watch(model, probe, recipe)
        last, branch = _ends(recipe, until, keep_state)
        first = trainer.steps if until is not None else 0
        state = start if start is not None and start.steps == branch else None
        while trainer.steps < last:
            losses.add(trainer.step())
            step = trainer.steps
            watch.look()
            if on_step is not None:
                on_step(step)
            if reporter is not None:
                reporter.look(step, losses.latest)
            if step == branch:
                state = trainer.snapshot(losses.so_far())
            if step % CHECK_EVERY == 0:
                losses.check()
                if watch.has_settled():
                    break
                if step < last and clock() >= deadline_s:
                    raise TimedOut(f"training stopped at step {step} of {recipe.steps}")
        losses.finish()
        trainer.finish()
    return TrainingTrace(train_s=clock() - started, loss_curve=losses.curve(first), state=state)


def _ends(recipe: Recipe, until: int | None, keep_state: bool) -> tuple[int, int]:
    """The last step to take, and the one whose state is copied; 0 for none."""
    if until is None:
        return recipe.steps, stable_steps(recipe) if keep_state else 0
    return min(until, recipe.steps), until if until < recipe.steps else 0


def _begun(
    model: SRModel,
    images: ResidentImages,
    recipe: Recipe,
    generator: torch.Generator,
    precision: Computed,
    start: TrainingState | None,
    lesson: Lesson | None,
) -> tuple[Trainer, Losses]:
    """A training before its next step: the first one, or that after the state."""
    lesson = lesson if lesson is not None else PlainLesson(model)
    on_gpu = images.device.type == "cuda"
    run = Capture() if on_gpu and lesson.recordable else as_it_is
    trainer = Trainer(model, images, recipe, generator, precision=precision, run=run, lesson=lesson)
    losses = Losses(recipe, late=on_gpu)
    if start is not None:
        trainer.resume(start)
        losses.resume(start.losses)
    return trainer, losses


class Watch:
    """What a recipe's stopping rule sees of a training; without a rule in the recipe it sees nothing.

    Args:
        model: What is trained.
        probe: What to upscale after each step; only looked at where there is a rule.
        recipe: Says whether there is a rule, and which.

    Raises:
        ValueError: There is a rule, and no probe.
    """

    def __init__(self, model: SRModel, probe: Tensor | None, recipe: Recipe) -> None:
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
