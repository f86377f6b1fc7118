"""Verbs about whose turn a search is. Knows no candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from ...records import Search, SearchId, SearchState
from ...spec import BudgetSpec
from ..lease import Lease


class Claims(Protocol):
    """Searches, as a controller sees them."""

    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """Take a search that is queued, or running with an expired lease; it is running afterwards, its claim counted.

        The time since that lease expired is none of its running time.

        The oldest of those of the highest priority. With ``only``, that search or none; with ``above``, one of a higher
        priority than that.
        """
        ...

    def renew_lease(
        self, lease: Lease, *, at: datetime, lease_s: float, settled: bool = False
    ) -> tuple[Lease, SearchState]:
        """Extend a lease and say where the search stands (it may have been paused or cancelled); `LeaseLost`.

        ``settled`` where the search has come to run under this lease: its claims are counted from 0 again.
        """
        ...

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
        """Record what the images turned out to be, and in the event "started" where it is run; `LeaseLost`."""
        ...

    def end_search(
        self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """Make a legal transition out of running and give the lease back; `LeaseLost`, `IllegalTransition`.

        With ``present``, the budget that was spent: a search that has another one by now is queued again instead.
        """
        ...

    def release_lease(self, lease: Lease) -> None:
        """Give a lease back without a transition, as after a pause; a lease that was lost already is ignored."""
        ...
