"""The loop that advances searches: claim, ask, submit, record, tell. No torch, no SQL, no Ray.

Several searches may be active side by side; free workers are handed to them in turn. A search that cannot go on
never takes the others down with it.
"""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import structlog

from evaluator.executor import Executor, ExecutorError
from search_space.errors import InvalidInput

from .dispatch import Dispatch, Returned
from .leases import Leases, Leasing
from .preparing import Prepare, Prepared
from .recording import KeepWeights
from .records import SearchState
from .run import BuildEngine, Known, SearchRun, Work
from .states import StateShelf
from .store.base import Lease, LeaseLost, Store, StoreError
from .watching import Watch

logger = structlog.get_logger(__name__)


AT_ONCE = 64
"""Candidates handled before the controller looks at its leases again: thousands may be known already."""


class Exports(Protocol):
    """Fulfils requested artifacts beside the searches, without blocking."""

    def step(self) -> None:
        """Start what is requested and record what is done."""
        ...

    def close(self) -> None:
        """Wait for what was started."""
        ...


class Controller:
    """Advances every search that it can claim.

    Args:
        store: Where searches are.
        executor: Who trains.
        prepare: Makes images, baseline and reference point of a spec.
        build_engine: Makes a search's engine.
        keep_weights: Where trained weights go.
        states: Where trainings leave what longer ones go on from.
        exports: Who writes artifacts.
        leasing: How searches are held.
        loader: Runs `prepare` beside the searches that are active; shut down with the controller.
        clock: UTC now.
        wait: Sleeps, when no worker has anything to do.
        poll_s: Longest pause of one step.
    """

    def __init__(
        self,
        store: Store,
        executor: Executor,
        *,
        prepare: Prepare,
        build_engine: BuildEngine,
        keep_weights: KeepWeights,
        states: StateShelf,
        exports: Exports,
        leasing: Leasing,
        loader: concurrent.futures.Executor,
        clock: Callable[[], datetime],
        wait: Callable[[float], object],
        poll_s: float,
    ) -> None:
        self._store = store
        self._executor = executor
        self._prepare = prepare
        self._build_engine = build_engine
        self._keep_weights = keep_weights
        self._states = states
        self._exports = exports
        self._max_active = leasing.max_active
        self._leases = Leases(store, leasing, clock)
        self._clock = clock
        self._wait = wait
        self._poll_s = poll_s
        self._loader = loader
        self._preparing: list[tuple[Lease, Future[Prepared]]] = []
        self._runs: deque[SearchRun] = deque()
        self._dispatch = Dispatch(executor)
        self._watch = Watch(store, executor, self._dispatch, owner=leasing.owner, lease_s=leasing.lease_s, clock=clock)

    @property
    def active(self) -> int:
        """Searches that are being prepared or advanced."""
        return len(self._runs) + len(self._preparing)

    def run(self, stop: Callable[[], bool]) -> None:
        """Step until ``stop`` says so, then give every search back."""
        try:
            while not stop():
                self.step()
        finally:
            self.close()

    def step(self) -> None:
        """Look at the database once, keep the workers busy, and record what they finished."""
        self._renew()
        self._claim()
        self._begin_prepared()
        handled = self._fill()
        self._watch.look()
        idle = self._dispatch.empty  # the executor is asked all the same: workers come and go meanwhile
        for returned in self._dispatch.completed(0.0 if idle or handled == AT_ONCE else self._poll_s):
            self._take(returned)
        if not idle:
            self._fill()
        elif not handled:
            self._wait(self._poll_s)
        self._finish()
        self._exports.step()

    def close(self) -> None:
        """Give every search back to the queue; what is in flight will be trained by whoever claims it next."""
        self._loader.shutdown(cancel_futures=True)
        for lease, _ in self._preparing:
            self._leases.give_back(lease)
        self._preparing.clear()
        for run in list(self._runs):
            self._leave(run)
            self._leases.give_back(run.lease)
        self._watch.close()
        self._exports.close()

    # -- searches come ---------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        while self.active < self._max_active:
            lease = self._leases.claim()
            if lease is None:
                return
            run = next((run for run in self._runs if run.search.id == lease.search_id), None)
            if run is not None:  # paused and resumed before its trainings had ended: they go on
                run.lease = lease
                continue
            spec = self._store.search(lease.search_id).spec
            self._preparing.append((lease, self._loader.submit(self._prepare, spec)))

    def _begin_prepared(self) -> None:
        ready = [(lease, future) for lease, future in self._preparing if future.done()]
        self._preparing = [(lease, future) for lease, future in self._preparing if not future.done()]
        for lease, future in ready:
            with self._contained(lease, "its images cannot be used"):
                prepared = future.result()
            if future.exception() is None:
                with self._contained(lease, "it cannot be begun"):
                    self._begin(lease, prepared)

    def _begin(self, lease: Lease, prepared: Prepared) -> None:
        earlier = self._store.search(lease.search_id).data_digest
        if earlier not in (None, prepared.data.digest):
            self._leases.end(
                lease, SearchState.FAILED, "its images changed since it was started: scores would not compare"
            )
            return
        self._executor.load(prepared.data)
        search = self._store.begin_search(
            lease,
            at=self._clock(),
            data_digest=prepared.data.digest,
            data_notes=prepared.notes,
            baseline=prepared.baseline,
            reference_point=prepared.reference_point,
        )
        run = SearchRun(
            search,
            lease,
            store=self._store,
            build_engine=self._build_engine,
            clock=self._clock,
            keep_weights=self._keep_weights,
            states=self._states,
        )
        self._runs.append(run)

    def _renew(self) -> None:
        """Keep the leases, and notice what was paused, resumed or cancelled."""
        for run in list(self._runs):
            with self._contained(run.lease, "its lease cannot be renewed", run):
                run.lease, search = self._leases.renewed(run.lease)
                run.paused = search.state is not SearchState.RUNNING
                run.parallelism = search.parallelism
                if search.state.ended:
                    logger.info("search left", search=run.search.id, state=str(search.state))
                    self._leave(run)
                    run.forget_states()
        kept = []
        for lease, future in self._preparing:
            with self._contained(lease, "its lease cannot be renewed"):
                kept.append((self._leases.renewed(lease)[0], future))
        self._preparing = kept

    # -- work ------------------------------------------------------------------------------------------------------

    def _fill(self) -> int:
        """Hand free workers to the active searches in turn; how many candidates were handled, at most `AT_ONCE`."""
        refused = handled = 0
        while refused < len(self._runs) and not self._dispatch.full and handled < AT_ONCE:
            run = self._runs[0]
            self._runs.rotate(-1)
            if self._handle_one(run):
                refused, handled = 0, handled + 1
            else:
                refused += 1
        return handled

    def _handle_one(self, run: SearchRun) -> bool:
        """Submit one job of a search, or tell one known outcome, if it has any now."""
        if run.parallelism is not None and self._dispatch.count_of(run) >= run.parallelism:
            return False
        work: Work | Known | None = None
        with self._contained(run.lease, "it cannot go on", run):
            work = run.next_work()
        if isinstance(work, Work):
            self._dispatch.submit(run, work)
        return work is not None

    def _take(self, returned: Returned) -> None:
        run = returned.run
        with self._contained(run.lease, "an outcome cannot be recorded", run):
            run.take(returned.work, returned.completion, cached=returned.cached)

    # -- searches go -----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """End the searches that are over, and let go of paused ones once nothing of theirs is in flight."""
        for run in list(self._runs):
            with self._contained(run.lease, "it cannot be ended", run):
                ending = run.over()
                if run.paused and not run.in_flight:
                    run.write_marks()
                    self._leave(run)
                    self._store.release_lease(run.lease)
                elif ending is not None:
                    self._leave(run)
                    self._leases.end(run.lease, *ending)
                    run.forget_states()

    def _leave(self, run: SearchRun) -> None:
        """Forget a search, cancel the jobs that nobody else waits for, and let its images go unless others use them."""
        if run in self._runs:
            self._runs.remove(run)
        self._dispatch.drop(run)
        digest = run.search.data_digest
        if digest is not None and all(other.search.data_digest != digest for other in self._runs):
            self._executor.unload(digest)

    @contextmanager
    def _contained(self, lease: Lease, what: str, run: SearchRun | None = None) -> Iterator[None]:
        """Act for one search: a lost lease leaves it to its new owner, any trouble of its own fails it alone.

        What every search depends on, the store and the executor, is not contained: their errors end the controller.
        """
        try:
            yield
        except LeaseLost:
            logger.warning("lease lost", search=lease.search_id)
            if run is not None:
                self._leave(run)
        except (StoreError, ExecutorError):
            raise
        except Exception as error:
            known = isinstance(error, InvalidInput | OSError)
            logger.error("search failed", search=lease.search_id, reason=str(error), exc_info=not known)
            if run is not None:
                self._leave(run)
                run.forget_states()
            self._leases.end(lease, SearchState.FAILED, f"{what}: {error}" if known else f"{what}: {error!r}")
