"""Calls that write the log of a search, and that read pages of it."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from ...records import CandidateId, SearchId
from ...store.base import Lease
from ..builders import make_candidate, make_evaluation, make_genotype, make_progress, make_search, told
from .draws import leases, limits, ordinals, search_ids
from .pair import Pair


class LogCalls(Pair):
    """Asking, telling and reading."""

    @initialize(target=leases)
    def ask_first(self) -> Any:
        """A candidate in flight: most other calls are about one, and single verbs would seldom come to it."""
        at, candidate = self.now(), make_candidate()
        self.both(lambda store: store.add_search(make_search(candidate.search_id)))
        lease = self.both(lambda store: store.claim_search("controller-1", at=at, lease_s=60.0))
        self.both(lambda store: store.record_ask(lease, candidate))
        return lease

    @rule(lease=leases, ordinal=ordinals, number=ordinals, rung=st.integers(0, 1), replicate=st.integers(0, 1))
    def record_ask(self, lease: Lease, ordinal: int, number: int, rung: int, replicate: int) -> None:
        """New, or asked before."""
        training = {"genotype": make_genotype(number), "rung": rung, "replicate": replicate}
        candidate = make_candidate(lease.search_id, ordinal, asked_at=self.now(), **training)
        self.both(lambda store: store.record_ask(lease, candidate))

    @rule(
        lease=leases,
        search_id=st.none() | search_ids,
        ordinal=ordinals,
        told_ordinal=ordinals,
        failure=st.sampled_from([None, "diverged"]),
        figure=st.floats(),
        cached=st.booleans(),
    )
    def record_tell(
        self,
        lease: Lease,
        search_id: SearchId | None,
        ordinal: int,
        told_ordinal: int,
        failure: str | None,
        figure: float,
        cached: bool,
    ) -> None:
        """In flight or not, here or elsewhere, with any figure."""
        candidate = make_candidate(search_id or lease.search_id, ordinal)
        evaluation = make_evaluation(candidate, failure_kind=failure, fsds_db=figure)
        fields = {"told_at": self.now(), "cached": cached, "hypervolume": figure}
        outcome = told(candidate, evaluation, told_ordinal, **fields)
        progress = make_progress(told_ordinal)
        self.both(lambda store: store.record_tell(lease, outcome, evaluation, progress))

    @rule(lease=leases, marks=st.dictionaries(ordinals, st.booleans(), max_size=2))
    def record_survival(self, lease: Lease, marks: dict[int, bool]) -> None:
        """Told or not."""
        survived = {CandidateId(f"{lease.search_id}-{ordinal}"): mark for ordinal, mark in marks.items()}
        self.both(lambda store: store.record_survival(lease, survived))

    @rule(lease=leases)
    def record_event(self, lease: Lease) -> None:
        """With JSON."""
        at = self.now()
        self.both(lambda store: store.record_event(lease, "noted", {"list": [1, None]}, at=at))

    @rule(search_id=search_ids, after=st.integers(-1, 5), limit=st.none() | limits)
    def pages(self, search_id: SearchId, after: int, limit: int | None) -> None:
        """From anywhere, of any length."""
        self.both(lambda store: store.candidates(search_id, after=after, limit=limit))
        self.both(lambda store: store.told_rows(search_id, after=after, limit=limit))
        self.both(lambda store: store.events(search_id, after=after, limit=limit or 1000, progress=limit is None))
