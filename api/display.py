"""Searches and fronts behind a server, as the terminal's views want them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from nas.display import Row, Standing, duration, front_table

from .schemas import FrontView, SearchView


def standing(search: SearchView) -> Standing:
    """How a search stands."""
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
    )


def table_of_front(front: FrontView) -> Table:
    """A front, its objectives first."""
    rows = [Row(id=member.id, scores=member.scores) for member in front.members]
    title = f"front of search {front.search_id}: {len(rows)} of {front.scored} scored networks"
    return front_table(title, [objective.column for objective in front.objectives], rows)


def table_of_searches(searches: Iterable[SearchView]) -> Table:
    """Searches, one a line; the gain is over bicubic."""
    table = Table("search", "name", "state", "candidates", "best PSNR", "gain", "left", "created", box=SIMPLE_HEAD)
    for search in searches:
        table.add_row(*_cells(search, standing(search)))
    return table


def _cells(search: SearchView, now: Standing) -> Sequence[str]:
    best, bicubic = now.best_psnr_db, now.bicubic_psnr_db
    return (
        search.id,
        search.name,
        now.state,
        f"{now.evaluated}/{now.budget}",
        "" if best is None else f"{best:.2f} dB",
        "" if best is None or bicubic is None else f"{best - bicubic:+.2f} dB",
        "" if now.seconds_left is None else duration(now.seconds_left),
        f"{search.created_at:%m-%d %H:%M}",
    )
