"""Why no worker is at a search."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.dashboard.waiting import waiting
from nas.records import SearchId, SearchState, Worker
from nas.testing import START

IDLE = Worker(owner="tests", name="gpu-0", node="host", pid=1, device="", seen_at=START)
NAMES = {"a": "First look", "b": "Balanced", "c": "Tiny", "d": "Large"}


def at(search_id: str) -> Worker:
    """A worker that trains a candidate of a search."""
    return replace(IDLE, search_id=SearchId(search_id), candidate_id=f"{search_id}-0", busy_since=START)


@pytest.mark.parametrize(
    ("state", "workers", "words"),
    [
        (SearchState.RUNNING, [at("a")], "1 of 1 is busy with First look."),
        (SearchState.RUNNING, [at("a"), at("b"), at("a")], "3 of 3 are busy with First look and Balanced."),
        (SearchState.RUNNING, list(map(at, "abc")), "busy with First look, Balanced and 1 other search."),
        (SearchState.RUNNING, list(map(at, "abcd")), "busy with First look, Balanced and 2 other searches."),
        (SearchState.RUNNING, [at("a"), IDLE], "between two trainings, 1 of 2 workers free."),
        (SearchState.RUNNING, [], "no controller has one at the moment."),
        (SearchState.QUEUED, [at("a")], "it waits for a controller."),
        (SearchState.PAUSED, [IDLE], "No worker is at this search."),
        (SearchState.COMPLETED, [at("a")], "No worker is at this search."),
    ],
)
def test_a_search_without_a_worker_says_what_it_waits_for(
    state: SearchState, workers: list[Worker], words: str
) -> None:
    assert waiting(state, workers, NAMES.__getitem__).endswith(words)
