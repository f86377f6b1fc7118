"""How good one network is: built, trained and scored by one pure function. A bad candidate does not raise.

Equal jobs on equal data give equal weights, bit for bit, on one CPU with as many threads. A GPU promises no
such thing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from . import checkpoints, training_state
from .cost import costs
from .data.images import ImagePair, ImageSet, as_luma
from .data.patches import ResidentImages
from .data.sets import EvaluationData
from .devices import device_name, peak_memory_bytes, prepared, probe, ran_out_of_memory, release
from .executor import DeviceLost, Job
from .latency_target import LatencyTarget
from .lesson import Lesson
from .losses import Diverged
from .metadata import Metadata
from .metrics.protocol import get_protocol
from .model import SRModel, build_model
from .outcome import Failure, FailureKind, Outcome, Provenance, Scores, Success
from .precision import Computed, matrix_units, resolve
from .progress import Report, Reporter
from .provenance import code_digest
from .score import DEFAULT_METRICS, Metric, NonFiniteOutput, network_input, score_image
from .training import TimedOut, TrainingTrace, fit
from .validation import validate
from .weights import warm_start

log = logging.getLogger(__name__)

KINDS: Mapping[type[Exception], FailureKind] = {
    Diverged: "diverged",
    TimedOut: "timeout",
    NonFiniteOutput: "non_finite",
    MemoryError: "out_of_memory",
    torch.OutOfMemoryError: "out_of_memory",
}
"""What an exception on the way to a score makes of a candidate; any other is an "error"."""

SUSPECT: tuple[FailureKind, ...] = ("error", "out_of_memory")
"""Failures after which a device is probed: a broken one would make a failure of every later candidate."""

RESIDENT_SETS = 2
"""Training sets that a process keeps on its device: the one in use and the one before."""

PROBE_SIDE = 32
"""LR pixels a side of the crop that is watched during a training."""

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

    Raises:
        DeviceLost: The device is at fault, not the candidate.
    """
    try:
        with prepared(device, threads):
            outcome = _attempt(job, data, _Setting(device, clock, report))
        if isinstance(outcome, Failure) and outcome.kind in SUSPECT:
            probe(device)
    except RuntimeError as error:
        hint = "start this process anew; if that does not help, look at what the driver says of the device"
        raise DeviceLost(f"{device} does not answer: {error}", retryable=True, hint=hint) from error
    return outcome


@dataclass
class _Setting:
    """Where one evaluation runs, who is told of it, and how many steps it has taken, for either kind of outcome."""

    device: str
    clock: Callable[[], float]
    report: Report | None
    taken: int = 0

    def count(self, _: int) -> None:
        self.taken += 1

    @property
    def name(self) -> str:
        return device_name(self.device, torch.get_num_threads())


def _attempt(job: Job, data: EvaluationData, setting: _Setting) -> Outcome:
    """Evaluate, and make a failure of whatever goes wrong."""
    started = setting.clock()
    try:
        return _evaluate(job, data, setting)
    except Exception as error:
        kind = _kind(error)
        if kind == "error":
            log.exception("evaluation failed: genotype=%s", job.genotype.digest)
            message = f"{type(error).__name__}: {error}"
        else:
            message = str(error) or type(error).__name__
        train_s = setting.clock() - started
        return Failure(kind=kind, message=message, train_s=train_s, device=setting.name, steps=setting.taken)


def _evaluate(job: Job, data: EvaluationData, setting: _Setting) -> Success:
    """Build, train, score, time."""
    recipe, clock = job.recipe, setting.clock
    precision = resolve(recipe.precision, setting.device)
    generator = torch.Generator().manual_seed(job.seed)
    model = build_model(job.genotype, recipe, scale=job.scale, channels=job.channels, generator=generator)
    if job.stretch is not None and job.stretch.warm and not job.start:
        warm_start(model, job.stretch.warm)
    place(model, torch.device(setting.device))
    reporter = _reporter(model, data, setting)
    with matrix_units("ieee"):  # but for the steps of training, which say themselves what they compute in
        trace = _train(model, job, data, generator, precision, reporter, setting)
        release(setting.device)
        trained, steps = clock(), trace.loss_curve[-1][0] if trace.loss_curve else 0
        if reporter is not None:
            reporter.begin("validation", steps)
        means, bands = validate(model, data.validation, get_protocol(recipe.protocol))
        validate_s = clock() - trained
    if reporter is not None and job.latency is not None:
        reporter.begin("latency", steps)
    latency_ms = _latency_ms(model, job.latency, setting)
    metadata = Metadata(genotype=job.genotype, recipe=recipe, scale=job.scale, channels=job.channels)
    return Success(
        scores=_scores(job, means, latency_ms),
        provenance=_provenance(job, data, precision, setting),
        train_s=trace.train_s,
        validate_s=validate_s,
        loss_curve=trace.loss_curve,
        bands=bands,
        weights=checkpoints.to_bytes(model.network.state_dict(), metadata),
        state=training_state.to_bytes(trace.state, job.lineage) if trace.state is not None else b"",
        steps=setting.taken,
        peak_memory_bytes=peak_memory_bytes(setting.device),
    )


def _train(
    model: SRModel,
    job: Job,
    data: EvaluationData,
    generator: torch.Generator,
    precision: Computed,
    reporter: Reporter | None,
    setting: _Setting,
) -> TrainingTrace:
    """Train a model in place as its job says."""
    device, recipe = setting.device, job.recipe
    images = _resident_images(data, job.channels, torch.device(device))
    return fit(
        model,
        images,
        recipe,
        generator=generator,
        clock=setting.clock,
        deadline_s=setting.clock() + job.timeout_s,
        precision=precision,
        probe=network_input(_busiest(data.validation), job.channels, device) if recipe.settle_window else None,
        on_step=setting.count,
        start=training_state.start_of(job, model) if job.start else None,
        keep_state=job.keep_state,
        until=None if job.stretch is None else job.stretch.until,
        lesson=_lesson(model, images, job),
        reporter=reporter,
    )


def _lesson(model: SRModel, images: ResidentImages, job: Job) -> Lesson | None:
    """What a distilled training learns from; None without a teacher."""
    stretch = job.stretch
    if stretch is None or stretch.distil is None:
        return None
    from .distillation import make_lesson  # nobody else needs it

    distil, teacher, device = stretch.distil, stretch.teacher, images.device
    return make_lesson(distil, teacher, model=model, images=images, recipe=job.recipe, seed=job.seed, device=device)


def _provenance(job: Job, data: EvaluationData, precision: Computed, setting: _Setting) -> Provenance:
    return Provenance(
        recipe_digest=job.recipe.digest,
        data_digest=data.digest,
        code_digest=code_digest(),
        seed=job.seed,
        device=setting.name,
        precision=precision,
    )


def place(model: nn.Module, device: torch.device) -> None:
    """Move a model to a device, in the memory format that is fastest there: channels last."""
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from its stubs


def _scores(job: Job, means: Mapping[Metric, float], latency_ms: float | None) -> Scores:
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
        latency_ms=latency_ms,
    )


def _latency_ms(model: SRModel, target: LatencyTarget | None, setting: _Setting) -> float | None:
    if target is None:
        return None
    from .latency.measure import latency_ms  # what it needs on a CPU, not every worker has to have

    return latency_ms(model, target, setting.device, clock=setting.clock)


def _reporter(model: SRModel, data: EvaluationData, setting: _Setting) -> Reporter | None:
    """What reports on the training of a model; it shows the PSNR of one small crop under the recipe's protocol."""
    if setting.report is None:
        return None
    pair, protocol = _busiest(data.validation), get_protocol(model.recipe.protocol)
    lr = network_input(pair, model.channels, setting.device)

    @torch.no_grad()
    def psnr_db() -> float | None:
        try:
            return score_image(model(lr), pair, protocol, metrics=("psnr_db",)).psnr_db
        except NonFiniteOutput:
            return None

    return Reporter(
        setting.report,
        clock=setting.clock,
        steps=model.recipe.steps,
        batch=model.recipe.batch,
        psnr_db=psnr_db,
        memory_bytes=lambda: peak_memory_bytes(setting.device),
    )


def _busiest(images: ImageSet) -> ImagePair:
    """Of the images' central windows the one that varies most, so no empty sky: what is watched during a training."""
    return max(images.crop(PROBE_SIDE), key=lambda pair: float(pair.lr.std()))


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
    return "out_of_memory" if ran_out_of_memory(error) else "error"
