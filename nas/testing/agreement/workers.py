"""Calls about workers."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ...records import SearchId, TrainingId
from ...store.base import Lease
from ..builders import make_candidate, make_report, make_training_progress, make_worker
from .draws import lease_lengths, leases, ordinals, owners, search_ids, training_ids
from .pair import Pair


class WorkerCalls(Pair):
    """Writing and reading what they do."""

    @rule(
        owner=owners,
        names=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
        reported=st.lists(st.tuples(leases, search_ids, ordinals), max_size=3),
        training_id=st.none() | training_ids,
        figure=st.floats(),
        lease_s=lease_lengths,
    )
    def record_workers(
        self,
        owner: str,
        names: list[str],
        reported: list[tuple[Lease, SearchId, int]],
        training_id: TrainingId | None,
        figure: float,
        lease_s: float,
    ) -> None:
        """Idle and busy ones, and reports that somebody waits for or nobody."""
        at, full = self.now(), {"training_id": training_id}
        told_so_far = make_training_progress(loss=figure)
        idle = [make_worker(name, owner=owner, seen_at=at) for name in names[1:]]
        busy = [
            make_worker(name, make_candidate(ordinal=2), owner=owner, seen_at=at, progress=told_so_far, **full)
            for name in names[:1]
        ]
        reports = [
            make_report(lease, make_candidate(search_id, ordinal), progress=told_so_far)
            for lease, search_id, ordinal in reported
        ]
        self.both(lambda store: store.record_workers(owner, busy + idle, reports, at=at, lease_s=lease_s))

    @rule(lease_s=lease_lengths)
    def workers(self, lease_s: float) -> None:
        """Those that are believed in."""
        at = self.now()
        self.both(lambda store: store.workers(at=at, lease_s=lease_s))
