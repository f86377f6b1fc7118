"""Searches and fronts behind a server, as the terminal's views want them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from evaluator.progress import TrainingProgress
from nas.display import Row, Standing, duration, front_table, kept_column
from nas.figures import heading, shown
from nas.objectives import LATENCY, METRICS, Source
from nas.posts import Post
from nas.records import CandidateState
from nas.uploads import human

from .schemas import CandidateSummary, DatasetView, FrontView, SearchView, WorkerView


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
