"""What workers are at, as a terminal shows it: a table of all of them, and a line for each training.

Knows plain figures, so that the same views serve workers of this process and those behind a server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.box import SIMPLE_HEAD
from rich.table import Table

from evaluator.progress import TrainingProgress

from .records import Worker

BAR = 10
"""Characters of a bar."""

LINES = 12
"""Trainings that are shown one a line; more are counted."""

FEW = 4
"""Trainings that are named within a line."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """One worker, and what it is at.

    Attributes:
        worker: Its name.
        node: Its machine.
        device: Its device.
        candidate: Whose training; None when it is idle.
        progress: How far that is; None before its first word.
        busy_s: Seconds for which it has been at it; None when it is idle.
    """

    worker: str
    node: str = ""
    device: str = ""
    candidate: str | None = None
    progress: TrainingProgress | None = None
    busy_s: float | None = None

    @classmethod
    def of(cls, worker: Worker, now: datetime) -> Post:
        """A worker at a time, as it was last seen."""
        return cls(
            worker=worker.name,
            node=worker.node,
            device=worker.device,
            candidate=worker.candidate_id,
            progress=worker.progress,
            busy_s=worker.busy_s(now),
        )

    @property
    def state(self) -> str:
        """What it does, in a word."""
        if self.candidate is None:
            return "idle"
        return "starting" if self.progress is None else self.progress.phase


def bar(step: int, steps: int) -> str:
    """A share as a bar of text.

    >>> bar(100, 200)
    '█████░░░░░'
    """
    full = BAR * min(step, steps) // steps if steps > 0 else 0
    return "█" * full + "░" * (BAR - full)


def training_lines(posts: Sequence[Post]) -> list[str]:
    """A line for each training, the first `LINES` of them; what follows is counted.

    >>> training_lines([Post(worker="a", candidate="s-1", progress=TrainingProgress(step=50, steps=200, loss=0.03))])
    ['s-1  ██░░░░░░░░ 50/200  loss 0.0300  a']
    """
    busy = [post for post in posts if post.candidate is not None]
    width = max((len(str(post.candidate)) for post in busy), default=0)
    lines = ["  ".join([f"{post.candidate:<{width}}", *_figures(post), post.worker]) for post in busy[:LINES]]
    return [*lines, *([f"and {len(busy) - LINES} more"] if len(busy) > LINES else [])]


def in_short(posts: Sequence[Post]) -> str:
    """How far trainings are, within a line.

    >>> in_short([Post(worker="a", candidate="s-1", progress=TrainingProgress(step=50, steps=200))])
    's-1 50/200'
    """
    busy = [post for post in posts if post.candidate is not None]
    named = [f"{post.candidate} {_steps(post.progress)}" for post in busy[:FEW]]
    return ", ".join([*named, *([f"{len(busy) - FEW} more"] if len(busy) > FEW else [])])


def table_of_posts(posts: Sequence[Post]) -> Table:
    """Every worker, one a line."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("worker", "node", "device", "state", "candidate", "steps"):
        table.add_column(name, no_wrap=name in ("worker", "candidate", "steps"))
    for name in ("loss", "psnr (dB)", "patches/s", "memory", "for"):
        table.add_column(name, justify="right", no_wrap=True)
    for post in posts:
        told = post.progress or TrainingProgress()
        table.add_row(
            post.worker,
            post.node,
            post.device,
            post.state,
            post.candidate or "–",
            "" if post.progress is None else f"{bar(told.step, told.steps)} {_steps(told)}",
            _shown(told.loss, ".4f"),
            _shown(told.psnr_db, ".2f"),
            _shown(told.patches_per_s or None, ",.0f"),
            memory(told.memory_bytes),
            "–" if post.busy_s is None else str(timedelta(seconds=max(0, round(post.busy_s)))),
        )
    return table


def memory(size_bytes: int) -> str:
    """A device's memory; a dash where it is not known.

    >>> memory(3 * 2**29)
    '1.5 GiB'
    """
    return f"{size_bytes / 2**30:.1f} GiB" if size_bytes else "–"


def _figures(post: Post) -> list[str]:
    told = post.progress
    if told is None:
        return ["starting"]
    parts = [f"{bar(told.step, told.steps)} {_steps(told)}"]
    if told.phase != "training":
        parts.append(told.phase)
    if told.loss is not None:
        parts.append(f"loss {told.loss:.4f}")
    if told.psnr_db is not None:
        parts.append(f"{told.psnr_db:.2f} dB")
    if told.patches_per_s:
        parts.append(f"{told.patches_per_s:,.0f} patches/s")
    return parts


def _steps(told: TrainingProgress | None) -> str:
    return "starting" if told is None else f"{told.step}/{told.steps}"


def _shown(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
