"""The arms of a training step's timing: the plain loop and ours, on one network, a few steps at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import torch

from benchmarks.pairing import Lap
from benchmarks.peak import wait
from benchmarks.plain import Loop
from benchmarks.plain_patches import Patches, PngPair, draw_cuts, loader
from evaluator.captured import WARM_UP, Capture, side_stream
from evaluator.data.images import ImageSet
from evaluator.data.patches import ResidentImages
from evaluator.evaluate import place
from evaluator.losses import CHECK_EVERY
from evaluator.model import SRModel, build_model
from evaluator.precision import Computed, resolve
from evaluator.recipe import Recipe
from evaluator.trainer import Trainer, as_it_is
from search_space.genotype import Genotype

SCALE, CHANNELS = 2, 1

PLAIN, STEP, FLOAT32, AUTO, NO_GRAPH = "plain", "plain, no loading", "float32", "auto", "auto, no graph"

READY = 8
"""Batches that lie ready for the plain step without loading."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every arm trains on, and how.

    Attributes:
        images: The images, luma.
        files: The same on disk, largest first.
        recipe: Of endless steps, so that no schedule ends meanwhile.
        device: Where.
        steps: Steps of one lap.
        workers: Processes of the `DataLoader`.
        clock: Seconds, from any origin.
    """

    images: ImageSet
    files: Sequence[PngPair]
    recipe: Recipe
    device: torch.device
    steps: int
    workers: int
    clock: Callable[[], float] = time.perf_counter

    def model(self, genotype: Genotype) -> SRModel:
        """A network with its starting weights, on the CPU."""
        return build_model(
            genotype, self.recipe, scale=SCALE, channels=CHANNELS, generator=torch.Generator().manual_seed(0)
        )

    def seconds(self, step: Callable[[], object]) -> float:
        """Mean seconds of the steps of a lap, until the device has done them."""
        wait(self.device)
        began_s = self.clock()
        for _ in range(self.steps):
            step()
        wait(self.device)
        return (self.clock() - began_s) / self.steps

    def patches(self, steps: int) -> Patches:
        """Those of so many steps, out of files."""
        recipe, generator = self.recipe, torch.Generator().manual_seed(1)
        cuts = draw_cuts(self.images, generator, batch=recipe.batch, patch=recipe.patch, steps=steps)
        return Patches(self.files, cuts, patch=recipe.patch, scale=SCALE)


def plain(bench: Bench, genotype: Genotype) -> Lap:
    """The loop with its loader: batches that were prepared before a lap began are used up before its time counts."""
    loop = Loop(bench.model(genotype).to(bench.device), bench.recipe, bench.device)
    ahead = 1 + 2 * bench.workers

    def lap() -> float:
        patches = bench.patches(ahead + bench.steps)
        # A loader of its own for each lap: an idle one would go on preparing while others are timed.
        batches = iter(loader(patches, batch=bench.recipe.batch, workers=bench.workers, device=bench.device))
        for _ in range(ahead):
            loop.step(*next(batches))
        return bench.seconds(lambda: loop.step(*next(batches)))

    return lap


def plain_step(bench: Bench, genotype: Genotype) -> Lap:
    """The loop without its loader."""
    loop = Loop(bench.model(genotype).to(bench.device), bench.recipe, bench.device)
    batches = loader(bench.patches(READY), batch=bench.recipe.batch, workers=0, device=bench.device)
    ready = cycle([(lr.to(bench.device), hr.to(bench.device)) for lr, hr in batches])
    return lambda: bench.seconds(lambda: loop.step(*next(ready)))


def trainer(bench: Bench, genotype: Genotype, precision: Computed, *, graph: bool) -> tuple[Trainer, ResidentImages]:
    """Ours before its first step, and what its patches are cut from."""
    model = bench.model(genotype)
    place(model, bench.device)
    images = ResidentImages(bench.images, bench.device)
    generator = torch.Generator().manual_seed(1)
    run = Capture() if graph else as_it_is
    return Trainer(model, images, bench.recipe, generator, precision=precision, run=run), images


def ours(bench: Bench, genotype: Genotype, precision: Computed, *, graph: bool) -> Lap:
    """Our step; the loss of one in ten is read, as in a training."""
    with side_stream(bench.device):
        training, _ = trainer(bench, genotype, precision, graph=graph)
        for _ in range(WARM_UP + 1 if graph else 0):  # the recording is made in the stream of the steps before it
            training.step()

    def step() -> None:
        loss = training.step()
        if training.steps % CHECK_EVERY == 0:
            loss.item()

    def lap() -> float:
        with side_stream(bench.device):
            return bench.seconds(step)

    return lap


def arms(bench: Bench, genotype: Genotype) -> dict[str, tuple[Computed, Lap]]:
    """The arms that a device has: what each computes in, and a lap of it."""
    on_gpu = bench.device.type == "cuda"
    auto = resolve("auto", bench.device)
    # Whoever asks nothing of torch computes convolutions in TF32 where there is TF32.
    usual = resolve("tf32", bench.device)
    found: dict[str, tuple[Computed, Lap]] = {
        PLAIN: (usual, plain(bench, genotype)),
        STEP: (usual, plain_step(bench, genotype)),
        FLOAT32: ("float32", ours(bench, genotype, "float32", graph=on_gpu)),
        AUTO: (auto, ours(bench, genotype, auto, graph=on_gpu)),
    }
    return found | ({NO_GRAPH: (auto, ours(bench, genotype, auto, graph=False))} if on_gpu else {})
