"""What a search looks like in a terminal: its progress while it runs, its front when it has one.

Knows plain figures, so that the same views serve a search in this process and one behind a server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from evaluator.outcome import HINTS

from .figures import confirmed, heading
from .objectives import METRICS
from .pace import seconds_left
from .posts import Post, in_short, training_lines
from .records import Search, Worker
from .statistics.tables import Grid

LINE_EVERY = 10
"""Where there is no terminal to animate, a line is printed each time that so many percent more are done."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a person wants to know of a search at one moment.

    Attributes:
        id: Which search.
        state: Where it stands.
        evaluated: Candidates looked at.
        budget: Candidates that it may look at.
        failed: Candidates that failed.
        in_flight: Candidates being trained, which is how many workers are busy.
        steps: Training steps taken.
        rungs: Outcomes at each rung, the shortest first; empty with one rung, or where nobody counted them.
        hypervolume: Of the feasible front.
        best_psnr_db: Best PSNR of a feasible candidate, None before the first.
        bicubic_psnr_db: What bicubic scores on the same images, None until they were decoded.
        seconds_left: Estimate, None where there is none.
        notes: What was found in the image folders.
        warnings: What to know of its spec.
        trainings: What workers are at for it.
    """

    id: str
    state: str
    evaluated: int
    budget: int
    failed: int
    in_flight: int
    hypervolume: float
    best_psnr_db: float | None
    bicubic_psnr_db: float | None
    seconds_left: float | None
    steps: int = 0
    rungs: Sequence[int] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    trainings: Sequence[Post] = ()

    @classmethod
    def of(cls, search: Search, now: datetime, workers: Iterable[Worker] = ()) -> Standing:
        """The standing of a search in this process at a time, with those of its workers that train for it."""
        reached = search.progress
        return cls(
            id=search.id,
            state=str(search.state),
            evaluated=reached.evaluated,
            budget=search.spec.budget.evaluations,
            failed=reached.failed,
            in_flight=reached.in_flight,
            hypervolume=reached.hypervolume,
            best_psnr_db=reached.best_psnr_db,
            bicubic_psnr_db=search.baseline.get("psnr_db"),
            seconds_left=seconds_left(search, now),
            steps=reached.steps,
            notes=search.data_notes,
            warnings=search.warnings,
            trainings=[Post.of(worker, now) for worker in workers if worker.search_id == search.id],
        )

    @property
    def done(self) -> int:
        """Candidates looked at, without those beyond the budget, which confirm the front."""
        return min(self.evaluated, self.budget)

    def __str__(self) -> str:
        parts = [f"best {gain(self.best_psnr_db, self.bicubic_psnr_db)}", f"hypervolume {self.hypervolume:.4g}"]
        parts.append(f"{self.steps:,} steps")
        if self.rungs:
            parts.append(f"rungs {' > '.join(map(str, self.rungs))}")
        parts.append(f"{self.in_flight} training")
        if self.evaluated > self.budget:
            parts.append(f"{self.evaluated - self.budget} confirmed the front")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        return ", ".join(parts)


class Show(Protocol):
    """Takes in how a search stands."""

    def __call__(self, standing: Standing) -> None:
        """Show it."""
        ...


@contextmanager
def progress_bar(console: Console) -> Iterator[Show]:
    """A bar that follows a search: animated in a terminal, a line now and then elsewhere.

    Warnings of the spec and what was found in the image folders are printed once, as soon as they are known.
    """
    if not console.is_terminal:
        yield _noting(console, _lines(console))
        return
    bar = Progress(SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    task = bar.add_task("waiting", total=None)
    line, trainings = Text(), Text()

    def show(standing: Standing) -> None:
        description = f"search {standing.id} {standing.state}"
        bar.update(task, description=description, completed=standing.done, total=standing.budget)
        line.plain = f"  {standing}"
        trainings.plain = "\n".join(f"  {text}" for text in training_lines(standing.trainings))

    with Live(Group(bar, line, trainings), console=console):
        yield _noting(console, show)


def _noting(console: Console, show: Show) -> Show:
    said: set[str] = set()

    def noted(standing: Standing) -> None:
        for text in (*warning_lines(standing.warnings), *map(Text, standing.notes)):
            if text.plain not in said:
                said.add(text.plain)
                console.print(text, soft_wrap=True)
        show(standing)

    return noted


def warning_lines(warnings: Iterable[str]) -> list[Text]:
    """What to know of a spec, a warning a line."""
    return [Text.assemble(("warning:", "yellow"), f" {warning}") for warning in warnings]


@contextmanager
def counting_bar(console: Console) -> Iterator[Callable[[str, int], None]]:
    """A bar that takes a step each time it is called with a text and the number of steps there will be.

    It is gone when all is done, and never there where no terminal is.
    """
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text, total: bar.update(task, description=text, total=total, advance=1)


def _lines(console: Console) -> Show:
    last: tuple[str, int] | None = None

    def show(standing: Standing) -> None:
        nonlocal last
        seen = standing.state, 100 * standing.done // standing.budget // LINE_EVERY
        if seen != last:
            last = seen
            done = f"{standing.done}/{standing.budget}"
            at = f"; at {in_short(standing.trainings)}" if standing.trainings else ""
            console.print(f"{standing.id} {standing.state} {done}: {standing}{at}", soft_wrap=True)

    return show


@dataclass(frozen=True, kw_only=True)
class Row:
    """One member of a front.

    Attributes:
        id: The candidate.
        scores: Its figures by column.
        seeds: From how many training seeds it was scored.
        spread: Standard deviation over these seeds, by column; empty with one.
    """

    id: str
    scores: Mapping[str, float | None]
    seeds: int = 1
    spread: Mapping[str, float | None] = field(default_factory=dict)


def kept_column(table: Table, name: str, cells: Iterable[str]) -> None:
    """Add a column that is never cut, however narrow the terminal."""
    table.add_column(name, no_wrap=True, min_width=max(map(len, (name, *cells))))


def failures(kinds: Iterable[str | None]) -> list[str]:
    """A line on how many candidates failed, the most frequent cause first; none where none did.

    >>> failures(["worker_lost", None])
    ["1 failed: worker_lost x1 (look at the workers' logs: its process died every time it was tried)"]
    """
    counted = Counter(kind for kind in kinds if kind is not None)
    hints = {str(kind): f" ({hint})" for kind, hint in HINTS.items()}
    causes = [f"{kind} x{count}{hints.get(kind, '')}" for kind, count in counted.most_common()]
    return [f"{counted.total()} failed: {', '.join(causes)}"] if causes else []


def no_network(evaluated: int, failed: int, note: str) -> str:
    """Why a front is empty, and what comes nearest.

    >>> no_network(8, 6, "no candidate has been scored yet")
    'no feasible network: 8 looked at, 6 failed; no candidate has been scored yet'
    """
    return f"no feasible network: {evaluated} looked at, {failed} failed; {note}".rstrip("; ")


def front_table(title: str, objectives: Sequence[str], rows: Sequence[Row]) -> Table:
    """A front as a table: the objectives' columns first, then the other figures, with the spread of their seeds."""
    every = (metric.column for metric in METRICS.values())
    columns = list(dict.fromkeys([*objectives, *(name for name in every if any(name in row.scores for row in rows))]))
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, "candidate", (row.id for row in rows))
    for column in columns:
        table.add_column(heading(column), justify="right")
    several = any(row.seeds > 1 for row in rows)
    if several:
        table.add_column("seeds", justify="right")
    for row in rows:
        figures = (confirmed(column, row.scores.get(column), row.spread.get(column)) for column in columns)
        table.add_row(row.id, *figures, *([str(row.seeds)] if several else []))
    return table


def grid_table(grid: Grid) -> Group:
    """A table of statistics, with its note below."""
    table = Table(title=grid.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, grid.headings[0], (row[0] for row in grid.rows))
    for name in grid.headings[1:]:
        table.add_column(name, justify="right")
    for row in grid.rows:
        table.add_row(*row)
    return Group(table, *([Text(f"{grid.note}\n")] if grid.note else []))


def gain(psnr_db: float | None, bicubic_psnr_db: float | None) -> str:
    """A PSNR, and how far it is from bicubic's.

    >>> gain(27.31, 28.0)
    '27.31 dB (0.69 below bicubic)'
    """
    if psnr_db is None:
        return "none yet"
    if bicubic_psnr_db is None:
        return f"{psnr_db:.2f} dB"
    difference = round(psnr_db - bicubic_psnr_db, 2)
    return f"{psnr_db:.2f} dB ({abs(difference):.2f} {'below' if difference < 0 else 'above'} bicubic)"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> duration(3_725.4)
    '1:02:05'
    """
    return str(timedelta(seconds=round(seconds)))


def statistics_table(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Statistics of impulse responses as a table, one column for each network; a matrix is shown by its range."""
    table = Table("", *columns, box=SIMPLE_HEAD, pad_edge=False)
    for name in next(iter(columns.values())):
        table.add_row(name.replace("_", " "), *(_statistic(figures[name]) for figures in columns.values()))
    return table


def _statistic(value: float | Sequence[Sequence[float]]) -> str:
    if isinstance(value, Sequence):
        every = [entry for row in value for entry in row]
        return f"{min(every):.4g} to {max(every):.4g}"
    return f"{value:.4g}"
