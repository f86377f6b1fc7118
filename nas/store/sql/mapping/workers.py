"""Workers, and the training that each is at."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from evaluator.progress import TrainingProgress

from ....records import Worker
from .figures import Columns

WORKER = tuple(field.name for field in fields(Worker) if field.name != "progress")
TRAINING = tuple(field.name for field in fields(TrainingProgress))


def worker_columns(worker: Worker) -> Columns:
    """Every column of a worker."""
    columns = {name: getattr(worker, name) for name in WORKER}
    return columns | {name: getattr(worker.progress, name, None) for name in TRAINING}


def to_worker(row: Row[Any]) -> Worker:
    """A worker from its row."""
    told = None if row.phase is None else TrainingProgress(**{name: getattr(row, name) for name in TRAINING})
    return Worker(progress=told, **{name: getattr(row, name) for name in WORKER})
