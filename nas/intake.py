"""Searches on their way in: claimed, their images decoded beside those that are active, then begun."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

from .leases import Leases
from .preparing import Prepare, Prepared
from .records import SearchState
from .store.base import Lease, Store, StoreUnavailable

BARREN_CLAIMS = 5
"""How often a search is tried whose controllers vanish before it has a further outcome."""

BARREN = f"{BARREN_CLAIMS} controllers in a row were gone before it had a further outcome: it may have ended them"

Begin = Callable[[Lease, Prepared], None]
"""Begins a search whose images are decoded; where it raises, it may be called again."""


@dataclass(eq=False)
class Coming:
    """A search that was claimed and not begun.

    Attributes:
        lease: The right to begin it.
        prepared: What is being made of its images; None until somebody does.
    """

    lease: Lease
    prepared: Future[Prepared] | None = None


class Intake:
    """Prepares claimed searches, and has them begun.

    Where the store does not answer, every search stays where it was, and the same step may be made again.

    Args:
        store: Where searches are.
        leases: Keeps them for us.
        prepare: Makes images, baseline and reference point of a spec.
        loader: Runs that beside the searches that are active; shut down at the end.
        begin: Takes over what is ready.
    """

    def __init__(
        self, store: Store, leases: Leases, prepare: Prepare, loader: concurrent.futures.Executor, begin: Begin
    ) -> None:
        self._store, self._leases, self._prepare, self._loader, self._begin = store, leases, prepare, loader, begin
        self._coming: list[Coming] = []

    def __len__(self) -> int:
        """Searches on their way in."""
        return len(self._coming)

    def admit(self, lease: Lease) -> None:
        """Take a claimed search in."""
        self._coming.append(Coming(lease))

    def renew(self) -> None:
        """Keep the leases."""
        for coming in list(self._coming):
            with self._leases.contained(coming.lease, "its lease cannot be renewed", partial(self._forget, coming)):
                coming.lease, _ = self._leases.renewed(coming.lease)

    def step(self) -> None:
        """Have the images decoded of what is new, and begin what is ready."""
        for coming in list(self._coming):
            forget, prepared = partial(self._forget, coming), None
            with self._leases.contained(coming.lease, "its images cannot be used", forget):
                prepared = self._prepared(coming)
            if prepared is not None:
                with self._leases.contained(coming.lease, "it cannot be begun", forget):
                    self._begin(coming.lease, prepared)
                    forget()

    def close(self) -> list[Lease]:
        """Prepare no more; the leases of what was on its way."""
        self._loader.shutdown(cancel_futures=True)
        return [coming.lease for coming in self._coming]

    def _prepared(self, coming: Coming) -> Prepared | None:
        """What is made of a search's images; None while they are decoded."""
        if coming.prepared is None:
            search = self._store.search(coming.lease.search_id)
            if search.claims > BARREN_CLAIMS:
                self._leases.end(coming.lease, SearchState.FAILED, BARREN)
                self._forget(coming)
                return None
            whose = copy_context()  # what is logged there bears the search's id too
            coming.prepared = self._loader.submit(whose.run, self._prepare, search.spec)
        if not coming.prepared.done():
            return None
        made = coming.prepared
        if isinstance(made.exception(), StoreUnavailable):  # it looks its images up in the store
            coming.prepared = None
        return made.result()

    def _forget(self, coming: Coming, _ended: bool = True) -> None:
        if coming in self._coming:
            self._coming.remove(coming)
