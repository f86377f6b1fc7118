"""Controllers made with one call, on which nothing waits and nothing is kept, and outcomes for them to record."""

from __future__ import annotations

import concurrent.futures
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evaluator import checkpoints
from evaluator.executor import Executor, Job
from evaluator.outcome import Failure, Outcome, Success
from evaluator.testing import synthetic, tiny_data
from search_space.errors import InvalidInput

from ..breeding import engine_of
from ..controller import Controller
from ..finishing import Equipment, TrainingFiles
from ..leases import Leasing
from ..preparing import Prepared, reference_point
from ..records import Candidate
from ..spec import SearchSpec
from ..states import StateShelf
from ..store.base import Store
from .builders import START

BASELINE = {"psnr_db": 25.0, "ssim": 0.7, "fsds_db": 15.0}
"""What bicubic is said to score; every network of `synthetic` beats it."""


def make_controller(store: Store, executor: Executor, **parts: Any) -> Controller:
    """A controller for one search at a time whose clock stands still; any part can be given."""
    made: dict[str, Any] = {
        "prepare": prepare,
        "build_engine": engine_of,
        "keep_weights": lambda key, _: key,
        "states": StateShelf(Path("states-are-not-kept"), 0),
        "finishing": equipment(Path("trainings-are-not-kept")),
        "exports": NoExports(),
        "leasing": Leasing(owner="a controller", lease_s=30, max_active=1),
        "loader": Immediate(),
        "clock": lambda: START,
        "wait": lambda _: None,
        "poll_s": 0,
    }
    return Controller(store, executor, **made | parts)


def equipment(home: Path, **parts: Any) -> Equipment:
    """What full trainings need, their files below a folder; any part can be given."""
    made: dict[str, Any] = {
        "files": TrainingFiles(home, home / "models"),
        "prepare": lambda _: tiny_data(),
        "checkpoint_s": 120.0,
    }
    return Equipment(**made | parts)


class Immediate(concurrent.futures.Executor):
    """Runs at once, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """The future of a call that has ended, with its result or its exception."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # the future carries it
            future.set_exception(error)
        return future


class Held(Immediate):
    """Runs what it was given when it is told to."""

    def __init__(self) -> None:
        self._calls: list[tuple[concurrent.futures.Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """The future of a call that waits."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._calls.append((future, partial(fn, *args, **kwargs)))
        return future

    def go_on(self) -> int:
        """Run all that waits; how many calls these were."""
        calls, self._calls = self._calls, []
        for future, call in calls:
            try:
                future.set_result(call())
            except Exception as error:  # the future carries it
                future.set_exception(error)
        return len(calls)


class NoExports:
    """Leaves every requested artifact to others."""

    def step(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def prepare(spec: SearchSpec) -> Prepared:
    """The same two images for every search, and the scores of bicubic that are in `BASELINE`."""
    point = reference_point(spec, BASELINE)
    return Prepared(data=tiny_data(), notes=("two images",), baseline=BASELINE, reference_point=point)


def by_steps(job: Job) -> Outcome:
    """A `synthetic` outcome in which longer trainings score better, and rank as short ones do."""
    outcome = synthetic(job)
    assert isinstance(outcome, Success)
    psnr_db = outcome.scores.psnr_db + float(np.log2(job.recipe.steps))
    return replace(outcome, scores=replace(outcome.scores, psnr_db=psnr_db))


def by_steps_or_diverged(job: Job) -> Outcome:
    """As `by_steps`, but one network in eleven, always the same ones, diverges."""
    if int(job.genotype.digest, 16) % 11 == 0:
        return Failure(kind="diverged", message="the loss grew", train_s=1.0)
    return by_steps(job)


def stretched(job: Job) -> Outcome:
    """A `synthetic` outcome whose states are documents, and which takes a second for each step."""
    start = job.start
    with suppress(InvalidInput):  # a document that cannot be read is no start of `synthetic` either
        header = json.loads(checkpoints.unpack(job.start)[1])
        start = f"{header['steps']} {header['lineage']}".encode()
    outcome = synthetic(replace(job, start=start))
    if isinstance(outcome, Failure):
        return outcome
    steps = outcome.state.partition(b" ")[0]
    state = checkpoints.pack({}, json.dumps({"steps": int(steps), "lineage": job.lineage})) if steps else b""
    return replace(outcome, state=state, train_s=float(outcome.steps))


def proposals(log: Iterable[Candidate]) -> list[tuple[Any, ...]]:
    """What was proposed, in order, and whether it survived: equal where two searches were the same search."""
    return [(c.genotype, c.rung, c.replicate, c.operator, c.parents, c.arm, c.predicted, c.survived) for c in log]
