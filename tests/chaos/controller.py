"""A controller as `srnas controller` starts it, but for what its Ray workers do: `python -m tests.chaos.controller`.

python -m tests.chaos.controller JOURNAL            its workers are Ray's, on the cluster at RAY_ADDRESS
python -m tests.chaos.controller JOURNAL --inline   it waits for its trainings itself, one after the other
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import sys
import time
from functools import partial
from pathlib import Path

import structlog

from evaluator.executor import Executor, Job
from evaluator.outcome import Outcome
from evaluator.ray_pool import RayExecutor
from evaluator.testing import ScriptedExecutor
from nas.settings import Settings, read_settings
from nas.stopping import StopRequest
from nas.store.opening import open_store
from nas.worker import make_controller
from tests.chaos.scripted import Journal, ScriptedWorker, outcome_of, signed, wait_s


def main() -> None:
    """Advance the searches of the database that the environment names until it is told to stop."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("journal", type=Path)
    options.add_argument("--inline", action="store_true")
    asked = options.parse_args()
    log_json()
    settings, owner = read_settings(), f"{platform.node()}:{os.getpid()}"
    store = open_store(settings.database)
    executor = inline(asked.journal, owner) if asked.inline else on_ray(asked.journal, owner, settings)
    try:
        make_controller(store, executor, settings).run(StopRequest())
    finally:
        executor.close()
        store.close()


def on_ray(journal: Path, owner: str, settings: Settings) -> Executor:
    """The pool of a real controller, with scripted workers."""
    return RayExecutor(
        workers=settings.worker_count,
        cpus_per_worker=settings.cpus_per_worker,
        address=settings.ray_address,
        worker=partial(ScriptedWorker, str(journal), owner),
        max_attempts=settings.max_attempts,
    )


def inline(journal: Path, owner: str) -> Executor:
    """An executor in this process: stopped, all of it stops, in the midst of a training."""
    noted = Journal(journal)

    def train(job: Job) -> Outcome:
        noted.note("begin", job.key, owner)
        time.sleep(wait_s(job))
        noted.note("end", job.key, owner)
        return signed(outcome_of(job), owner)

    return ScriptedExecutor(train, capacity=1)


def log_json() -> None:
    """Write one JSON object a line on stderr."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    main()
