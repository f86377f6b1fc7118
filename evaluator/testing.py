"""For tests: a scripted executor, and jobs that take no time.

Imports neither torch nor pytest. Whoever tests a search can run thousands of evaluations a second on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any, Literal

import numpy as np

from search_space.cost import LR_PIXELS
from search_space.genotype import Genotype

from .cost import Costs, costs
from .data.degrade import imresize
from .data.images import ImagePair, ImageSet
from .data.sets import EvaluationData
from .executor import Completion, Job, Ticket, WorkerInfo, refuse_closed, refuse_unloaded
from .finishing import Stretch
from .latency_target import LatencyTarget
from .outcome import Failure, Outcome, Provenance, Scores, Success
from .pool.retrying import tried
from .progress import TrainingProgress
from .provenance import code_digest
from .recipe import Recipe
from .schedule import stable_steps

TINY_GENOTYPE = Genotype.parse("f8|ib-k1-f4-n1:0|conv-k3-f4-n2-r:0,1|tail:0,2")
TINY_RECIPE = Recipe(name="tiny", steps=3, batch=2, patch=8, warmup_steps=1)
TINY_RUNGS = replace(TINY_RECIPE, steps=12, rungs=2)


def tiny_data(
    *, scale: int = 2, channels: int = 1, train: int = 2, validation: int = 1, seed: int = 0
) -> EvaluationData:
    """Make a few textured images: waves of all directions with a hard edge, 24 x 32 LR pixels each."""
    rng = np.random.default_rng(seed)

    def images(prefix: str, number: int) -> ImageSet:
        pairs = (_textured_pair(f"{prefix}-{index}", scale, channels, rng) for index in range(number))
        return ImageSet(pairs=tuple(pairs), scale=scale)

    return EvaluationData(images("train", train), images("validation", validation))


def _textured_pair(name: str, scale: int, channels: int, rng: np.random.Generator) -> ImagePair:
    height, width = 24 * scale, 32 * scale
    y, x = np.mgrid[:height, :width] / scale
    layers = []
    for _ in range(channels):
        fy, fx, phase = rng.uniform(0.05, 2.0, (3, 6, 1, 1))
        waves = np.sin(fy * y + fx * x + 6.3 * phase).mean(axis=0)
        edge = np.where(y + rng.uniform(0.2, 2) * x > rng.uniform(15, 40), 0.5, -0.5)
        layers.append(127 + 80 * waves + 60 * edge)
    hr = np.stack(layers, axis=2).clip(0, 255).round().astype(np.uint8)
    return ImagePair(name=name, hr=hr, lr=imresize(hr, 1 / scale))


def tiny_job(
    data: EvaluationData,
    *,
    seed: int = 0,
    genotype: Genotype = TINY_GENOTYPE,
    recipe: Recipe = TINY_RECIPE,
    channels: int = 1,
    timeout_s: float = 60.0,
    start: bytes = b"",
    keep_state: bool = False,
    stretch: Stretch | None = None,
) -> Job:
    """Make a job of three small steps."""
    return Job(
        genotype=genotype,
        recipe=recipe,
        scale=data.scale,
        channels=channels,
        seed=seed,
        data_digest=data.digest,
        timeout_s=timeout_s,
        start=start,
        keep_state=keep_state,
        stretch=stretch,
    )


def synthetic(job: Job) -> Outcome:
    """Score a job by arithmetic: a smooth landscape with diminishing returns, and noise by its seed.

    PSNR grows with the logarithm of the parameters, with the receptive field up to a point and with skips a
    little; SSIM follows it, FSDS prefers wide kernels. A million jobs a minute; nothing is trained. States are
    kept and resumed as by a real training, so that steps can be counted. Latency, where a job asks for it, follows
    the multiply-adds. A stretch scores half a decibel more with each tenfold of the step that it ends at, and fails
    with a start that is not its own; its weights are no checkpoint.
    """
    cost = costs(job.genotype, job.recipe, scale=job.scale, channels=job.channels)
    provenance = Provenance(
        recipe_digest=job.recipe.digest,
        data_digest=job.data_digest,
        code_digest=code_digest(),
        seed=job.seed,
        device="cpu (synthetic)",
    )
    last = _last_step(job)
    first = _synthetic_start(job)
    if job.stretch is not None and job.start and not first:
        return Failure(kind="error", message="UnfitState: it is of another training", device=provenance.device)
    scores = _synthetic_scores(job, cost)
    kept = stable_steps(job.recipe) if job.keep_state else 0
    if job.stretch is not None:
        kept = last if last < job.recipe.steps else 0
    return Success(
        scores=scores,
        provenance=provenance,
        train_s=cost.mult_adds / 1e9 * (1 if job.stretch is None else (last - first) / 300),
        validate_s=0.1,
        loss_curve=((last, 10 ** (-scores.psnr_db / 20)),),
        weights=b"" if job.stretch is None else f"weights {last} {job.lineage}".encode(),
        state=_synthetic_state(job, kept),
        steps=last - first,
    )


def _synthetic_scores(job: Job, cost: Costs) -> Scores:
    genotype = job.genotype
    reach = sum(cell.repeats * (cell.kernel // 2) for cell in genotype.cells)
    noise = np.random.default_rng([job.seed, int(genotype.digest[:8], 16)]).normal()
    psnr_db = 24 + 0.9 * math.log(cost.params) + 0.8 * (1 - math.exp(-reach / 4)) + 0.03 * len(genotype.skips)
    psnr_db += 0.02 * noise
    gain_db = 0.0 if job.stretch is None else 0.5 * math.log10(_last_step(job))
    psnr_db += gain_db
    return Scores(
        protocol=job.recipe.protocol,
        psnr_db=psnr_db,
        ssim=1 - 10 ** (-psnr_db / 30),
        fsds_db=20 + 0.5 * reach + 0.2 * math.log(cost.params) + gain_db,
        fsds_si_db=18 + 0.4 * reach + 0.2 * math.log(cost.params) + gain_db,
        params=cost.params,
        mult_adds=cost.mult_adds,
        latency_ms=None if job.latency is None else _synthetic_latency_ms(job.latency, cost.mult_adds),
    )


def _last_step(job: Job) -> int:
    return job.recipe.steps if job.stretch is None else min(job.stretch.until, job.recipe.steps)


def _synthetic_latency_ms(target: LatencyTarget, mult_adds: int) -> float:
    """Twenty thousand million multiply-adds a second, and a millisecond."""
    return 1 + mult_adds * (target.lr_width * target.lr_height / LR_PIXELS) / 2e7


def _synthetic_state(job: Job, steps: int) -> bytes:
    return f"{steps} {job.lineage}".encode() if steps else b""


def _synthetic_start(job: Job) -> int:
    """Steps that the job's start saves: 0 when it does not fit."""
    steps, _, lineage = job.start.decode(errors="replace").partition(" ")
    latest = min(stable_steps(job.recipe), job.recipe.steps - 1) if job.stretch is None else _last_step(job) - 1
    fits = lineage == job.lineage and int(steps) <= latest
    return int(steps) if fits else 0


class ScriptedExecutor:
    """Completes jobs at once, one for each call of `completed`; see `Executor` for what it guarantees.

    Args:
        script: From a job to its outcome.
        capacity: How many jobs are taken to run at once; the rest wait their turn.
        order: Which of the running jobs ends next: the oldest ("fifo"), one that a generator draws, or the one to which
            a function gives the least value; the last leaves the order as it was after a restart.
        max_attempts: How often a job is started before it has failed; each start asks the script anew.
    """

    def __init__(
        self,
        script: Callable[[Job], Outcome] = synthetic,
        *,
        capacity: int = 1,
        order: Literal["fifo"] | np.random.Generator | Callable[[Job], Any] = "fifo",
        max_attempts: int = 3,
    ) -> None:
        self._max_attempts = max_attempts
        self._script = script
        self._capacity = capacity
        self._order = order
        self._loaded: set[str] = set()
        self._jobs: dict[Ticket, Job] = {}
        self._tickets = count(1)
        self._closed = False

    @property
    def capacity(self) -> int:
        """As given."""
        return self._capacity

    def load(self, data: EvaluationData) -> None:
        """Remember the digest."""
        refuse_closed(self._closed)
        self._loaded.add(data.digest)

    def unload(self, digest: str) -> None:
        """Forget the digest."""
        self._loaded.discard(digest)

    def submit(self, job: Job) -> Ticket:
        """Queue a job."""
        refuse_closed(self._closed)
        refuse_unloaded(job, self._loaded)
        ticket = Ticket(next(self._tickets))
        self._jobs[ticket] = job
        return ticket

    def completed(self, timeout_s: float) -> list[Completion]:  # noqa: ARG002  # nothing to wait for
        """End one of the running jobs; never waits."""
        running = list(self._jobs)[: self._capacity]
        if not running:
            return []
        slot = self._next_slot([self._jobs[ticket] for ticket in running])
        worker = f"scripted-{slot + 1}"
        outcome, setbacks = tried(partial(self._script, self._jobs.pop(running[slot])), worker, self._max_attempts)
        return [
            Completion(
                ticket=running[slot], outcome=outcome, worker=worker, attempts=1 + len(setbacks), setbacks=setbacks
            )
        ]

    def _next_slot(self, running: list[Job]) -> int:
        if self._order == "fifo":
            return 0
        if isinstance(self._order, np.random.Generator):
            return int(self._order.integers(len(running)))
        return min(range(len(running)), key=[self._order(job) for job in running].__getitem__)

    def workers(self) -> list[WorkerInfo]:
        """One for each job that may run at once; a busy one is always halfway through its steps."""
        running = list(self._jobs.items())[: self._capacity]
        infos = [
            WorkerInfo(name=f"scripted-{slot}", pid=slot, node="scripted", busy_ticket=ticket, progress=_halfway(job))
            for slot, (ticket, job) in enumerate(running, start=1)
        ]
        idle = range(len(infos) + 1, 0 if self._closed else self._capacity + 1)
        return infos + [WorkerInfo(name=f"scripted-{slot}", pid=slot, node="scripted") for slot in idle]

    def cancel(self, ticket: Ticket) -> None:
        """Forget a job."""
        self._jobs.pop(ticket, None)

    def close(self) -> None:
        """Forget every job."""
        self._closed = True
        self._jobs.clear()


def _halfway(job: Job) -> TrainingProgress:
    steps = job.recipe.steps
    return TrainingProgress(step=steps // 2, steps=steps, loss=0.05, psnr_db=25.0, patches_per_s=100.0)
