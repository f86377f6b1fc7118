"""Searches in SQL, as a controller sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from ....records import Search, SearchId, SearchState
from ....spec import BudgetSpec
from ...base import Lease
from .. import searches
from ..transactions import Transactions


class Claims(Transactions):
    """See `nas.store.port.claims.Claims`."""

    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """See `Store.claim_search`."""
        return self._write(searches.claim, owner, at, lease_s, only, above)

    def renew_lease(
        self, lease: Lease, *, at: datetime, lease_s: float, settled: bool = False
    ) -> tuple[Lease, SearchState]:
        """See `Store.renew_lease`."""
        return self._write(searches.renew, lease, at, lease_s, settled)

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
        return self._write(
            searches.begin,
            lease,
            at=at,
            data_digest=data_digest,
            data_notes=data_notes,
            baseline=baseline,
            reference_point=reference_point,
            environment=environment,
        )

    def end_search(
        self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.end_search`."""
        return self._write(searches.end, lease, state, at, reason, present)

    def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        self._write(searches.release, lease)
