"""The loop that advances searches: claim, ask, submit, record, tell. No torch, no SQL, no Ray.

Several searches may be active side by side: free workers go to those of higher priority first, and evenly to equals;
and before all of them to full trainings, which hold half of the workers at most while searches want them, or the only
one in turn. A search that cannot go on never takes the others down with it, and a store that does not answer takes
nobody down: the workers go on, what they finish is kept, and recorded once the store is back.
"""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial

import structlog

from evaluator.executor import Executor

from .claiming import Claiming
from .dispatch import Dispatch, Returned
from .exporting import Exports
from .finishing import Equipment, Finishing
from .intake import Intake
from .leases import Leases, Leasing
from .mending import Mending
from .outage import Outage
from .preparing import Prepare, Prepared
from .recording import KeepWeights
from .records import SearchState
from .run import BuildEngine, Known, SearchRun, Work
from .sharing import places_for_trainings, whose_turn
from .states import StateShelf
from .store.base import Store, StoreUnavailable
from .watching import Watch

logger = structlog.get_logger(__name__)

AT_ONCE = 64
"""Most candidates handled before the controller looks at its leases again: thousands may be known already."""


class Controller:
    """Advances every search and every full training that it can claim.

    Args:
        store: Where searches are.
        executor: Who trains.
        prepare: Makes images, baseline and reference point of a spec.
        build_engine: Makes a search's engine.
        keep_weights: Where trained weights go.
        states: Where trainings leave what longer ones go on from.
        finishing: What full trainings need.
        exports: Who writes artifacts.
        leasing: How searches and full trainings are held.
        loader: Runs `prepare`, and reads logs, beside the searches that are active; shut down with the controller.
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
        finishing: Equipment,
        exports: Exports,
        leasing: Leasing,
        loader: concurrent.futures.Executor,
        clock: Callable[[], datetime],
        wait: Callable[[float], object],
        poll_s: float,
    ) -> None:
        self._store = store
        make_run = partial(
            SearchRun, store=store, build_engine=build_engine, clock=clock, keep_weights=keep_weights, states=states
        )
        self._exports = exports
        self._leases = Leases(store, leasing, clock)
        self._wait = wait
        self._poll_s = poll_s
        self._outage = Outage(clock)
        self._mending = Mending(self._leases, make_run, loader)
        self._intake = Intake(
            store, self._leases, prepare=prepare, make_run=make_run, join=self._join, loader=loader, clock=clock
        )
        self._runs: deque[SearchRun] = deque()
        self._claiming = Claiming(self._leases, self._intake, self._outage, self._runs, leasing.max_active)
        self._dispatch = Dispatch(executor)
        self._finishing = Finishing(
            store, self._dispatch, finishing, leasing=leasing, loader=loader, outage=self._outage, clock=clock
        )
        self._watch = Watch(store, executor, self._dispatch, owner=leasing.owner, lease_s=leasing.lease_s, clock=clock)

    @property
    def active(self) -> int:
        """Searches that are being prepared or advanced."""
        return len(self._runs) + len(self._intake)

    def run(self, stop: Callable[[], bool]) -> None:
        """Step until ``stop`` says so, then give every search back."""
        try:
            while not stop():
                self.step()
        finally:
            self.close()

    def step(self) -> None:
        """Look at the database once, keep the workers busy, and record what they finished.

        While the store is away it is asked now and then; until it answers, this only listens to the workers.
        """
        if self._outage.left_s:
            self._listen(min(self._poll_s, self._outage.left_s))
            return
        try:
            self._advance()
        except StoreUnavailable as error:
            self._outage.begin(error)
        else:
            self._outage.end()

    def close(self) -> None:
        """Record what has come back, and give every search back to the queue.

        What is in flight will be trained by whoever claims it next. A store that is away is asked once and not waited
        for: the leases run out by themselves.
        """
        coming = self._intake.close()
        try:
            self._record_last()
        except StoreUnavailable as error:
            logger.warning("outcomes not recorded", reason=str(error), hint="their candidates will be trained again")
        try:
            for lease in [*coming, *(run.lease for run in self._runs)]:
                self._leases.give_back(lease)
            self._finishing.close()
            self._watch.close()
        except StoreUnavailable as error:
            logger.warning("not all was given back", reason=str(error), hint="their leases run out by themselves")
        self._exports.close()
        for run in list(self._runs):
            self._leave(run)

    def _advance(self) -> None:
        """One step, as long as the store answers; broken off anywhere, the next one loses and repeats nothing."""
        self._mend()
        self._renew()
        self._record()
        self._claiming.step()
        self._intake.step()
        self._finishing.step(self._places)
        handled = self._fill()
        self._watch.look()
        idle = self._dispatch.empty
        self._listen(0.0 if handled == AT_ONCE or (idle and handled) else self._poll_s)
        self._record()
        if not idle:
            self._fill()
        self._finish()
        self._exports.step()

    # -- searches come ---------------------------------------------------------------------------------------------

    def _join(self, run: SearchRun, prepared: Prepared) -> None:
        """Take over a run from the intake."""
        self._dispatch.load(run.search.id, prepared.data)
        self._runs.append(run)

    def _mend(self) -> None:
        """Have a new run made, from its log, of each whose call was broken off; its trainings go on."""
        for run in [run for run in self._runs if run.torn]:
            with self._contained(run, "it cannot be taken up again"):
                mended = self._mending.successor(run)
                if mended is not None:
                    self._replace(run, mended)

    def _replace(self, run: SearchRun, mended: SearchRun) -> None:
        self._runs[self._runs.index(run)] = mended
        self._dispatch.hand_over(run, mended)

    def _renew(self) -> None:
        """Keep the leases, and notice what people have changed."""
        for run in list(self._runs):
            with self._contained(run, "its lease cannot be renewed"):
                run.lease, search = self._leases.renewed(run.lease, at_once=not run.settled, settled=True)
                run.settled = True
                run.follow(search)
                if search.state.ended:
                    logger.info("search left", search=run.search.id, state=str(search.state))
                    self._leave(run, ended=True)
        self._intake.renew()

    # -- work ------------------------------------------------------------------------------------------------------

    @property
    def _places(self) -> int:
        """Most workers that full trainings may hold now."""
        leaving = self._claiming.making_way
        return places_for_trainings(self._dispatch.capacity, [run for run in self._runs if run not in leaving])

    def _fill(self) -> int:
        """Hand free workers to full trainings and to searches; how many candidates were handled."""
        self._finishing.fill(0 if self._dispatch.searches_first else self._places)
        handled = self._fill_searches()
        self._finishing.fill(self._places)  # what searches have left
        return handled

    def _fill_searches(self) -> int:
        """Hand free workers to searches in turn; how many candidates were handled."""
        leaving = self._claiming.making_way
        wanting = [run for run in self._runs if run not in leaving and not run.torn]
        served = {run: self._dispatch.count_of(run) for run in wanting}  # and what was known counts as a job
        handled = 0
        while wanting and not self._dispatch.full and handled < AT_ONCE:
            run = whose_turn(wanting, served)
            wanting.remove(run)
            if self._handle_one(run):
                handled += 1
                served[run] += 1
                wanting.append(run)
        self._runs.rotate(-1)  # another one is the first of equals next time
        return handled

    def _handle_one(self, run: SearchRun) -> bool:
        """Submit one job of a search, or tell one known outcome, if it has any now."""
        parallelism = run.search.parallelism
        if parallelism is not None and self._dispatch.count_of(run) >= parallelism:
            return False
        work: Work | Known | None = None
        with self._contained(run, "it cannot go on"):
            work = run.next_work()
        if isinstance(work, Work):
            self._dispatch.submit(run, work)
        return work is not None

    def _listen(self, timeout_s: float) -> None:
        """Take in what the workers have finished; wait for it, or where nothing is in flight, for what may come."""
        if self._dispatch.empty:
            self._dispatch.collect(0.0)  # the executor is asked all the same: workers come and go meanwhile
            self._wait(timeout_s)
        else:
            self._dispatch.collect(timeout_s)

    def _record(self) -> None:
        """Record the outcomes that have come back, oldest first; those of a torn run wait for the next one."""
        while (returned := self._dispatch.oldest) is not None:
            self._record_one(returned)
        self._finishing.record()

    def _record_one(self, returned: Returned) -> None:
        with self._contained(returned.run, "an outcome cannot be recorded"):
            returned.run.take(returned.work, returned.completion, cached=returned.cached)
        if not returned.run.torn:
            self._dispatch.settle(returned)

    def _record_last(self) -> None:
        """Record what has come back before this controller ends, also where a run must be mended for that."""
        for run in [run for run in self._runs if run.torn and self._dispatch.holds_for(run)]:
            with self._contained(run, "it cannot be taken up again"):
                self._replace(run, self._mending.at_once(run))
        self._record()

    # -- searches go -----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Let go of what is over, and once nothing of theirs is in flight, of what is paused or makes way."""
        leaving = self._claiming.making_way
        for run in [run for run in self._runs if not run.torn]:
            with self._contained(run, "it cannot be ended"):
                reason = run.over()
                if run.paused and not run.in_flight:
                    run.write_marks()
                    self._store.release_lease(run.lease)
                    self._leave(run)
                elif reason is not None:
                    self._leases.complete(run.lease, run.search.spec.budget, reason)
                    self._leave(run, ended=True)
                elif run in leaving and not self._dispatch.count_of(run):
                    run.write_marks()
                    self._leases.end(run.lease, SearchState.QUEUED, f"made way for {self._claiming.newcomer}")
                    self._leave(run)

    def _leave(self, run: SearchRun, ended: bool = False) -> None:
        """Forget a search, cancel the jobs that nobody else waits for, and let its images go unless others use them."""
        if run in self._runs:
            self._runs.remove(run)
        self._mending.forget(run)
        self._dispatch.drop(run)
        self._dispatch.unload(run.search.id)
        if ended:
            run.forget_states()

    def _contained(self, run: SearchRun, what: str) -> AbstractContextManager[None]:
        """Act for one search: see `Leases.contained`."""
        return self._leases.contained(run.lease, what, partial(self._leave, run), run.doubt)
