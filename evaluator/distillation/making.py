"""From settings and a teacher's checkpoint to a lesson: what fits is put together, what does not is refused."""

from __future__ import annotations

import torch

from search_space.errors import InvalidInput, Problem

from ..data.patches import ResidentImages
from ..finishing import Distillation
from ..model import SRModel
from ..portable import read_safetensors
from ..recipe import Recipe
from .cues import Cues
from .fake_int8 import FakeInt8
from .lesson import DistillationLesson, Tricks
from .valuing import PatchValues
from .weighing import CueWeights

SALT = 0x646973_74696C
"""Keeps what a lesson draws apart from what its training draws from the same seed."""


def assemble(
    distil: Distillation,
    teacher: bytes,
    *,
    model: SRModel,
    images: ResidentImages,
    recipe: Recipe,
    seed: int,
    device: torch.device,
) -> DistillationLesson:
    """Make a lesson: see `distillation.make_lesson`."""
    guide = _loaded(teacher, model, device)
    generator = torch.Generator().manual_seed(seed ^ SALT)
    side = model.scale * recipe.patch
    cues = Cues(distil, model, guide, side=side, generator=generator, device=device)
    weights = None
    if distil.dynamic_cues:
        weights = CueWeights(model, images, cues, batch=recipe.batch, patch=recipe.patch, generator=generator)
    tricks = Tricks(
        int8=FakeInt8(model) if distil.quantise else None,
        weights=weights,
        values=PatchValues(device) if distil.value_aware else None,
    )
    return DistillationLesson(model, guide, cues, tricks, recipe)


def _loaded(document: bytes, model: SRModel, device: torch.device) -> SRModel:
    """The teacher on the device.

    Raises:
        InvalidInput: It is none, or none for such a student.
    """
    with torch.random.fork_rng(devices=[]):  # the weights that a network is built with are replaced
        teacher = read_safetensors(document)
    found, wanted = (f"x{network.scale} with {network.channels} channels" for network in (teacher, model))
    if found != wanted:
        raise InvalidInput([Problem("distil.teacher", found, f"a model for {wanted}, as the student")])
    teacher.to(device)
    return teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]  # as the student
