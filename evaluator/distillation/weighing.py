"""What each cue is worth for each patch: a small estimator, trained by what its weights do to held-out patches."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from ..data.patches import ResidentImages
from ..model import SRModel
from ..training_state import trainable
from .companion import Companion, on_host
from .cues import Cues, distance
from .places import cut, joined
from .seeing import View, look

EVERY = 10
"""Steps from one step of the outer loop to the next."""
LOOK_AHEAD = 0.1
"""Step size of the student's trial step. It is no step of the training; its size hardly changes Adam's direction."""
RATE = 1e-3
HIDDEN = 16
SLOTS, HELD = 40, 10
"""The drawing of images is cut into 40 slots; every tenth is held out."""
SMALLEST = 1e-6

Weights = Mapping[str, Tensor]


class CueWeights:
    """Weights of the cues, patch by patch, from an estimator in an outer loop around the training.

    Learning to reweight (Ren et al., arXiv 1803.09050) asks for each example how a trial step with it would change the
    loss on a clean set. Here the same question, differentiated through one trial step of plain gradient descent, trains
    an estimator of K + 3 inputs and 16 hidden units, so that weights are known in every step and the question is put
    only in every tenth. The inputs of a patch are the logarithms of its K cues, its error and its gradients in two
    directions. The weights are softmax shares of the cues and of one more, "none of them", for patches of which the
    teacher has nothing to say: our addition. An estimator that has learnt nothing gives the weights of `Distillation`.

    Held out from the training, by `spared`, is every tenth of 40 equal slots of the sorted images. An image that lies
    across the edge of a slot is in both sets, as every image is of a set with fewer images than slots.

    A step of the outer loop differentiates one step twice and predicts held-out patches: several plain steps' worth,
    every tenth step. The state is the estimator with its moments, some 4 KB, and a generator, 5 KB.

    Args:
        model: The student.
        images: What held-out patches are cut from.
        cues: What there is to weigh.
        batch: Held-out patches a step.
        patch: Their side in LR pixels.
        generator: The lesson's own, on the CPU; draws the estimator, and then the held-out patches.
    """

    def __init__(
        self,
        model: SRModel,
        images: ResidentImages,
        cues: Cues,
        *,
        batch: int,
        patch: int,
        generator: torch.Generator,
    ) -> None:
        self._model, self._images, self._cues = model, images, cues
        self._batch, self._patch, self._generator = batch, patch, generator
        self._estimator = estimator(len(cues.base), generator).to(images.device)
        self._companion = Companion(self._estimator)

    def weights(self, lr: Tensor, errors: Tensor, cues: Tensor) -> Tensor:
        """What the cues of patches are worth, N x K, differentiable in the estimator alone.

        Args:
            lr: N x C x P x P.
            errors: N distances from the true images.
            cues: N x K.
        """
        down, across = (lr.diff(dim=dim).abs().mean(dim=(1, 2, 3)) for dim in (2, 3))
        inputs = torch.stack([*cues.unbind(dim=1), errors, down, across], dim=1).detach()
        shares = self._estimator((inputs + SMALLEST).log() / 4 + 1).softmax(dim=1)
        weights: Tensor = self._cues.base * shares.shape[1] * shares[:, :-1]
        return weights

    def spared(self, uniform: Tensor) -> Tensor:
        """Numbers as drawn, 4 x N, with the image moved out of the slots that are held out."""
        slots = SLOTS - SLOTS // HELD
        slot, within = cut(uniform[0], slots)
        moved = joined(slot + slot.div(HELD - 1, rounding_mode="floor"), within, SLOTS)
        return torch.cat([moved[None], uniform[1:]])

    def held_out(self) -> tuple[Tensor, Tensor]:
        """The next patches of the slots that are held out, LR and HR."""
        uniform = torch.rand((4, self._batch), generator=self._generator, dtype=torch.float64)
        slot, within = cut(uniform[0], SLOTS // HELD)
        uniform[0] = joined(HELD * slot + HELD - 1, within, SLOTS)
        return self._images.cut(uniform.to(self._images.device), self._patch)

    def learn(self, lr: Tensor, hr: Tensor, teacher: View) -> None:
        """Take a step of the outer loop: a trial step of the student, and what it does to held-out patches.

        Args:
            lr: Patches of the training.
            hr: The true ones.
            teacher: What the teacher makes of them.
        """
        start = {name: weight.detach().requires_grad_() for name, weight in trainable(self._model).items()}
        ahead = trial(start, lambda weights: self._loss(weights, lr, hr, teacher))
        lr, hr = self.held_out()
        loss = distance(look(self._model, lr, cells=False, weights=ahead).image, hr).mean()
        self._companion.descend(loss, RATE)

    def _loss(self, weights: Weights, lr: Tensor, hr: Tensor, teacher: View) -> Tensor:
        """What a step of the training minimises, with its gradient in the estimator left in."""
        student = look(self._model, lr, cells=self._cues.uses_cells, weights=weights)
        errors, cues = distance(student.image, hr), self._cues(lr, student, teacher)
        loss: Tensor = errors.mean() + (self.weights(lr, errors, cues) * cues).sum(dim=1).mean()
        return loss

    def state(self) -> dict[str, Tensor]:
        """The estimator and the generator."""
        return {**self._companion.state(), "generator": on_host(self._generator.get_state())}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self._companion.resume(tensors)
        self._generator.set_state(tensors["generator"])


def estimator(cues: int, generator: torch.Generator) -> nn.Sequential:
    """From the K + 3 figures of a patch to K + 1 shares before the softmax; all equal to begin with."""
    first = nn.utils.skip_init(nn.Linear, cues + 3, HIDDEN)  # type: ignore[no-untyped-call]  # without annotations
    last = nn.utils.skip_init(nn.Linear, HIDDEN, cues + 1)  # type: ignore[no-untyped-call]  # without annotations
    with torch.no_grad():
        first.weight.copy_((cues + 3) ** -0.5 * torch.randn(first.weight.shape, generator=generator))
        for zeros in (first.bias, last.weight, last.bias):
            zeros.zero_()
    return nn.Sequential(first, nn.Tanh(), last)


def trial(weights: Weights, loss: Callable[[Weights], Tensor]) -> Weights:
    """Weights after one step of gradient descent, differentiable in everything that the loss depends on."""
    gradients = torch.autograd.grad(loss(weights), list(weights.values()), create_graph=True)
    return {
        name: weight - LOOK_AHEAD * gradient
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
