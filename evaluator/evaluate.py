"""How good one network is: built, trained and scored by one pure function. A bad candidate does not raise.

Equal jobs on equal data give equal weights, bit for bit, on one CPU with as many threads. A GPU promises no
such thing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from . import checkpoints, training_state
from .cost import costs
from .data.images import ImageSet, as_luma
from .data.patches import ResidentImages
from .data.sets import EvaluationData
from .executor import Job
from .metrics.protocol import get_protocol
from .model import build_model
from .outcome import Failure, FailureKind, Outcome, Provenance, Scores, Success
from .progress import Report, TrainingProgress
from .provenance import code_digest, cpu_name
from .score import DEFAULT_METRICS, Metric, NonFiniteOutput, network_input
from .training import Diverged, TimedOut, fit
from .validation import validate

log = logging.getLogger(__name__)

KINDS: Mapping[type[Exception], FailureKind] = {
    Diverged: "diverged",
    TimedOut: "timeout",
    NonFiniteOutput: "non_finite",
    MemoryError: "out_of_memory",
    torch.OutOfMemoryError: "out_of_memory",
}
"""What an exception on the way to a score makes of a candidate; any other is an "error"."""

RESIDENT_SETS = 2
"""Training sets that a process keeps on its device: the one in use and the one before."""

PROBE_SIDE = 32
"""LR pixels a side of the crop that the stopping rule watches."""

_resident: dict[tuple[str, int, str], ResidentImages] = {}


def evaluate(
    job: Job,
    data: EvaluationData,
    *,
    device: str = "cpu",
    threads: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    report: Report | None = None,
) -> Outcome:
    """Train and score one candidate.

    Args:
        job: What to evaluate.
        data: The images whose digest the job names.
        device: Name of the torch device.
        threads: Threads of torch meanwhile; as torch is set up when None.
        clock: Seconds, from any origin.
        report: Told at most once a second where the evaluation stands, and when a phase of it begins.

    Returns:
        Scores, provenance and weights, or the kind of failure with its message. Whatever goes wrong with the
        candidate is a `Failure`; an exception that was not foreseen is logged with its traceback.
    """
    started = clock()
    taken = _Taken()
    with _torch_threads(threads):
        name = device_name(device, torch.get_num_threads())
        try:
            return _evaluate(job, data, torch.device(device), name, clock, taken, report)
        except Exception as error:
            kind = _kind(error)
            if kind == "error":
                log.exception("evaluation failed: genotype=%s", job.genotype.digest)
                message = f"{type(error).__name__}: {error}"
            else:
                message = str(error) or type(error).__name__
            return Failure(kind=kind, message=message, train_s=clock() - started, device=name, steps=taken.steps)


class _Taken:
    """Counts optimiser steps for either kind of outcome."""

    steps = 0

    def add(self, _: int) -> None:
        self.steps += 1


def _evaluate(
    job: Job,
    data: EvaluationData,
    device: torch.device,
    name: str,
    clock: Callable[[], float],
    taken: _Taken,
    report: Report | None,
) -> Success:
    """Build, train, score."""
    recipe = job.recipe
    generator = torch.Generator().manual_seed(job.seed)
    model = build_model(job.genotype, recipe, scale=job.scale, channels=job.channels, generator=generator)
    place(model, device)
    images = _resident_images(data, job.channels, device)
    probe = _probe(data.validation, job.channels, device) if recipe.settle_window else None
    trace = fit(
        model,
        images,
        recipe,
        generator=generator,
        clock=clock,
        deadline_s=clock() + job.timeout_s,
        probe=probe,
        on_step=taken.add,
        start=training_state.from_bytes(job.start, job.lineage, model, recipe) if job.start else None,
        keep_state=job.keep_state,
    )
    trained = clock()
    if report is not None:
        report(TrainingProgress(phase="validation", step=taken.steps, steps=recipe.steps))
    means, bands = validate(model, data.validation, get_protocol(recipe.protocol))
    metadata = checkpoints.Metadata(genotype=job.genotype, recipe=recipe, scale=job.scale, channels=job.channels)
    return Success(
        scores=_scores(job, means),
        provenance=Provenance(
            recipe_digest=recipe.digest,
            data_digest=data.digest,
            code_digest=code_digest(),
            seed=job.seed,
            device=name,
        ),
        train_s=trace.train_s,
        validate_s=clock() - trained,
        loss_curve=trace.loss_curve,
        bands=bands,
        weights=checkpoints.to_bytes(model.network.state_dict(), metadata),
        state=training_state.to_bytes(trace.state, job.lineage) if trace.state is not None else b"",
        steps=taken.steps,
    )


def place(model: nn.Module, device: torch.device) -> None:
    """Move a model to a device, in the memory format that is fastest there: channels last on a CPU."""
    # On a GPU channels last pays only with half precision, which would change scores.
    model.to(device)
    if device.type == "cpu":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from its stubs


def _scores(job: Job, means: Mapping[Metric, float]) -> Scores:
    if len(means) < len(DEFAULT_METRICS):
        raise ValueError("no validation image has a score: every one of them is constant")
    cost = costs(job.genotype, job.recipe, scale=job.scale, channels=job.channels)
    return Scores(
        protocol=job.recipe.protocol,
        psnr_db=means["psnr_db"],
        ssim=means["ssim"],
        fsds_db=means["fsds_db"],
        fsds_si_db=means["fsds_si_db"],
        params=cost.params,
        mult_adds=cost.mult_adds,
    )


def _probe(images: ImageSet, channels: int, device: torch.device) -> Tensor:
    """What the stopping rule watches: of the images' central windows the one that varies most, so no empty sky."""
    pair = max(images.crop(PROBE_SIDE), key=lambda pair: float(pair.lr.std()))
    return network_input(pair, channels, device)


def _resident_images(data: EvaluationData, channels: int, device: torch.device) -> ResidentImages:
    """The training images on a device, from the last jobs' where they used the same."""
    key = (data.digest, channels, str(device))
    images = _resident.pop(key, None)
    if images is None:
        images = ResidentImages(as_luma(data.train) if channels == 1 else data.train, device)
    _resident[key] = images
    while len(_resident) > RESIDENT_SETS:
        del _resident[next(iter(_resident))]
    return images


def _kind(error: Exception) -> FailureKind:
    for cause, kind in KINDS.items():
        if isinstance(error, cause):
            return kind
    # The CPU's allocator has no exception of its own.
    return "out_of_memory" if "DefaultCPUAllocator" in str(error) else "error"


def device_name(device: str, threads: int) -> str:
    """The name that scores made on a torch device carry; of a CPU with so many threads."""
    if torch.device(device).type == "cuda" and torch.cuda.is_available():
        return torch.cuda.get_device_name(device)
    return cpu_name(threads)


def device_memory_bytes(device: str) -> int:
    """Memory of a GPU, free and used; 0 for a CPU."""
    if torch.device(device).type == "cuda" and torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(device).total_memory)
    return 0


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    """Give torch that many threads for a while."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
