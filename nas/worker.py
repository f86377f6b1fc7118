"""The composition root of the controller process: the only place that knows every concrete part.

Heavy: it reaches torch, pymoo, Ray and SQL. Imported when a controller is started, never by the web process.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import structlog

from evaluator import checkpoints
from evaluator.executor import Executor
from evaluator.inline import InlineExecutor
from evaluator.processes import ProcessExecutor
from evaluator.ray_pool import RayExecutor
from evaluator.score import baseline

from .artifacts import write_artifact
from .breeding import engine_of
from .catalogue import Catalogue
from .controller import Controller
from .environment import environment
from .exporting import ThreadedExports
from .finishing import Equipment, TrainingFiles
from .leases import Leasing
from .preparing import images, prepare
from .rating.rate import benchmark_sets
from .records import BENCHMARK, Search, SearchId, SearchState, Training, Worker
from .service import Service, utc_now
from .settings import Settings, without_password
from .standing import Standing
from .states import StateShelf
from .store.base import Store, StoreUnavailable
from .store.opening import open_store

logger = structlog.get_logger(__name__)


def run_controller(settings: Settings, stop: Callable[[], bool]) -> None:
    """Advance searches until ``stop`` says so; `ExecutorError` when the workers that settings ask for cannot be had."""
    with _opened(settings, exclusive=False) as store, open_executor(settings) as executor:
        logger.info("controller started", **_described(settings))
        make_controller(store, executor, settings).run(stop)


def _described(settings: Settings) -> dict[str, str | int]:
    """What a controller works with, for its log: no password among it."""
    return {
        "database": without_password(settings.database),
        "images_root": str(settings.images_root.resolve()),
        "executor": settings.executor,
        "workers": "as many as there is room for" if settings.counted_later else settings.worker_count,
        "ray": (settings.ray_address or "local") if settings.executor == "ray" else "none",
    }


def run_search(
    document: Mapping[str, Any] | str,
    settings: Settings,
    on_progress: Callable[[Search, Sequence[Worker]], None],
    *,
    inline: bool = False,
) -> Search:
    """Run one search in this process to its end.

    Args:
        document: A spec; or the id of a stored search, which goes on from where it was left.
        settings: Where things lie; the database is taken exclusively.
        on_progress: Called after every step with the stored search, and with what the workers do.
        inline: Train in this process instead of Ray workers.

    Returns:
        The ended search.

    Raises:
        InvalidSettings: There is no images root.
        InvalidSpec: The spec cannot be accepted.
        StoreInUse: Another process serves the database.
    """
    with _opened(settings, exclusive=True) as store:
        service = Service(store, settings)
        search = service.search(document) if isinstance(document, str) else service.submit(document)
        if search.state is SearchState.PAUSED:
            search = service.resume(search.id)
        with _inline_worker() if inline else open_executor(settings) as executor:
            controller = make_controller(store, executor, settings, only=search.id)
            try:
                while not search.state.ended:
                    with suppress(StoreUnavailable):  # the controller says so, and waits
                        on_progress(search, service.workers())
                    controller.step()
                    with suppress(StoreUnavailable):
                        search = service.search(search.id)
            finally:
                controller.close()
        on_progress(search, ())
        return search


def make_controller(
    store: Store, executor: Executor, settings: Settings, *, only: SearchId | None = None
) -> Controller:
    """A controller over real parts, for every search or for one."""
    folder_of = Catalogue(images_root=settings.images_root, home=settings.home, registered=store.datasets).folder
    sets = partial(benchmark_sets, settings.benchmarks_root)
    write = partial(
        write_artifact,
        folder_of,
        benchmark_sets=sets,
        front_of=lambda search_id: Standing(store, search_id).front(),
        benchmark_of=partial(measured_benchmark, store, settings.home),
    )
    return Controller(
        store,
        executor,
        prepare=partial(prepare, folder_of=folder_of, baseline=baseline, environment=environment()),
        build_engine=engine_of,
        keep_weights=partial(keep_weights, settings.home),
        states=StateShelf(settings.home / "states", int(settings.states_gib * 2**30)),
        finishing=Equipment(
            files=TrainingFiles(settings.home, settings.models_root),
            prepare=partial(images, folder_of=folder_of),
            checkpoint_s=settings.checkpoint_s,
        ),
        exports=ThreadedExports(store, settings.home, write, clock=utc_now),
        leasing=Leasing(
            owner=f"{platform.node()}:{os.getpid()}",
            lease_s=settings.lease_s,
            max_active=settings.max_active_searches,
            only=only,
        ),
        loader=ThreadPoolExecutor(max_workers=2, thread_name_prefix="prepare"),
        clock=utc_now,
        wait=time.sleep,
        poll_s=settings.poll_s,
    )


def measured_benchmark(store: Store, home: Path, training: Training) -> Path | None:
    """The file of the last benchmark of a finished model, below the home folder; None where none is ready."""
    made = [
        artifact.path
        for artifact in store.artifacts(training.candidate_id)
        if artifact.training_id == training.id and artifact.format == BENCHMARK and artifact.path is not None
    ]
    return home / made[-1] if made else None


def keep_weights(home: Path, key: str, weights: bytes) -> str:
    """Store weights below the home folder; returns their path relative to it.

    The path tells of what is in the file, so that no two trainings of one network write the same one: a controller that
    slept through the loss of its search leaves a file that nothing names, and takes none from a score.
    """
    content = blake2b(weights, digest_size=4).hexdigest()
    relative = f"weights/{key[:2]}/{key}-{content}.safetensors"
    checkpoints.write(home / relative, weights)
    return relative


@contextmanager
def _opened(settings: Settings, *, exclusive: bool) -> Iterator[Store]:
    settings.require_images_root()
    settings.home.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database, exclusive=exclusive)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def open_executor(settings: Settings) -> Iterator[Executor]:
    """The workers that settings ask for."""
    executor = _ray_workers(settings) if settings.executor == "ray" else _processes(settings)
    try:
        yield executor
    finally:
        executor.close()


def _ray_workers(settings: Settings) -> RayExecutor:
    return RayExecutor(
        workers=None if settings.counted_later else settings.worker_count,
        cpus_per_worker=settings.cpus_per_worker,
        gpus_per_worker=settings.gpus_per_worker,
        cpu_nodes=settings.cpu_nodes,
        address=settings.ray_address or None,
        max_attempts=settings.max_attempts,
    )


def _processes(settings: Settings) -> ProcessExecutor:
    share = settings.gpus_per_worker
    return ProcessExecutor(
        workers=None if settings.counted_later else settings.worker_count,
        threads=max(1, int(settings.cpus_per_worker)),
        device="cuda" if share else "cpu",
        workers_per_gpu=max(1, int(1 / share)) if share else 1,
        max_attempts=settings.max_attempts,
    )


@contextmanager
def _inline_worker() -> Iterator[Executor]:
    executor = InlineExecutor()
    try:
        yield executor
    finally:
        executor.close()
