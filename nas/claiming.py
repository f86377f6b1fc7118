"""Which searches a controller claims, and which of its own make way for them. Submits no job."""

from __future__ import annotations

from collections.abc import Sequence

from .intake import Intake
from .leases import Leases
from .outage import Outage
from .records import SearchId, SearchState
from .run import SearchRun
from .sharing import making_way
from .store.base import Lease


class Claiming:
    """Claims one search after another, as long as there are places.

    Args:
        leases: Takes them for us.
        intake: Where they go; while one is on its way there, no other is claimed.
        outage: Whether the store was away.
        runs: The active searches, as their controller keeps them.
        max_active: How many of them may be.

    Attributes:
        newcomer: The search that was claimed last of those that others make way for.
    """

    def __init__(
        self, leases: Leases, intake: Intake, outage: Outage, runs: Sequence[SearchRun], max_active: int
    ) -> None:
        self._leases, self._intake, self._outage = leases, intake, outage
        self._runs, self._max_active = runs, max_active
        self.newcomer: SearchId | None = None

    @property
    def making_way(self) -> list[SearchRun]:
        """The runs that propose nothing more, since another one has come that goes first."""
        return making_way(self._runs, len(self._runs) - self._max_active)

    def step(self) -> None:
        """Claim the next search if there is a place, or others make way for it.

        After an outage that waits until other controllers had the time to renew their leases: what has lapsed is
        theirs, and so are outcomes of it that they keep.
        """
        self._take_up()
        if len(self._intake) or self._outage.others_pause:
            return
        lowest = None
        if len(self._runs) >= self._max_active:
            leaving = self.making_way
            staying = [run.search.priority for run in self._runs if run not in leaving]
            if not staying:
                return
            lowest = min(staying)
        lease = self._leases.claim(above=lowest)
        if lease is not None and not self._went_on(lease):
            self.newcomer = self.newcomer if lowest is None else lease.search_id
            self._intake.admit(lease)

    def _take_up(self) -> None:
        """Claim what was paused and resumed before its trainings had ended, whether there is a place or not."""
        leaving = self.making_way
        for run in self._runs:
            if run.search.state is SearchState.QUEUED and run not in leaving:
                lease = self._leases.claim(only=run.search.id)
                if lease is not None:
                    self._went_on(lease)

    def _went_on(self, lease: Lease) -> bool:
        """Whether a search that was claimed has a run here, which goes on with the new lease."""
        run = next((run for run in self._runs if run.search.id == lease.search_id), None)
        if run is None:
            return False
        run.lease, run.settled = lease, False
        _, search = self._leases.renewed(lease)
        run.follow(search)
        return True
