"""Where a training stands after so many steps, as a value and as one safetensors document. No pickles.

A document is only believed when it is whole and belongs to the training that would go on from it. Takes no step.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

import torch
from torch import Tensor, nn

from search_space.errors import InvalidInput

from . import checkpoints
from .executor import Job
from .recipe import Recipe
from .schedule import stable_steps

log = logging.getLogger(__name__)

VERSION = 1
PARTS = ("weights", "first_moments", "second_moments", "means")
EXTRAS = "extras"


class UnfitState(ValueError):
    """A state is damaged, or not one that the training at hand may go on from; the message says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingState:
    """Everything that the next step depends on, copied to the host.

    Attributes:
        weights: The live weights by name, not their averages.
        first_moments: Adam's averages of the gradients, by the same names.
        second_moments: Adam's averages of the squared gradients.
        means: The moving averages of the weights; empty for a recipe without.
        generator: State of the generator of patches, uint8.
        losses: The loss of each step so far, (steps,) in float32.
        extras: What the training's lesson keeps besides, by its own names, in types that `named_tensors` writes.
    """

    weights: Mapping[str, Tensor]
    first_moments: Mapping[str, Tensor]
    second_moments: Mapping[str, Tensor]
    means: Mapping[str, Tensor]
    generator: Tensor
    losses: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps done."""
        return len(self.losses)

    def tensors(self) -> dict[str, Tensor]:
        """All of it under the names that it has in a document, e.g. "means/network.feat.weight"."""
        parts = (*PARTS, EXTRAS)
        named = {f"{part}/{name}": tensor for part in parts for name, tensor in getattr(self, part).items()}
        return {**named, "generator": self.generator, "losses": self.losses}


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that training changes, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def to_bytes(state: TrainingState, lineage: str) -> bytes:
    """Write a state; equal states give equal bytes.

    Args:
        state: Where a training stands.
        lineage: `Job.lineage` of the job that was trained.
    """
    tensors = state.tensors()
    header = {"version": VERSION, "lineage": lineage, "steps": state.steps, "checksum": _checksum(tensors)}
    return checkpoints.pack(tensors, json.dumps(header, sort_keys=True))


def from_bytes(document: bytes, lineage: str, model: nn.Module, recipe: Recipe) -> TrainingState | None:
    """Read a state that a partial training may go on from, which may also begin anew.

    Args:
        document: What `to_bytes` wrote, or anything else.
        lineage: `Job.lineage` of the job that would go on.
        model: What would be trained.
        recipe: How.

    Returns:
        The state; None, with a warning in the log, when it is unfit (`read`), or has more steps than the recipe's
        stable phase, or none left to take.
    """
    try:
        return read(document, lineage, model, recipe, latest=min(stable_steps(recipe), recipe.steps - 1))
    except UnfitState as error:
        log.warning("training state ignored: lineage=%s reason=%s", lineage, error)
        return None


def start_of(job: Job, model: nn.Module) -> TrainingState | None:
    """Read where the training of a job goes on from; an unfit state is ignored only where it may begin anew.

    Raises:
        UnfitState: The job is a stretch, and cannot go on from what it was given.
    """
    recipe, stretch = job.recipe, job.stretch
    if stretch is None:
        return from_bytes(job.start, job.lineage, model, recipe)
    latest = min(stretch.until, recipe.steps) - 1
    return read(job.start, job.lineage, model, recipe, latest=latest, extras=stretch.distil is not None)


def read(
    document: bytes, lineage: str, model: nn.Module, recipe: Recipe, *, latest: int, extras: bool = False
) -> TrainingState:
    """Read a state.

    Args:
        document: What `to_bytes` wrote, or anything else.
        lineage: `Job.lineage` of the job that would go on.
        model: What would be trained.
        recipe: How.
        latest: Most steps that the state may have.
        extras: Whether it may hold what a lesson keeps; then their names, shapes and types are what they were.

    Raises:
        UnfitState: It is damaged, of another lineage, not of this model, or has too many steps.
    """
    try:
        tensors, text = checkpoints.unpack(document)
        header = json.loads(text)
        own = {name: tensor for name, tensor in tensors.items() if not (extras and name.startswith(f"{EXTRAS}/"))}
        problem = _foreign(header, lineage, latest) or _unfit(own, int(header["steps"]), model, recipe)
        if not problem and header["checksum"] != _checksum(tensors):
            problem = "its values were changed"
    except (InvalidInput, ValueError, TypeError, KeyError) as error:
        raise UnfitState(f"it cannot be read: {error}") from error
    if problem:
        raise UnfitState(problem)
    return _state_of(tensors)


def _foreign(header: Mapping[str, object], lineage: str, latest: int) -> str:
    """Why the header is not that of a state to go on from; empty when it is."""
    if header["version"] != VERSION:
        return f"it has version {header['version']}, not {VERSION}"
    if header["lineage"] != lineage:
        return f"it is of another training: {header['lineage']}"
    if type(header["steps"]) is not int or not 1 <= header["steps"] <= latest:
        return f"it has {header['steps']} steps; allowed are 1 to {latest}"
    return ""


def _unfit(tensors: Mapping[str, Tensor], steps: int, model: nn.Module, recipe: Recipe) -> str:
    """Which tensors are not those of such a state of the model, by name, shape and type; empty when all are."""
    parts = PARTS if recipe.ema_decay else PARTS[:-1]
    wanted = {
        f"{part}/{name}": (weight.shape, weight.dtype) for name, weight in trainable(model).items() for part in parts
    }
    wanted["generator"] = (torch.Generator().get_state().shape, torch.uint8)
    wanted["losses"] = (torch.Size([steps]), torch.float32)
    found = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    wrong = sorted({name for name, _ in wanted.items() ^ found.items()})
    return f"of another shape, missing or unexpected: {', '.join(wrong)}" if wrong else ""


def _state_of(tensors: Mapping[str, Tensor]) -> TrainingState:
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in (*PARTS, EXTRAS)}
    for key, tensor in tensors.items():
        part, slash, name = key.partition("/")
        if slash:
            parts[part][name] = tensor
    return TrainingState(**parts, generator=tensors["generator"], losses=tensors["losses"])


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    """32 hexadecimal characters over names, types, shapes and values, in the order of the names.

    Safetensors itself checks only that there are as many bytes as there should be.
    """
    digest = blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
