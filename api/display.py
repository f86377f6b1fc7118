"""Searches and fronts behind a server, as the terminal's views want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from evaluator.progress import TrainingProgress
from nas.display import LINE_EVERY, Row, Standing, duration, front_table, kept_column
from nas.figures import heading, shown
from nas.objectives import LATENCY, METRICS, Source
from nas.posts import Post
from nas.records import CandidateState
from nas.uploads import human

from .schemas import (
    AgreementView,
    CandidateSummary,
    DatasetView,
    FrontView,
    FullTrainingSummary,
    FullTrainingView,
    ModelView,
    SearchView,
    WorkerView,
)

ShowTrainings = Callable[[Sequence[FullTrainingView]], None]


def standing(search: SearchView, rungs: Sequence[int] = (), workers: Iterable[WorkerView] = ()) -> Standing:
    """How a search stands; ``rungs`` counts its outcomes at each rung, and some of the workers may train for it."""
    reached = search.progress
    return Standing(
        id=search.id,
        state=str(search.state),
        evaluated=reached.evaluated,
        budget=reached.budget,
        failed=reached.failed,
        in_flight=reached.in_flight,
        hypervolume=reached.hypervolume or 0.0,
        best_psnr_db=reached.best_psnr_db,
        bicubic_psnr_db=search.baseline.get("psnr_db"),
        seconds_left=reached.seconds_left,
        steps=reached.steps,
        rungs=rungs,
        notes=search.data_notes,
        warnings=search.warnings,
        trainings=[post_of(worker) for worker in workers if worker.search_id == search.id],
    )


def post_of(worker: WorkerView) -> Post:
    """A worker behind a server, and what it is at."""
    told = worker.training
    return Post(
        worker=worker.name,
        node=worker.node,
        device=worker.device,
        candidate=worker.candidate_id,
        progress=None if told is None else TrainingProgress(**told.model_dump()),
        busy_s=worker.busy_s,
    )


def table_of_front(front: FrontView) -> Table:
    """A front, its objectives first."""
    rows = [
        Row(id=member.id, scores=member.scores, seeds=member.seeds, spread=member.spread or {})
        for member in front.members
    ]
    title = f"front of search {front.search_id}: {len(rows)} of {front.scored} scored networks"
    return front_table(title, [objective.column for objective in front.objectives], rows)


_COLUMNS = ("search", "state", "done", "best dB", "gain", "left", "created")


def table_of_searches(searches: Iterable[SearchView]) -> Table:
    """Searches, one a line; the gain is over bicubic, in dB like the best PSNR. A narrow terminal cuts names first.

    Owners and priorities are shown where they differ.
    """
    found = list(searches)
    told = [_cells(search, standing(search)) for search in found]
    varied = {"owner": [search.owner for search in found], "priority": [str(search.priority) for search in found]}
    columns = {name: [cells[number] for cells in told] for number, name in enumerate(_COLUMNS)}
    columns |= {name: cells for name, cells in varied.items() if len(set(cells)) > 1}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, cells in columns.items():
        kept_column(table, name, cells)
    table.add_column("name", no_wrap=True)
    for row in zip(*columns.values(), (search.name for search in found), strict=True):
        table.add_row(*row)
    return table


def _cells(search: SearchView, now: Standing) -> Sequence[str]:
    best, bicubic = now.best_psnr_db, now.bicubic_psnr_db
    return (
        search.id,
        now.state,
        f"{now.done}/{now.budget}",
        "" if best is None else f"{best:.2f}",
        "" if best is None or bicubic is None else f"{best - bicubic:+.2f}",
        "" if now.seconds_left is None else duration(now.seconds_left),
        f"{search.created_at:%m-%d %H:%M}",
    )


def table_of_datasets(datasets: Sequence[DatasetView]) -> Table:
    """Datasets, one a line; what a folder of the images root holds was not counted."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, "dataset", (dataset.name for dataset in datasets))
    for name in ("images", "size", "kind", "registered"):
        table.add_column(name, justify="right" if name in ("images", "size") else "left")
    for dataset in datasets:
        images = "" if dataset.images is None else f"{dataset.images:,}"
        size = "" if dataset.size_bytes is None else human(dataset.size_bytes)
        when = "no" if dataset.created_at is None else f"{dataset.created_at:%Y-%m-%d %H:%M} UTC"
        by = f" by {dataset.created_by}" if dataset.created_by else ""
        table.add_row(dataset.name, images, size, dataset.kind, when + by)
    return table


def table_of_candidates(candidates: Sequence[CandidateSummary]) -> Table:
    """Candidates, one a line, in the order of the asks; the last column says why one is in no front.

    Rungs and seeds are shown where there is more than one of them, latencies where there are any.
    """
    every = (metric.column for metric in METRICS.values() if metric.source is not Source.DEVICE)
    timed = [LATENCY] if any(LATENCY in one.scores for one in candidates) else []
    columns = [*every, *timed]
    numbers = {"rung": [one.rung for one in candidates], "seed": [one.replicate for one in candidates]}
    several = {name: found for name, found in numbers.items() if any(found)}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, "candidate", (candidate.id for candidate in candidates))
    kept_column(table, "state", (candidate.state for candidate in candidates))
    table.add_column("operator")
    for name in (*several, *map(heading, columns)):
        table.add_column(name, justify="right")
    table.add_column("trouble")
    for row, one in enumerate(candidates):
        figures = (shown(name, one.scores.get(name)) for name in columns)
        table.add_row(
            one.id, one.state, one.operator, *(str(n[row]) for n in several.values()), *figures, _trouble(one)
        )
    return table


def _trouble(candidate: CandidateSummary) -> str:
    if candidate.failure is not None:
        return candidate.failure.kind
    return "infeasible" if candidate.state is CandidateState.SCORED and not candidate.feasible else ""


# -- full trainings and finished models ----------------------------------------------------------------------------


@contextmanager
def training_bars(console: Console) -> Iterator[ShowTrainings]:
    """A bar for each full training: animated in a terminal, elsewhere a line whenever ten percent more are done."""
    if not console.is_terminal:
        yield _training_lines(console)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[far]}", markup=False),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def show(trainings: Sequence[FullTrainingView]) -> None:
            for one in trainings:
                if one.id not in tasks:
                    tasks[one.id] = bars.add_task(one.candidate_id, total=one.progress.steps, far="")
                bars.update(tasks[one.id], completed=one.progress.step, far=how_far(one))

        yield show


def _training_lines(console: Console) -> ShowTrainings:
    told: dict[str, tuple[str, int]] = {}

    def show(trainings: Sequence[FullTrainingView]) -> None:
        for one in trainings:
            seen = one.status, int(100 * one.progress.fraction) // LINE_EVERY
            if told.get(one.id) != seen:
                told[one.id] = seen
                console.print(f"{one.candidate_id} {how_far(one)}", soft_wrap=True)

    return show


def how_far(training: FullTrainingSummary) -> str:
    """How far a full training is, on one line."""
    reached = training.progress
    parts = [str(training.status), f"{reached.step:,}/{reached.steps:,} steps"]
    if reached.psnr_db is not None:
        parts.append(f"{reached.psnr_db:.2f} dB")
    if reached.seconds_left is not None:
        parts.append(f"{duration(reached.seconds_left)} left")
    return ", ".join(parts)


def table_of_trainings(trainings: Sequence[FullTrainingSummary]) -> Table:
    """Full trainings, one a line, in the order given."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, "training", (one.id for one in trainings))
    kept_column(table, "candidate", (one.candidate_id for one in trainings))
    for name in ("status", "recipe", "steps", "dB", "left", "created"):
        table.add_column(name, justify="right" if name in ("steps", "dB", "left") else "left")
    for one in trainings:
        reached = one.progress
        table.add_row(
            one.id,
            one.candidate_id,
            str(one.status),
            str(one.recipe.get("name", "")),
            f"{reached.step:,}/{reached.steps:,}",
            "" if reached.psnr_db is None else f"{reached.psnr_db:.2f}",
            "" if reached.seconds_left is None else duration(reached.seconds_left),
            f"{one.created_at:%m-%d %H:%M}",
        )
    return table


def table_of_models(models: Sequence[ModelView]) -> Table:
    """Finished models, one a line: what the search promised, and what became of it. Gains are over bicubic."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    kept_column(table, "model", (model.id for model in models))
    kept_column(table, "candidate", (model.candidate_id for model in models))
    for name in ("search dB", "final dB", "gain", "params", "mult-adds", "recipe", "steps", "trained"):
        table.add_column(name, justify="right")
    for model in models:
        final, bicubic = model.final.psnr_db, model.bicubic_psnr_db
        table.add_row(
            model.id,
            model.candidate_id,
            shown("psnr_db", model.search_psnr_db),
            shown("psnr_db", final),
            "" if final is None or bicubic is None else f"{final - bicubic:+.2f}",
            shown("params", model.params),
            shown("mult_adds", model.mult_adds),
            model.recipe,
            f"{model.steps:,}",
            "" if model.train_s is None else duration(model.train_s),
        )
    return table


def agreement_lines(search_id: str, found: AgreementView) -> list[str]:
    """Whether a search ranked its networks as full training does, and what to know before that is believed."""
    count = len(found.training_ids)
    lines = []
    if found.tau is not None:
        interval = "" if found.low is None else f", 95 % interval {found.low:.2f} to {found.high:.2f}"
        ranked = f"the {count} networks of search {search_id} that were finished alike ({found.recipe})"
        lines.append(
            f"Kendall's tau of the search's ranking and the final one: {found.tau:.2f}{interval}, over {ranked}"
        )
    return [*lines, *([f"warning: {found.warning}"] if found.warning else [])]
