"""What a search that ran in this process is said to have ended with."""

from __future__ import annotations

from collections.abc import Sequence

from .console import out, print_json
from .display import Row, failures, front_table, gain, no_network
from .export.front import to_html, to_json
from .records import Candidate, Search
from .scores import candidate_scores
from .service import Front, Service
from .settings import Settings, without_password


def print_result(ended: Search, settings: Settings, *, as_json: bool) -> None:
    """Print the front of an ended search, what failed, and where everything lies; write its page."""
    front, candidates = _read(ended, settings)
    page = settings.home / f"front-{ended.id}.html"
    page.write_text(to_html(front, candidates), encoding="utf-8")
    files = {"database": without_password(settings.database), "weights": str(settings.weights_dir), "page": str(page)}
    if as_json:
        told = {"state": ended.state.value, "reason": ended.reason, "baseline": dict(ended.baseline), "files": files}
        print_json(to_json(front) | told | {"data_notes": list(ended.data_notes)})
        return
    _print_front(front)
    out.print(f"state       {ended.state}: {ended.reason}".rstrip(": "), soft_wrap=True)
    for line in failures(c.evaluation.failure_kind for c in candidates if c.evaluation is not None):
        out.print(line, soft_wrap=True)
    out.print(f"best PSNR   {gain(ended.progress.best_psnr_db, ended.baseline.get('psnr_db'))}")
    for label, place in files.items():
        out.print(f"{label:<11} {place}", soft_wrap=True)
    out.print(f"export      srnas serve --home {settings.home}, then srnas export CANDIDATE", soft_wrap=True)


def _read(ended: Search, settings: Settings) -> tuple[Front, Sequence[Candidate]]:
    from .store.opening import open_store

    store = open_store(settings.database)
    try:
        service = Service(store, settings)
        return service.front(ended.id), service.candidates(ended.id, limit=None)
    finally:
        store.close()


def _print_front(front: Front) -> None:
    if not front.members:
        reached = front.search.progress
        out.print(no_network(reached.evaluated, reached.failed), soft_wrap=True)
        return
    rows = [Row(id=c.id, scores=candidate_scores(c)) for c in front.members]
    title = f"front of search {front.search.id}: {len(rows)} of {front.scored} scored networks"
    out.print(front_table(title, [objective.column for objective in front.objectives], rows))
