"""One step of training after the other, and the state between two of them. Judges no loss and knows no clock."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .averaging import Average
from .data.patches import ResidentImages
from .recipe import Recipe
from .schedule import learning_rate
from .training_state import TrainingState, trainable


class Trainer:
    """A model with the optimiser, averages and generator that its next step depends on.

    Args:
        model: (n, c, h, w) in [0, 1] -> (n, c, scale * h, scale * w); on the device of ``images``. Is put into
            training mode.
        images: What patches are cropped from.
        recipe: How to train.
        generator: Draws the patches.

    Attributes:
        steps: Steps done, those of a state that was resumed included.
    """

    def __init__(self, model: nn.Module, images: ResidentImages, recipe: Recipe, generator: torch.Generator) -> None:
        self.steps = 0
        self._model = model.train()
        self._images = images
        self._recipe = recipe
        self._generator = generator
        self._named = trainable(model)
        self._weights = list(self._named.values())
        self._average = Average(self._weights, recipe.ema_decay)
        self._optimiser = torch.optim.Adam(self._weights, lr=recipe.learning_rate, fused=True)

    def step(self) -> Tensor:
        """Take one step of Adam on the L1 loss, average the weights and return the loss, left on the device."""
        recipe = self._recipe
        self._optimiser.param_groups[0]["lr"] = learning_rate(recipe, self.steps)
        lr, hr = self._images.sample(self._generator, recipe.batch, recipe.patch)
        loss = nn.functional.l1_loss(self._model(lr), hr)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without annotations
        if recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self._weights, recipe.gradient_clip, foreach=True)
        self._optimiser.step()
        self._average.update()
        self.steps += 1
        return loss.detach()

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
        self._average.resume([state.means[name] for name in self._named] if state.means else [], state.steps)
        self._generator.set_state(state.generator)
        self.steps = state.steps

    def finish(self) -> None:
        """Leave the model with the averaged weights, in evaluation mode."""
        self._average.store()
        self._model.eval()
