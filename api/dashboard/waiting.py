"""Why no worker is at a search, in words. Knows the workers as they were seen last, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nas.records import SearchState, Worker

NAMED = 2
"""Searches that are named of those which keep workers busy."""


def waiting(state: SearchState, workers: Sequence[Worker], name_of: Callable[[str], str]) -> str:
    """What a search without a worker waits for.

    Args:
        state: Where the search stands.
        workers: Every worker of the service; none of them is at the search.
        name_of: What a search is called, by its id.

    Returns:
        A sentence.
    """
    if state is SearchState.QUEUED:
        return "No worker is at this search: it waits for a controller."
    if state is not SearchState.RUNNING:
        return "No worker is at this search."
    if not workers:
        return "It waits for a worker: no controller has one at the moment."
    busy = [worker for worker in workers if worker.busy]
    if len(busy) < len(workers):
        return f"No worker is at this search for a moment: between two trainings, {_free(len(workers), len(busy))}."
    theirs = list(dict.fromkeys(worker.search_id for worker in busy if worker.search_id))
    named = [name_of(search_id) for search_id in theirs[:NAMED]]
    others = len(theirs) - len(named)
    if others:
        named.append(f"{others} other {'search' if others == 1 else 'searches'}")
    verb = "is" if len(workers) == 1 else "are"
    return f"It waits for a worker: {len(busy)} of {len(workers)} {verb} busy with {_listed(named)}."


def _free(count: int, busy: int) -> str:
    return f"{count - busy} of {count} {'worker' if count == 1 else 'workers'} free"


def _listed(names: Sequence[str]) -> str:
    """Names as a sentence has them.

    >>> _listed(["a"]), _listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
