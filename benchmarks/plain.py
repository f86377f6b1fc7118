"""A training loop as it is usually written: what our own is compared with. The network and the recipe are the same.

Float32 in the usual memory format, batches from a `DataLoader`, `torch.optim.Adam` as it comes, a scheduler, the loss
read back at every step, an average of the weights kept weight by weight, validation image by image from files, and a
checkpoint by `torch.save`. One process has the device, and all the threads that torch is given.

Every choice of a recipe but its precision and its stopping rule is obeyed, so that only the way of running differs.
On a GPU "float32" is what torch makes of it when nobody asks: convolutions round what they read to TF32.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.plain_patches import Patches, PngPair, draw_cuts, largest_first, loader, write_pngs
from evaluator.data.decoding import decode
from evaluator.data.images import ImagePair, ImageSet
from evaluator.data.sets import EvaluationData
from evaluator.metrics.protocol import Protocol, get_protocol
from evaluator.model import SRModel, build_model
from evaluator.recipe import Recipe
from evaluator.schedule import learning_rate
from evaluator.score import Metric, mean_scores, network_input, score_image
from search_space.genotype import Genotype


@dataclass(frozen=True, kw_only=True)
class Files:
    """The images of an evaluation as the loop reads them.

    Attributes:
        images: What the training files were written from; only their sizes are looked at.
        train: Training pairs as they are trained on, luma as gray files: no loop would have less to decode.
        validation: Validation pairs.
    """

    images: ImageSet
    train: Sequence[PngPair]
    validation: Sequence[PngPair]

    @classmethod
    def write(cls, data: EvaluationData, folder: Path) -> Files:
        """Write both sets below a folder."""
        train, validation = largest_first(data.train), list(data.validation)
        return cls(
            images=data.train,
            train=write_pngs(train, folder / "train"),
            validation=write_pngs(validation, folder / "validation"),
        )


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What became of one network.

    Attributes:
        scores: Mean figures over the validation images.
        losses: L1 loss of each step.
        train_s: Seconds of training, the loading of patches included.
        validate_s: Seconds of validation.
    """

    scores: Mapping[Metric, float]
    losses: list[float]
    train_s: float
    validate_s: float


class Loop:
    """A model and what it is trained with.

    Args:
        model: Float32, on the device; is put into training mode.
        recipe: How to train.
        device: Where batches are sent.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, device: torch.device) -> None:
        self._model, self._recipe, self._device = model.train(), recipe, device
        self._optimiser = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser, lambda step: learning_rate(recipe, step) / recipe.learning_rate
        )
        self._means = [torch.zeros_like(weight) for weight in model.parameters()] if recipe.ema_decay else []
        self._steps = 0

    def step(self, lr: Tensor, hr: Tensor) -> float:
        """Take one step on a batch and return its loss, as one logs it."""
        lr, hr = lr.to(self._device, non_blocking=True), hr.to(self._device, non_blocking=True)
        self._optimiser.zero_grad()
        loss = nn.functional.l1_loss(self._model(lr), hr)
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it without annotations
        if self._recipe.gradient_clip:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.gradient_clip)
        self._optimiser.step()
        self._schedule.step()
        self._average()
        return loss.item()

    @torch.no_grad()
    def _average(self) -> None:
        """Take the weights into their average, corrected for its start as ours is."""
        self._steps += 1
        decay = self._recipe.ema_decay
        for mean, weight in zip(self._means, self._model.parameters(), strict=False):
            mean.lerp_(weight, (1 - decay) / (1 - decay**self._steps))

    @torch.no_grad()
    def finish(self) -> None:
        """Leave the model with the averaged weights, in evaluation mode."""
        for mean, weight in zip(self._means, self._model.parameters(), strict=False):
            weight.copy_(mean)
        self._model.eval()


def fit(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], recipe: Recipe, device: torch.device
) -> list[float]:
    """Train on every batch; returns the losses."""
    loop = Loop(model, recipe, device)
    losses = [loop.step(lr, hr) for lr, hr in batches]
    loop.finish()
    return losses


@torch.no_grad()
def validate(model: SRModel, files: Iterable[PngPair], protocol: Protocol, device: torch.device) -> dict[Metric, float]:
    """Mean figures, the same that ours gives: one image opened, predicted and scored after the other."""
    scores = []
    for file in files:
        pair = ImagePair(name=file.hr.stem, hr=decode(file.hr), lr=decode(file.lr))
        scores.append(score_image(model(network_input(pair, model.channels, device)), pair, protocol))
    return mean_scores(scores)


def evaluate(
    genotype: Genotype,
    recipe: Recipe,
    files: Files,
    *,
    seed: int,
    device: str,
    workers: int,
    checkpoint: Path,
    channels: int = 1,
    clock: Callable[[], float] = time.monotonic,
) -> Trained:
    """Build, train, score and save one network.

    Args:
        genotype: What it is.
        recipe: How it is trained; its precision and its stopping rule are ignored.
        files: The images.
        seed: Of the starting weights and the patches: both are those that our own evaluation has with this seed.
        device: Name of the torch device.
        workers: Processes of the `DataLoader`; 0 loads in this one.
        checkpoint: Where to save the weights.
        channels: 1 (luma) or 3 (RGB), as the files have it.
        clock: Seconds, from any origin.
    """
    generator = torch.Generator().manual_seed(seed)
    place, scale = torch.device(device), files.images.scale
    model = build_model(genotype, recipe, scale=scale, channels=channels, generator=generator).to(place)
    started = clock()
    steps, patch = recipe.steps, recipe.patch
    cuts = draw_cuts(files.images, generator, batch=recipe.batch, patch=patch, steps=steps)
    patches = Patches(files.train, cuts, patch=patch, scale=scale)
    losses = fit(model, loader(patches, batch=recipe.batch, workers=workers, device=place), recipe, place)
    trained = clock()
    scores = validate(model, files.validation, get_protocol(recipe.protocol), place)
    validated = clock()
    torch.save(model.state_dict(), checkpoint)
    return Trained(scores=scores, losses=losses, train_s=trained - started, validate_s=validated - trained)
