"""What the long benchmarks share: images, training up a recipe's rungs, and rows that are kept as they come.

A row is a JSON object. Rows are appended to a file, one a line, so that a measurement that was cut off goes on where
it stopped.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evaluator.data.folders import scan
from evaluator.data.images import as_luma, load
from evaluator.data.sets import EvaluationData
from evaluator.evaluate import evaluate
from evaluator.executor import Job
from evaluator.outcome import Outcome, Success
from evaluator.recipe import Recipe
from search_space.genotype import Genotype

SCALE, CHANNELS = 2, 1
TRAINING, VALIDATION = "train/BSDS200", "val/Kodak24"
CROP = 64
"""LR pixels a side of the central squares that networks are scored on."""

Row = dict[str, Any]
Key = tuple[Any, ...]
Task = TypeVar("Task")


@cache
def images(root: Path, validation_limit: int) -> EvaluationData:
    """BSDS200 to train on and the central squares of Kodak24's first images to score on, decoded once a process."""
    train = load(scan(root / TRAINING, scale=SCALE), scale=SCALE, channels=3)
    validation = load(scan(root / VALIDATION, scale=SCALE), scale=SCALE, channels=3, limit=validation_limit)
    return EvaluationData(as_luma(train), validation.crop(CROP))


def climb(genotype: Genotype, recipe: Recipe, data: EvaluationData, *, seed: int) -> list[Row]:
    """Train a network on one thread and score it at every rung, each training resumed from the one below.

    Returns:
        For each rung its steps with either the scores or the kind of failure; after a failure the next rung is
        trained from scratch.
    """
    scores, state = [], b""
    for rung in range(recipe.rungs):
        job = Job(
            genotype=genotype,
            recipe=recipe.at_rung(rung),
            scale=SCALE,
            channels=CHANNELS,
            seed=seed,
            data_digest=data.digest,
            timeout_s=math.inf,
            start=state,
            keep_state=rung + 1 < recipe.rungs,
        )
        outcome = evaluate(job, data, threads=1)
        state = outcome.state if isinstance(outcome, Success) else b""
        scores.append({"steps": job.recipe.steps, **_figures(outcome)})
    return scores


def _figures(outcome: Outcome) -> Row:
    if not isinstance(outcome, Success):
        return {"failure": outcome.kind}
    return {name: getattr(outcome.scores, name) for name in ("psnr_db", "ssim", "fsds_db", "fsds_si_db")}


def timed(work: Callable[[], list[Row]]) -> Row:
    """The scores that some work gives, and the seconds that it took."""
    started = time.monotonic()
    scores = work()
    return {"scores": scores, "took_s": round(time.monotonic() - started, 2)}


class RowFile:
    """Rows in the order they came, in memory and in a file of JSON lines; one key, one row.

    Args:
        path: The file; made when the first row comes. A last line that was cut off in writing is dropped.
        key: Names of the fields that tell rows apart.
    """

    def __init__(self, path: Path, key: Sequence[str]) -> None:
        self._path, self._key = path, tuple(key)
        self.rows: dict[Key, Row] = {}
        whole, _, rest = path.read_text(encoding="utf-8").rpartition("\n") if path.exists() else ("", "", "")
        for line in whole.splitlines():
            self._take(json.loads(line))
        if rest:
            path.write_text(whole + "\n" if whole else "", encoding="utf-8")

    def __contains__(self, key: Key) -> bool:
        return key in self.rows

    def append(self, row: Row) -> None:
        """Keep a row, on disk first."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self._take(row)

    def _take(self, row: Row) -> None:
        self.rows[tuple(row[name] for name in self._key)] = row


def compute(tasks: Sequence[Task], work: Callable[[Task], Row], rows: RowFile, *, workers: int, title: str) -> None:
    """Do the work of every task in processes of their own, and keep each row as it comes; shows a bar.

    One worker is this process.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        for row in bar.track(_results(tasks, work, workers), total=len(tasks), description=title):
            rows.append(row)


def _results(tasks: Sequence[Task], work: Callable[[Task], Row], workers: int) -> Iterable[Row]:
    if workers == 1:
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(partial(work, task)) for task in tasks]
        yield from (future.result() for future in as_completed(futures))
