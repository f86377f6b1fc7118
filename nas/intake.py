"""A search on its way in: claimed, its images decoded and its log read beside those that are active, then joined.

One at a time: where its controller dies meanwhile, no other search is suspected.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from .aside import Aside
from .leases import Leases
from .mending import MakeRun
from .preparing import Prepare, Prepared
from .records import Search, SearchState
from .run import SearchRun
from .store.base import Lease, Store

logger = structlog.get_logger(__name__)

BARREN_CLAIMS = 5
"""How often a search is tried whose controllers vanish before it is under way."""

BARREN = f"{BARREN_CLAIMS} controllers in a row were gone before it was under way: it may have ended them"
OTHER_IMAGES = "its images changed since it was started: scores would not compare"

Join = Callable[[SearchRun, Prepared], None]
"""Takes over a run that is ready, and its images."""


@dataclass(eq=False)
class Coming:
    """A search that was claimed and has no run.

    Attributes:
        lease: The right to begin it.
        prepared: What is being made of its images; None until somebody does.
        made: Its run, which is being made from its log; None until it was begun.
    """

    lease: Lease
    prepared: Aside[Prepared] | None = None
    made: Aside[SearchRun] | None = None


class Intake:
    """Prepares one claimed search, begins it, and has its run made.

    Where the store does not answer, the search stays where it was, and the same step may be made again.

    Args:
        store: Where searches are.
        leases: Keeps them for us.
        prepare: Makes images, baseline and reference point of a spec.
        make_run: Makes the run of a search that was begun.
        join: Takes over what is ready; where it raises, it may be called again.
        loader: Runs the long calls beside the searches that are active; shut down at the end.
        clock: UTC now.
    """

    def __init__(
        self,
        store: Store,
        leases: Leases,
        *,
        prepare: Prepare,
        make_run: MakeRun,
        join: Join,
        loader: concurrent.futures.Executor,
        clock: Callable[[], datetime],
    ) -> None:
        self._store, self._leases, self._loader, self._clock = store, leases, loader, clock
        self._prepare, self._make_run, self._join = prepare, make_run, join
        self._coming: Coming | None = None

    def __len__(self) -> int:
        """Searches on their way in: one or none."""
        return int(self._coming is not None)

    def admit(self, lease: Lease) -> None:
        """Take a claimed search in; nothing else is on its way."""
        self._coming = Coming(lease)

    def renew(self) -> None:
        """Keep the lease, and notice when the search is cancelled."""
        coming = self._coming
        if coming is None:
            return
        with self._leases.contained(coming.lease, "its lease cannot be renewed", self._forget):
            coming.lease, search = self._leases.renewed(coming.lease)
            if search.state.ended:
                logger.info("search left", search=search.id, state=str(search.state))
                self._forget()

    def step(self) -> None:
        """Do what can be done next for what is on its way, without waiting."""
        coming, prepared = self._coming, None
        if coming is None:
            return
        with self._leases.contained(coming.lease, "its images cannot be used", self._forget):
            prepared = self._prepared(coming)
        if prepared is not None:
            with self._leases.contained(coming.lease, "it cannot be begun", self._forget):
                self._go_on(coming, prepared)

    def close(self) -> list[Lease]:
        """Prepare no more; the lease of what was on its way."""
        self._loader.shutdown(wait=False, cancel_futures=True)
        return [] if self._coming is None else [self._coming.lease]

    def _prepared(self, coming: Coming) -> Prepared | None:
        """What is made of a search's images; None while they are decoded, or where they are not worth it."""
        if coming.prepared is None:
            search = self._store.search(coming.lease.search_id)
            if search.claims > BARREN_CLAIMS:
                self._fail(coming, BARREN)
                return None
            coming.prepared = Aside(self._loader, partial(self._prepare, search.spec))
        return coming.prepared.result()

    def _go_on(self, coming: Coming, prepared: Prepared) -> None:
        """Begin a search, have its run made, and hand that over: whatever of it is due."""
        if coming.made is None:
            search = self._store.search(coming.lease.search_id)
            if search.data_digest not in (None, prepared.data.digest):
                self._fail(coming, OTHER_IMAGES)
                return
            begun = self._begun(coming.lease, prepared)
            coming.made = Aside(self._loader, partial(self._make_run, begun, coming.lease))
        run = coming.made.result()
        if run is not None:
            run.lease, search = self._leases.renewed(coming.lease)
            run.follow(search)
            self._join(run, prepared)
            self._forget()

    def _begun(self, lease: Lease, prepared: Prepared) -> Search:
        return self._store.begin_search(
            lease,
            at=self._clock(),
            data_digest=prepared.data.digest,
            data_notes=prepared.notes,
            baseline=prepared.baseline,
            reference_point=prepared.reference_point,
            environment=prepared.environment,
        )

    def _fail(self, coming: Coming, reason: str) -> None:
        self._leases.end(coming.lease, SearchState.FAILED, reason)
        self._forget()

    def _forget(self, _ended: bool = True) -> None:
        self._coming = None
