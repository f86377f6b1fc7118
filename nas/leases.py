"""The searches that one controller holds: taken, kept and given back. Knows no engine and no job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from evaluator.executor import ExecutorError
from search_space.errors import InvalidInput

from .records import IllegalTransition, Search, SearchId, SearchState
from .spec import BudgetSpec
from .store.base import AlreadyStored, Lease, LeaseLost, NotFound, Store, StoreError

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Leasing:
    """How a controller holds its searches.

    Attributes:
        owner: Its name in leases.
        lease_s: How long a lease lasts; it is renewed after a third of that.
        max_active: Searches that it advances side by side.
        only: The one search that it may claim; any when None.
    """

    owner: str
    lease_s: float
    max_active: int
    only: SearchId | None = None


class Leases:
    """Takes, keeps and gives back searches in the name of one controller.

    Args:
        store: Where they are.
        leasing: How they are held.
        clock: UTC now.
    """

    def __init__(self, store: Store, leasing: Leasing, clock: Callable[[], datetime]) -> None:
        self._store, self._leasing, self._clock = store, leasing, clock

    def claim(self, *, above: int | None = None, only: SearchId | None = None) -> Lease | None:
        """Take a search that nobody works on; None when there is none.

        Args:
            above: Take only one of a higher priority.
            only: Take this one or none; it is one that was claimed before.
        """
        own = self._leasing
        lease = self._store.claim_search(
            own.owner, at=self._clock(), lease_s=own.lease_s, only=only or own.only, above=above
        )
        if lease is not None:
            logger.info("search claimed", search=lease.search_id, token=lease.token)
        return lease

    def renewed(self, lease: Lease, *, at_once: bool = False, settled: bool = False) -> tuple[Lease, Search]:
        """A lease, extended once a third of it has passed or ``at_once``, and its search as it stands; `LeaseLost`.

        ``settled`` where the search is under way: claims of it whose controllers died do not count any more.
        """
        left_s = (lease.expires_at - self._clock()).total_seconds()
        if at_once or left_s <= self._leasing.lease_s * 2 / 3:
            lease_s = self._leasing.lease_s
            lease, _ = self._store.renew_lease(lease, at=self._clock(), lease_s=lease_s, settled=settled)
        return lease, self._store.search(lease.search_id)

    def give_back(self, lease: Lease) -> None:
        """Queue a search again; one that was paused or ended meanwhile only loses its lease."""
        if self._store.search(lease.search_id).state is SearchState.RUNNING:
            self.end(lease, SearchState.QUEUED, "its controller stopped")
        else:
            self._store.release_lease(lease)

    def complete(self, lease: Lease, budget: BudgetSpec, reason: str) -> None:
        """End a search whose budget is spent; one that was given another just then is queued again instead."""
        self.end(lease, SearchState.COMPLETED, reason, present=budget)

    def end(self, lease: Lease, state: SearchState, reason: str, present: BudgetSpec | None = None) -> Search | None:
        """Move a search out of running; None if a person was quicker to pause or cancel it, which stands."""
        try:
            ended = self._store.end_search(lease, state, at=self._clock(), reason=reason, present=present)
            logger.info("search left", search=lease.search_id, state=str(ended.state), reason=ended.reason)
            return ended
        except (LeaseLost, NotFound):
            logger.warning("lease lost", search=lease.search_id)
        except IllegalTransition:
            self._store.release_lease(lease)
        return None

    @contextmanager
    def contained(
        self, lease: Lease, what: str, leave: Callable[[bool], None], doubt: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """Act for one search: a lost lease leaves it to its new owner, any trouble of its own fails it alone.

        What every search depends on, the store and the executor, is not contained: their errors are raised.

        Args:
            lease: Of the search.
            what: What cannot be done, should there be trouble.
            leave: Called once the search is ours no more, with whether it has ended.
            doubt: Called where the log holds what it should not, since a call that was given up may have been carried
                out late; whether it will be read again. Otherwise that is trouble like any other.
        """
        try:
            with structlog.contextvars.bound_contextvars(search=lease.search_id):  # also for who knows of no search
                yield
        except LeaseLost:
            logger.warning("lease lost", search=lease.search_id)
            leave(False)
        except (AlreadyStored, NotFound) as error:
            if doubt():
                logger.warning("log read again", search=lease.search_id, reason=str(error))
            else:
                self._fail(lease, what, error)
                leave(True)
        except (StoreError, ExecutorError):
            raise
        except Exception as error:
            self._fail(lease, what, error)
            leave(True)

    def _fail(self, lease: Lease, what: str, error: Exception) -> None:
        known = isinstance(error, InvalidInput | OSError)
        logger.error("search failed", search=lease.search_id, reason=str(error), exc_info=not known)
        self.end(lease, SearchState.FAILED, f"{what}: {error}" if known else f"{what}: {error!r}")
