"""What a search that ran in this process is said to have ended with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .console import out, print_json
from .display import Row, failures, front_table, gain, no_network
from .export.front import latency_of, to_html, to_json
from .fronts import Front
from .plots.documents import MOST
from .records import Candidate, Search
from .scores import candidate_scores
from .service import Service
from .settings import Settings, without_password
from .statistics.cloud import Cloud
from .statistics.documents import Point, Statistics
from .statistics.tables import in_short


@dataclass(frozen=True, kw_only=True)
class _Result:
    """All that is read of an ended search."""

    front: Front
    candidates: Sequence[Candidate]
    cloud: Cloud
    statistics: Statistics
    course: Sequence[Point]


def print_result(ended: Search, settings: Settings, *, as_json: bool) -> None:
    """Print the front of an ended search, what failed, and where everything lies; write its page."""
    found = _read(ended, settings)
    page = settings.home / f"front-{ended.id}.html"
    page.write_text(to_html(found.front, found.cloud, found.statistics, found.course), encoding="utf-8")
    files = {"database": without_password(settings.database), "weights": str(settings.weights_dir), "page": str(page)}
    if as_json:
        print_json(_document(ended, found) | {"files": files})
        return
    _print_front(found.front)
    out.print(f"state       {ended.state}: {ended.reason}".rstrip(": "), soft_wrap=True)
    for line in failures(c.evaluation.failure_kind for c in found.candidates if c.evaluation is not None):
        out.print(line, soft_wrap=True)
    out.print(f"best PSNR   {gain(ended.progress.best_psnr_db, ended.baseline.get('psnr_db'))}")
    for label, text in (*in_short(found.statistics), *files.items()):
        out.print(f"{label:<11} {text}", soft_wrap=True)
    out.print(f"export      srnas serve --home {settings.home}, then srnas export CANDIDATE", soft_wrap=True)


def _document(ended: Search, found: _Result) -> dict[str, Any]:
    """The front and what else is known of a search, as one JSON document."""
    return to_json(found.front) | {
        "state": ended.state.value,
        "reason": ended.reason,
        "baseline": dict(ended.baseline),
        "data_notes": list(ended.data_notes),
        "warnings": list(ended.warnings),
        "statistics": found.statistics.model_dump(mode="json"),
    }


def _read(ended: Search, settings: Settings) -> _Result:
    from .store.opening import open_store

    store = open_store(settings.database)
    try:
        service = Service(store, settings)
        return _Result(
            front=service.front(ended.id),
            candidates=service.candidates(ended.id, limit=None),
            cloud=service.standing(ended.id).cloud(MOST),
            statistics=service.statistics(ended.id),
            course=service.history(ended.id),
        )
    finally:
        store.close()


def _print_front(front: Front) -> None:
    if not front.members:
        reached = front.search.progress
        out.print(no_network(reached.evaluated, reached.failed, front.note), soft_wrap=True)
        return
    rows = [
        Row(id=c.id, scores=candidate_scores(c), seeds=front.seeds_of(c).count, spread=front.seeds_of(c).spread)
        for c in front.members
    ]
    title = f"front of search {front.search.id}: {len(rows)} of {front.scored} scored networks"
    out.print(front_table(title, [objective.column for objective in front.objectives], rows))
    if latency := latency_of(front):
        out.print(latency, soft_wrap=True)
