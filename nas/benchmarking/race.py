"""The race: every entrant with every seed, results held back as workers would, hypervolume after every evaluation."""

from __future__ import annotations

import math
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..pareto import Archive
from .entrants import Entrant
from .landscape import Landscape, Values
from .rivals import Asked, Searcher
from .rungs import FULL

THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One thread for each process: figures are the same on every machine, and processes do not wait for each other."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is raced.

    Attributes:
        entrants: Who races.
        evaluations: The budget of each, in full trainings.
        seeds: How many runs of each, numbered from 0.
        in_flight: Evaluations out at once, for each of which everybody races anew; 1 is one after the other.
    """

    entrants: tuple[Entrant, ...]
    evaluations: int
    seeds: int
    in_flight: tuple[int, ...]

    @property
    def starts(self) -> list[tuple[Entrant, int, int]]:
        """Entrant, number in flight and seed of every run."""
        seeds = range(self.seeds)
        return [(entrant, flying, seed) for flying in self.in_flight for entrant in self.entrants for seed in seeds]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one entrant reached with one seed.

    Attributes:
        entrant: Its name.
        in_flight: Evaluations out at once.
        seed: The seed.
        hypervolume: Of the truth of what was trained in full, after 1, 2, ... full trainings' worth of steps, in the
            units of `nas.pareto`; shape (evaluations,). It stays where it is once nothing more is asked for.
        evaluations: Evaluations told, at any rung.
        duplicates: How many of them had been told before: a cache would have answered.
        rungs: Evaluations by rung; -1 is full training.
        cpu_ms: Processor time that asking and telling took, a mean over evaluations.
        front_after: Evaluations after which the whole exact front was found; None where it was not, or is not known.
    """

    entrant: str
    in_flight: int
    seed: int
    hypervolume: NDArray[np.float64]
    evaluations: int
    duplicates: int
    rungs: Mapping[int, int]
    cpu_ms: float
    front_after: int | None


def race(
    plan: Plan, landscape: Landscape, *, workers: int = 1, step: Callable[[str, int], None] = lambda *_: None
) -> list[Run]:
    """Run a plan; the result depends on neither the workers nor their timing, but for processor times.

    Args:
        plan: What is raced.
        landscape: What is searched.
        workers: Processes; with 1, everything runs in this one.
        step: Is told after every run its entrant's name, and how many runs there are in all.
    """
    starts = plan.starts
    workers = min(workers, len(starts))
    found: dict[int, Run] = {}
    searching = _here if workers == 1 else _in_processes
    for i, finished in searching(starts, landscape, plan.evaluations, workers):
        found[i] = finished
        step(finished.entrant, len(starts))
    return [found[i] for i in range(len(starts))]


def run(entrant: Entrant, in_flight: int, seed: int, landscape: Landscape, evaluations: int) -> Run:
    """Let one entrant search with one seed; every result arrives so many asks after its own.

    Args:
        entrant: Who searches.
        in_flight: Evaluations out at once, at least 1.
        seed: Of the entrant, and of the noise that it sees.
        landscape: What is searched.
        evaluations: The budget, in full trainings.
    """
    searcher, clock = _timed(lambda: entrant.build(landscape, seed))
    course = _Course(landscape, evaluations)
    lag = entrant.lag(in_flight)
    waiting: deque[tuple[Asked, float]] = deque()
    while True:
        asked = None
        if len(waiting) < lag and course.issued < evaluations:
            asked, took = _timed(searcher.ask)
            clock += took
        if asked is not None:
            waiting.append((asked, course.issue(asked)))
        elif waiting:
            told, cost = waiting.popleft()
            clock += _tell(searcher, told, landscape.observe(told.genotype, seed=seed, rung=told.rung))
            course.note(told, cost)
        else:
            break
    return Run(
        entrant=entrant.name,
        in_flight=in_flight,
        seed=seed,
        hypervolume=course.hypervolume,
        evaluations=course.told,
        duplicates=course.duplicates,
        rungs=dict(sorted(course.rungs.items())),
        cpu_ms=1000 * clock / max(1, course.told),
        front_after=course.front_after,
    )


class _Course:
    """What a run has spent and reached."""

    def __init__(self, landscape: Landscape, evaluations: int) -> None:
        self._landscape = landscape
        self._archive = Archive(landscape.objectives, landscape.reference)
        self._missing = set(landscape.exact_front)
        self._reached: dict[str, int] = {}
        self._spent: list[float] = []
        self._found: list[float] = []
        self._evaluations = evaluations
        self.issued = 0.0
        self.duplicates = 0
        self.rungs: Counter[int] = Counter()
        self.front_after: int | None = None

    @property
    def told(self) -> int:
        """Evaluations told."""
        return len(self._found)

    @property
    def hypervolume(self) -> NDArray[np.float64]:
        """After each full training's worth of steps."""
        counts = np.searchsorted(np.cumsum(self._spent), np.arange(1, self._evaluations + 1) + 1e-9, side="right")
        return np.array([0.0, *self._found])[counts]

    def issue(self, asked: Asked) -> float:
        """Book the cost of an evaluation, in full trainings; it goes on from a shorter one of the same genotype."""
        reached = self._reached.get(asked.genotype.digest)
        cost = self._landscape.rungs.cost(
            asked.rung, after=None if reached is None or reached >= asked.rung else reached
        )
        self.issued += cost
        return cost

    def note(self, asked: Asked, cost: float) -> None:
        """Take in an evaluation that was told."""
        digest = asked.genotype.digest
        self.duplicates += self._reached.get(digest, -math.inf) >= asked.rung
        self._reached[digest] = max(asked.rung, self._reached.get(digest, asked.rung))
        self.rungs[asked.rung] += 1
        if asked.rung == FULL:
            truth = self._landscape.truth(asked.genotype)
            self._archive.insert(truth)
            self._look_for_front(truth)
        self._spent.append(cost)
        self._found.append(self._archive.hypervolume)

    def _look_for_front(self, truth: Values) -> None:
        if truth in self._missing:
            self._missing.remove(truth)
            if not self._missing:
                self.front_after = self.told + 1


T = TypeVar("T")


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    """What a call returns, and the processor seconds that it took."""
    started = time.process_time()
    return do(), time.process_time() - started


def _tell(searcher: Searcher, asked: Asked, values: Values) -> float:
    return _timed(lambda: searcher.tell(asked, values))[1]


_landscape: list[Landscape] = []
"""What the runs of this process search; a process is given it once."""


Starts = Sequence[tuple[Entrant, int, int]]


def _here(starts: Starts, landscape: Landscape, evaluations: int, _workers: int) -> Iterator[tuple[int, Run]]:
    for i, start in enumerate(starts):
        yield i, run(*start, landscape, evaluations)


def _in_processes(starts: Starts, landscape: Landscape, evaluations: int, workers: int) -> Iterator[tuple[int, Run]]:
    with (
        _environment(THREADS),
        ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_receive, initargs=(landscape,)
        ) as pool,
    ):
        runs = {pool.submit(_run_here, *start, evaluations): i for i, start in enumerate(starts)}
        try:
            for finished in as_completed(runs):
                yield runs[finished], finished.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _receive(landscape: Landscape) -> None:
    _landscape.append(landscape)


def _run_here(entrant: Entrant, in_flight: int, seed: int, evaluations: int) -> Run:
    return run(entrant, in_flight, seed, _landscape[0], evaluations)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Change the environment for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
