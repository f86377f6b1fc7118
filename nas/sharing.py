"""How the active searches and full trainings of one controller share its workers and its places. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .run import SearchRun


def whose_turn(wanting: Sequence[SearchRun], served: Mapping[SearchRun, int]) -> SearchRun:
    """Whom a free worker goes to: the highest priority; among equals who has been served least, then who is first.

    Args:
        wanting: Searches that may have something to do; not empty.
        served: How many jobs of each are in flight, and what else it was given.
    """
    return min(wanting, key=lambda run: (-run.search.priority, served[run]))


def making_way(runs: Sequence[SearchRun], too_many: int) -> list[SearchRun]:
    """So many searches that go once their trainings have ended: of the lowest priority, and of equals the youngest.

    Args:
        runs: The active searches.
        too_many: How many of them are more than may be; 0 or less where none is.
    """
    youngest = sorted(runs, key=lambda run: (run.search.created_at, run.search.id), reverse=True)
    return sorted(youngest, key=lambda run: run.search.priority)[: max(0, too_many)]


def places_for_trainings(capacity: int, runs: Sequence[SearchRun]) -> int:
    """Most workers that full trainings hold: half of them, rounded up, or what searches leave where that is more.

    A single one therefore, which they hold in turn with searches.

    Args:
        capacity: How many workers there are.
        runs: The active searches; those that are paused want no worker, others as many as they may have.
    """
    wanted = [run.search.parallelism for run in runs if not run.paused]
    left = capacity - sum(capacity if most is None else most for most in wanted)
    return max(math.ceil(capacity / 2), left)
