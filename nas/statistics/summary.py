"""Every statistic of a search at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..records import LedgerRow, Search
from .documents import Statistics
from .operators import operators
from .rungs import lowest_rung, ranked_by, rungs
from .seeds import seeds
from .spending import spending
from .surrogate import surrogate


def statistics(search: Search, rows: Sequence[LedgerRow], now: datetime) -> Statistics:
    """What a search has shown so far, by its ledger.

    Args:
        search: Whose.
        rows: Its ledger.
        now: When it is looked at, for the estimate of its end.
    """
    spec = search.spec
    objectives, top_rung = spec.objective_values, spec.recipe.rungs - 1
    return Statistics(
        operators=operators(rows, objectives, top_rung),
        surrogate=surrogate(rows, spec.engine),
        rungs=rungs(rows, spec.recipe, objectives),
        ranked_by=ranked_by(objectives),
        lowest_rung=lowest_rung(rows),
        seeds=seeds(rows, objectives, top_rung, columns=spec.found_columns, search_id=search.id),
        budget=spending(search, rows, now),
    )
