"""The lesson of a network that has a teacher: the true images, the cues, and the tricks that were asked for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from ..model import SRModel
from ..recipe import Recipe
from ..schedule import learning_rate
from .companion import Companion
from .cues import Cues, distance
from .fake_int8 import FakeInt8
from .seeing import View, look
from .valuing import PatchValues
from .weighing import EVERY, CueWeights

TEACHER_SHARE = 0.01
"""Learning rate of a teacher that is tuned, as a share of the student's."""


@dataclass(frozen=True, kw_only=True)
class Tricks:
    """What a lesson has besides the cues; None for what was not asked for.

    Attributes:
        int8: The student's low precision, with which the teacher is tuned.
        weights: The estimator of the cues' weights.
        values: The record of what patches are worth.
    """

    int8: FakeInt8 | None = None
    weights: CueWeights | None = None
    values: PatchValues | None = None


@dataclass(frozen=True)
class _Step:
    """What `learn` needs of the step before it: patches N, and what was made of them."""

    lr: Tensor
    hr: Tensor
    student: Tensor
    teacher: View
    errors: Tensor


class DistillationLesson:
    """Mean over the patches of: L1 to the true image + the weighed cues from the teacher.

    The value of the loss is the first term alone, so that curves and the bounds of a divergence mean the same in every
    training; the gradient is that of the whole. The adapters of the cues follow that gradient too, with an Adam of
    their own at the network's learning rate.

    With low precision the teacher is tuned along: its own loss is L1 to the true image + the angle between its image
    and the low-precision student's, so that it moves to where such a student can follow, at a hundredth of the
    student's learning rate. There is no published recipe of this for images that we know of; it is lab talk, and the
    figures in docs/reference/distillation.md are what we have to say of it.

    Args:
        model: The student, on the device.
        teacher: In evaluation mode on the same device; its weights change only if it is tuned.
        cues: What is compared.
        tricks: What else there is.
        recipe: How the student is trained.
    """

    recordable = False
    """No recording of a step has been tried on a GPU, and those with phases or an outer loop have no one step."""

    def __init__(self, model: SRModel, teacher: SRModel, cues: Cues, tricks: Tricks, recipe: Recipe) -> None:
        self._model, self._teacher, self._cues, self._recipe = model, teacher.eval(), cues, recipe
        self._int8, self._weights, self._values = tricks.int8, tricks.weights, tricks.values
        teacher.requires_grad_(self._int8 is not None)
        self._tuned = Companion(teacher) if self._int8 is not None else None
        self._adapters = Companion(cues) if cues.uses_cells else None
        self._steps = 0
        self._last: _Step | None = None

    def choose(self, uniform: Tensor) -> Tensor:
        """By value where there is a record, and past what is held out where there is an outer loop."""
        if self._values is not None:
            uniform = self._values.choose(uniform, self._steps)
        return uniform if self._weights is None else self._weights.spared(uniform)

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        """L1 with the gradient of all that is learnt."""
        teacher = self._taught(lr)
        with nullcontext() if self._int8 is None else self._int8.active(observe=True):
            student = look(self._model, lr, cells=self._cues.uses_cells)
        errors = distance(student.image, hr)
        cues = self._cues(lr, student, teacher.detached())
        weights = self._cues.base
        if self._weights is not None:
            weights = self._weights.weights(lr, errors, cues).detach()
        self._last = _Step(lr, hr, student.image.detach(), teacher, errors.detach())
        cue = (weights * cues).sum(dim=1).mean()
        value: Tensor = errors.mean() + (cue - cue.detach())
        return value

    def _taught(self, lr: Tensor) -> View:
        """What the teacher sees, in the precision of the student's training; with a graph if it is tuned."""
        self._teacher.network_dtype = self._model.network_dtype
        with torch.set_grad_enabled(self._tuned is not None):
            return look(self._teacher, lr, cells=self._cues.uses_cells)

    def learn(self) -> None:
        """Let adapters, teacher, estimator and record take their own step."""
        if self._last is None:
            raise RuntimeError("there is no step to learn from: ask for a loss first")
        last, self._last = self._last, None
        rate = learning_rate(self._recipe, self._steps)
        if self._adapters is not None:
            self._adapters.step(rate)
        if self._tuned is not None:
            apart = self._cues.disagreement(last.lr, last.teacher.image, last.student)
            loss = distance(last.teacher.image, last.hr).mean() + apart.mean()
            self._tuned.descend(loss, TEACHER_SHARE * rate)
        if self._weights is not None and self._steps % EVERY == 0:
            with nullcontext() if self._int8 is None else self._int8.active(observe=False):
                self._weights.learn(last.lr, last.hr, last.teacher.detached())
        if self._values is not None:
            self._values.learn(last.errors + distance(last.student, last.teacher.image.detach()))
        self._steps += 1

    def state(self) -> Mapping[str, Tensor]:
        """Every part's, by the part's name, and the steps done."""
        named = {f"{part}/{name}": tensor for part, kept in self._parts() for name, tensor in kept.state().items()}
        return {**named, "steps": torch.tensor(self._steps)}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state` of the same distillation."""
        for part, kept in self._parts():
            own = f"{part}/"
            kept.resume({name.removeprefix(own): value for name, value in tensors.items() if name.startswith(own)})
        self._steps = int(tensors["steps"])

    def _parts(self) -> list[tuple[str, Companion | FakeInt8 | CueWeights | PatchValues]]:
        """What the next step depends on, by name."""
        parts = (
            ("adapters", self._adapters),
            ("teacher", self._tuned),
            ("int8", self._int8),
            ("weights", self._weights),
            ("values", self._values),
        )
        return [(name, part) for name, part in parts if part is not None]
