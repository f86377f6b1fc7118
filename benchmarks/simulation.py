"""A search whose trainings only wait: real controller, store and Ray, so that what is left is what they cost.

Nothing is read off clocks of workers but the time that each waited (`waiting.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.reporting import PHOTOS, cores
from benchmarks.waiting import WaitingWorker
from benchmarks.watching import Busy, Watched, busy
from evaluator.ray_pool import RayExecutor
from nas.service import Service
from nas.settings import Settings
from nas.store.opening import open_store
from nas.worker import make_controller

TYPICAL = 4.5
"""About how many times longer than the shortest a training is in the mean, which sizes a simulation."""


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """One simulated search.

    Attributes:
        mode: Of its engine, "steady" or "generational".
        workers: How many there were.
        busy: How busy they were.
        controller_share: CPU seconds of the controller's process over the wall time of `busy`; above 1 where several
            threads of it ran.
        controller_ms: The same for each job.
    """

    mode: str
    workers: int
    busy: Busy
    controller_share: float
    controller_ms: float


def simulate(mode: str, workers: int, *, evaluations: int, population: int, seconds: float, home: Path) -> Simulated:
    """Run one search to its end.

    Args:
        mode: Of its engine.
        workers: Ray workers; each claims a fraction of a core.
        evaluations: Its budget, several times the workers.
        population: Of its engine.
        seconds: About how long it shall take.
        home: An empty folder for its database.
    """
    steps = max(1, round(1000 * seconds * workers / (evaluations * TYPICAL)))
    settings = Settings(
        home=home,
        images_root=PHOTOS.parent,
        database_url=f"sqlite:///{home / 'srnas.sqlite'}",  # whatever the environment says
        workers=workers,
        cpus_per_worker=min(1.0, cores() / workers),
    )
    store = open_store(settings.database, exclusive=True)
    search = Service(store, settings).submit(_spec(mode, evaluations, population, steps))
    pool = RayExecutor(workers=workers, cpus_per_worker=settings.cpus_per_worker, worker=WaitingWorker)
    executor = Watched(pool)
    controller = make_controller(store, executor, settings, only=search.id)
    try:
        while not store.search(search.id).state.ended:
            controller.step()
    finally:
        controller.close()
        executor.close()
        store.close()
    found = busy(executor.spans, workers)
    return Simulated(
        mode=mode,
        workers=workers,
        busy=found,
        controller_share=executor.cpu_s / found.wall_s,
        controller_ms=1000 * executor.cpu_s / found.jobs,
    )


def _spec(mode: str, evaluations: int, population: int, steps: int) -> dict[str, Any]:
    return {
        "dataset": {"train": PHOTOS.name},
        "objectives": ["psnr", "mult_adds"],
        "recipe": {"steps": steps},
        "engine": {"mode": mode},
        "population": population,
        "front_seeds": 1,
        "budget": {"evaluations": evaluations},
    }
