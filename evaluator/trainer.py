"""One step of training after the other, and the state between two of them. Judges no loss and knows no clock."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .averaging import Average
from .data.patches import ResidentImages
from .inputs import StepInputs
from .lesson import Lesson, PlainLesson
from .model import SRModel
from .precision import Computed, training_context
from .recipe import Recipe
from .schedule import learning_rate
from .training_state import TrainingState, trainable

Work = Callable[[], Tensor]
"""What a device does in one step; returns the loss, a scalar that the next step leaves alone."""


Run = Callable[[Work], Tensor]
"""Does a step's work, always the same, once a call."""


def as_it_is(work: Work) -> Tensor:
    """Do work operation by operation; the alternative is `captured.Capture`."""
    return work()


class Trainer:
    """A model with the optimiser, averages and generator that its next step depends on.

    Args:
        model: On the device of ``images``. Is put into training mode.
        images: What patches are cropped from.
        recipe: How to train.
        generator: Draws the patches; on the CPU.
        precision: What the forward and the backward pass compute in.
        run: Does each step's work on the device.
        lesson: What is learnt from; by default, `PlainLesson`.

    Attributes:
        steps: Steps done, those of a state that was resumed included.
    """

    def __init__(
        self,
        model: SRModel,
        images: ResidentImages,
        recipe: Recipe,
        generator: torch.Generator,
        *,
        precision: Computed = "float32",
        run: Run = as_it_is,
        lesson: Lesson | None = None,
    ) -> None:
        self.steps = 0
        self._model = model.train()
        self._images = images
        self._recipe = recipe
        self._generator = generator
        self._precision = precision
        self._named = trainable(model)
        self._weights = list(self._named.values())
        self._average = Average(self._weights, recipe.ema_decay)
        self._inputs = StepInputs(recipe.batch, images.device)
        self._rate = torch.zeros((), device=images.device)
        self._optimiser = torch.optim.Adam(self._weights, lr=self._rate, fused=True)
        self._run = run
        self._lesson = lesson if lesson is not None else PlainLesson(model)

    def step(self) -> Tensor:
        """Take one step of Adam on the lesson's loss, average the weights and return the loss, left on the device."""
        self._inputs.fill(self._generator, learning_rate(self._recipe, self.steps))
        loss = self._run(self._work)
        self.steps += 1
        return loss

    def _work(self) -> Tensor:
        """The device's part of a step: it reads the inputs and the state, and waits for nothing.

        Every number that differs from step to step is read from the device, so that the operations of one step,
        recorded, are those of all.
        """
        recipe, inputs = self._recipe, self._inputs
        self._rate.copy_(inputs.learning_rate)
        lr, hr = self._images.cut(self._lesson.choose(inputs.uniform), recipe.patch)
        self._optimiser.zero_grad(set_to_none=True)
        deterministic = self._rate.is_cuda and recipe.deterministic
        with training_context(self._model, self._precision, deterministic=deterministic):
            loss = self._lesson.loss(lr, hr)
            loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without annotations
            self._descend()
            self._lesson.learn()
        return loss.detach()

    def _descend(self) -> None:
        """Move the weights by their gradients, and take them into the average."""
        if self._recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self._weights, self._recipe.gradient_clip, foreach=True)
        # Adam warns of the flag outside a capture and refuses a capture without it; fused, it computes alike.
        capturing = self._rate.is_cuda and torch.cuda.is_current_stream_capturing()
        self._optimiser.param_groups[0]["capturable"] = capturing
        self._optimiser.step()
        self._average.update()

    def snapshot(self, losses: Tensor) -> TrainingState:
        """Copy everything that the next step depends on, with the losses so far; at least one step was taken."""
        moments = [self._optimiser.state[weight] for weight in self._weights]
        return TrainingState(
            weights=self._copied(self._weights),
            first_moments=self._copied([moment["exp_avg"] for moment in moments]),
            second_moments=self._copied([moment["exp_avg_sq"] for moment in moments]),
            means=self._copied(self._average.means),
            generator=self._generator.get_state(),
            losses=losses,
            extras=dict(self._lesson.state()),
        )

    def _copied(self, tensors: list[Tensor] | list[nn.Parameter]) -> dict[str, Tensor]:
        """Host copies by the weights' names, in plain order; nothing of nothing."""
        names = self._named if tensors else ()
        copies = (tensor.detach().clone(memory_format=torch.contiguous_format).cpu() for tensor in tensors)
        return dict(zip(names, copies, strict=True))

    @torch.no_grad()
    def resume(self, state: TrainingState) -> None:
        """Go on from a state of the same model and recipe; in the model's own memory format, or sums would differ."""
        for name, weight in self._named.items():
            weight.copy_(state.weights[name])
            self._optimiser.state[weight] = {
                "step": torch.tensor(float(state.steps), device=weight.device),
                "exp_avg": torch.empty_like(weight).copy_(state.first_moments[name]),
                "exp_avg_sq": torch.empty_like(weight).copy_(state.second_moments[name]),
            }
        self._average.resume([state.means[name] for name in self._named] if state.means else [])
        self._generator.set_state(state.generator)
        self._lesson.resume(state.extras)
        self.steps = state.steps

    def finish(self) -> None:
        """Leave the model with the averaged weights, in evaluation mode."""
        self._average.store(self.steps)
        self._optimiser.zero_grad(set_to_none=True)  # they may lie in memory of a recorded step
        self._model.eval()
