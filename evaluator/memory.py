"""How much memory of a GPU one evaluation will take: arithmetic, put right by what was measured. No torch.

A training of these networks takes a small part of a GPU, and how small differs fivefold within one search space and
more between sizes of images. So candidates that share a GPU are admitted by the sum of their predictions and not by
their number.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from search_space.cost import LR_PIXELS, Convolution, convolutions
from search_space.genotype import Genotype
from search_space.ops import OPERATORS

from .cost import costs
from .data.groups import groups_of_one_size
from .data.sets import EvaluationData
from .executor import Job
from .metadata import KEY, Metadata

CONTEXT_BYTES = 1 << 30
"""What a process takes before its first tensor: the CUDA context with its kernels, handles of cuDNN and cuBLAS, and
the slack of torch's allocator and of a graph's own pool. An estimate on the safe side, not a measurement."""

FLOAT32_BYTES = 4
SCORING_PLANES = 20
"""Planes of one float64 for each HR value that scoring a group keeps at once: spectra, their sums, SSIM's maps."""

VALIDATION_BYTES, VALIDATION_PIXELS = 40, 1 << 22
"""Bytes of each HR pixel of validation images that stay on the device between candidates, and of how many at most."""

RESIDENT_SETS = 2
"""Sets of images that a process keeps on its device when it is idle."""

RATIOS = 64
"""Measurements that the correction looks back on."""

QUANTILE = 0.95
"""Share of them that the correction covers: a few runaways in a hundred do not set the price of all."""

OVERFLOW_FACTOR = 1.5
NETWORKS = 10_000
"""Networks whose own measurement is remembered."""


@dataclass(frozen=True)
class Images:
    """Of one `EvaluationData`, what memory depends on.

    Attributes:
        resident_bytes: Bytes that stay on the device from one evaluation to the next: the training images as uint8, and
            what scores need of the validation images.
        largest_lr_pixels: LR pixels of the largest group of validation images that go through a network together.
    """

    resident_bytes: int
    largest_lr_pixels: int

    @classmethod
    def of(cls, data: EvaluationData) -> Images:
        """Look at shapes alone; luma of colour images takes a third of what is counted."""
        train = sum(pair.lr.size + pair.hr.size for pair in data.train)
        kept = min(sum(pair.hr[..., 0].size for pair in data.validation), VALIDATION_PIXELS)
        pairs = data.validation.pairs
        groups = groups_of_one_size(data.validation)
        return cls(
            resident_bytes=train + VALIDATION_BYTES * kept,
            largest_lr_pixels=max((len(group) * pairs[group[0]].lr[..., 0].size for group in groups), default=0),
        )


UNKNOWN_IMAGES = Images(resident_bytes=0, largest_lr_pixels=LR_PIXELS)


class MemoryBook:
    """Predicts what evaluations take of a device's memory, and learns from those that were measured.

    A prediction is the fixed context and the arithmetic of `allocated_bytes` times a correction: the 0.95 quantile of
    measured over computed bytes among the last 64 measurements, the number 1 counting as the first of them. A network
    is never predicted to take less than it was measured to take.

    Args:
        context_bytes: What each process takes besides its tensors; at least 0.
        share: Part of a device's memory that predictions may fill, in (0, 1].
    """

    def __init__(self, context_bytes: int = CONTEXT_BYTES, share: float = 0.9) -> None:
        if context_bytes < 0 or not 0 < share <= 1:
            raise ValueError(f"context_bytes {context_bytes} and share {share}: at least 0, and in (0, 1]")
        self.context_bytes = context_bytes
        self._share = share
        self._images: dict[str, Images] = {}
        self._ratios = deque([1.0], maxlen=RATIOS)
        self._least: dict[tuple[object, ...], int] = {}

    def loaded(self, data: EvaluationData) -> None:
        """Take in the sizes of images, which predictions for jobs with their digest then count."""
        self._images.pop(data.digest, None)
        self._images[data.digest] = Images.of(data)

    @property
    def idle_bytes(self) -> int:
        """What a process takes while it runs nothing: its context, and the images that were loaded last."""
        return self.context_bytes + sum(
            images.resident_bytes for images in list(self._images.values())[-RESIDENT_SETS:]
        )

    def fits(self, job: Job, beside: Sequence[Job], total_bytes: int) -> bool:
        """Whether a job may run on a device of so much memory beside those that run there; alone it always may."""
        taken = sum(self.predicted_bytes(other) for other in (job, *beside))
        return not beside or taken <= self._share * total_bytes

    def predicted_bytes(self, job: Job) -> int:
        """Peak bytes of the process that runs a job, its context included."""
        return self.context_bytes + self._allocation(job)

    def learn(self, job: Job, peak_bytes: int) -> None:
        """Take in what torch's allocator gave to a job at most (which leaves the context out); 0 teaches nothing."""
        if peak_bytes > 0:
            self._ratios.append(peak_bytes / self._computed(job))
            self._raise_least(job, peak_bytes)

    def overflowed(self, job: Job, predicted_bytes: int) -> None:
        """Take in that a job ran out of memory beside others: its own prediction grows by half, its like's may.

        Jobs that were let in together run out together, of which few or one are to blame. So they count from what was
        predicted then, and no more of them once the correction has grown by as much.

        Args:
            job: What ran out.
            predicted_bytes: What `predicted_bytes` gave when it was started.
        """
        enough = math.ceil(OVERFLOW_FACTOR * (predicted_bytes - self.context_bytes))
        ratio = enough / self._computed(job)
        if ratio > self._correction():
            self._ratios.append(ratio)
        self._raise_least(job, enough)

    def _allocation(self, job: Job) -> int:
        """Bytes besides the context."""
        return max(math.ceil(self._correction() * self._computed(job)), self._least.get(_alike(job), 0))

    def _correction(self) -> float:
        """Measured over computed bytes that most of the last measurements stayed below."""
        ordered = sorted(self._ratios)
        return ordered[math.ceil(QUANTILE * (len(ordered) - 1))]

    def _computed(self, job: Job) -> int:
        return allocated_bytes(job, self._images.get(job.data_digest, UNKNOWN_IMAGES))

    def _raise_least(self, job: Job, size_bytes: int) -> None:
        key = _alike(job)
        self._least[key] = max(size_bytes, self._least.pop(key, 0))
        while len(self._least) > NETWORKS:
            del self._least[next(iter(self._least))]


def allocated_bytes(job: Job, images: Images) -> int:
    """Bytes that an evaluation allocates on its device, by arithmetic.

    Counted as if all lay there at once, since an allocator that was fragmented by one phase gives little of it to the
    next: images; what a step of training takes, of a teacher's too; and the largest group of images predicted and
    scored in float32.
    """
    at_work = working_values(job.genotype, scale=job.scale, channels=job.channels)
    teacher = _teacher(job)
    latency_pixels = job.latency.lr_width * job.latency.lr_height if job.latency else 0
    scoring = images.largest_lr_pixels * job.scale**2 * job.channels * SCORING_PLANES * 8
    return (
        images.resident_bytes
        + _step_bytes(job, job.genotype)
        + (_step_bytes(job, teacher) if teacher is not None else 0)
        + max(images.largest_lr_pixels, latency_pixels) * at_work * FLOAT32_BYTES
        + scoring
    )


def _step_bytes(job: Job, genotype: Genotype) -> int:
    """Bytes that a step of training takes: a job's own network's, or its teacher's as if it were trained alike.

    Five copies of each weight (itself, its gradient, Adam's two moments, its average), and the values that the step
    keeps for its backward pass.
    """
    recipe = job.recipe
    copies = FLOAT32_BYTES * (5 if recipe.ema_decay else 4)
    value_bytes = FLOAT32_BYTES
    if recipe.precision == "bfloat16":  # "auto" may become float32, which is the larger
        copies, value_bytes = copies + 2, 2
    params = costs(genotype, recipe, scale=job.scale, channels=job.channels).params
    kept = kept_values(genotype, scale=job.scale, channels=job.channels)
    at_work = working_values(genotype, scale=job.scale, channels=job.channels)
    return params * copies + recipe.batch * recipe.patch**2 * (kept + at_work) * value_bytes


def _teacher(job: Job) -> Genotype | None:
    """The network that a job's network learns from; None without, and of a document that the job will fail by."""
    return _genotype_of(job.stretch.teacher) if job.stretch is not None and job.stretch.teacher else None


@lru_cache(maxsize=4)
def _genotype_of(checkpoint: bytes) -> Genotype | None:
    """The network of a checkpoint by its header alone (`named_tensors`, which needs torch)."""
    try:
        header = json.loads(checkpoint[8 : 8 + int.from_bytes(checkpoint[:8], "little")])
        return Metadata.from_text(header["__metadata__"][KEY]).genotype
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def kept_values(genotype: Genotype, *, scale: int, channels: int) -> int:
    """Values for each LR pixel of a batch that the forward pass keeps for the backward pass.

    The network's input; what each block reads, since a concatenation is a copy; what each convolution gives, after its
    ReLU or with the skip added, or spread over the finer grid; the tail's sum; and in place of the image, which no
    backward pass needs, its difference to the true one. The sum that ends an inverted bottleneck cell is only read
    through a concatenation, and not kept.
    """
    outputs = sum(_written(layer, scale) for layer in convolutions(genotype, scale=scale, channels=channels))
    ends = sum(cell.channels for cell in genotype.cells if OPERATORS[cell.operator].bottleneck)
    return channels + sum(genotype.in_channels) + outputs - ends + genotype.features


def working_values(genotype: Genotype, *, scale: int, channels: int) -> int:
    """Values for each LR pixel besides, of a forward or a backward pass.

    Each block's output or its gradient; input, output and ReLU of the widest layer; and the image three times: as
    predicted, as enlarged by bicubic interpolation, and the true one.
    """
    widest = max(
        layer.in_channels * (scale**2 if layer.upscaled else 1) + 2 * _written(layer, scale)
        for layer in convolutions(genotype, scale=scale, channels=channels)
    )
    return sum(genotype.widths) + widest + 3 * channels * scale**2


def _written(layer: Convolution, scale: int) -> int:
    """Values that a convolution writes for each LR pixel."""
    return layer.out_channels * (scale**2 if layer.upscaled else 1)


def _alike(job: Job) -> tuple[object, ...]:
    """Equal for jobs that take the same memory: steps and seeds do not count."""
    recipe, teacher = job.recipe, _teacher(job)
    lesson = (job.stretch and job.stretch.distil, teacher and teacher.digest)
    shape = (recipe.batch, recipe.patch, recipe.precision, job.scale, job.channels)
    return (job.genotype.digest, *shape, job.data_digest, job.latency, lesson)
