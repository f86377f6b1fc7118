"""Searches in memory, as a controller sees them. Knows no candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ....records import Search, SearchId, SearchState
from ....spec import BudgetSpec
from ... import entries, rules
from ...base import Lease
from ..state import State, age
from ..verb import verb


class Claims(State):
    """See `nas.store.port.claims.Claims`."""

    @verb
    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """See `Store.claim_search`."""
        wanted = [search for search in self._searches.values() if only in (None, search.id)]
        wanted = [search for search in wanted if above is None or search.priority > above]
        claimable = [search for search in wanted if self._logs[search.id].claimable(search.state, at)]
        if not claimable:
            return None
        search = min(claimable, key=lambda search: (-search.priority, *age(search)))
        held = self._logs[search.id].lease
        time = rules.running_since(search.running_since, search.ran_s, None if held is None else held.expires_at, at)
        lease = self._logs[search.id].grant(search.id, owner, at + timedelta(seconds=lease_s))
        running = replace(
            search,
            state=SearchState.RUNNING,
            reason="",
            started_at=search.started_at or at,
            claims=search.claims + 1,
            **time,
        )
        self._change(running, entries.claimed(lease, search.state, at))
        return lease

    @verb
    def renew_lease(
        self, lease: Lease, *, at: datetime, lease_s: float, settled: bool = False
    ) -> tuple[Lease, SearchState]:
        """See `Store.renew_lease`."""
        search, renewed = self._held(lease), replace(lease, expires_at=at + timedelta(seconds=lease_s))
        self._logs[search.id].lease = renewed
        if settled:
            self._searches[search.id] = replace(search, claims=0)
        return renewed, search.state

    @verb
    def begin_search(
        self,
        lease: Lease,
        *,
        at: datetime,
        data_digest: str,
        data_notes: Sequence[str],
        baseline: Mapping[str, float],
        reference_point: Mapping[str, float],
        environment: Mapping[str, str] | None = None,
    ) -> Search:
        """See `Store.begin_search`."""
        search = self._held(lease, rules.ASKING)
        begun = replace(
            search,
            data_digest=data_digest,
            data_notes=tuple(data_notes),
            baseline=dict(baseline),
            reference_point=dict(reference_point),
        )
        entry = entries.started(at, data_digest, data_notes, baseline, reference_point, environment)
        return self._change(begun, entry)

    @verb
    def end_search(
        self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.end_search`."""
        search = self._held(lease)
        state, reason = rules.ending(search, state, reason, present)
        ended = self._move(search, state, at, reason)
        self._logs[lease.search_id].lease = None
        return ended

    @verb
    def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        self._logs[lease.search_id].release(lease)
