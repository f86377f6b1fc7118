"""One search as its controller sees it: the engine, the log and the candidates in flight.

A run never waits and never trains. It proposes jobs, records what became of them, and only then tells its engine.
Whether a network survived there is written a little later, and derived again where a lost controller had not done so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from evaluator.executor import Completion, Job

from .budget import Spent, nothing_left, spent
from .confirming import CONFIRMATION, Confirmations
from .dialogue import Dialogue
from .engine.base import PROMOTION, Engine, Proposal
from .jobs import Jobs, steps_of
from .recording import KeepWeights, address_of, candidate_of, evaluation_of, told_of
from .records import Candidate, CandidateState, Evaluation, Search, SearchState
from .states import StateShelf
from .store.base import Lease, Store
from .tally import Tally

logger = structlog.get_logger(__name__)

BuildEngine = Callable[[Search], Engine]
"""Makes a search's engine."""

MARKS = 16
"""Survivals noted before they are written; those that a lost controller had not written are derived again."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """A candidate in flight and the job that it waits for."""

    candidate: Candidate
    job: Job


@dataclass(frozen=True)
class Known:
    """A candidate needed no work: its outcome was known."""


class SearchRun:
    """Advances one search between its store and whoever runs its jobs.

    Args:
        search: The search, begun.
        lease: The right to write its log.
        store: Where the log is; a new engine is fed with it.
        build_engine: Makes that engine.
        clock: Time for the records.
        keep_weights: Where trained weights go.
        states: Where trainings of one rung leave what those of the next go on from.

    Attributes:
        search: The search, as far as it is known here; people change it meanwhile.
        lease: The right to write its log.
        torn: Whether a call did not end, so that what is known here and what is stored may differ: the run is of no
            more use, and whoever still holds the lease makes another one from the log.
        settled: Whether the store knows that this claim of the search has come to a run: nobody died of it.
        doubts: How often the log was not what it should be since the last outcome.
    """

    def __init__(
        self,
        search: Search,
        lease: Lease,
        *,
        store: Store,
        build_engine: BuildEngine,
        clock: Callable[[], datetime],
        keep_weights: KeepWeights,
        states: StateShelf,
    ) -> None:
        self.search = search
        self.lease = lease
        self.torn = self.settled = False
        self.doubts = 0
        self._store, self._clock, self._keep_weights = store, clock, keep_weights
        self._spec = search.spec
        self._jobs = Jobs(search, states)
        self._top_rung = search.spec.recipe.rungs - 1
        self._tally = Tally(search.spec.objective_values, search.reference_point, top_rung=self._top_rung)
        self._log = {candidate.ordinal: candidate for candidate in store.candidates(search.id, limit=None)}
        self._dialogue = Dialogue(build_engine(search), search.spec, self._log)
        self._confirmations = Confirmations(search.spec.front_seeds, self._log.values())
        self._waiting = [c for c in self._log.values() if c.state is CandidateState.EVALUATING]
        self._planned_steps = sum(map(self._steps_of, self._waiting))  # of the candidates in flight
        told = sorted((c for c in self._log.values() if c.told_ordinal is not None), key=lambda c: c.told_ordinal or 0)
        self._tells = len(told)
        for candidate in told:
            self._tally.add(candidate, in_flight=len(self._waiting))
        if self._log:
            logger.info("search restored", search=search.id, asked=len(self._log), told=len(told))

    # -- proposing -------------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether nothing new is to be proposed."""
        return self.search.state is not SearchState.RUNNING

    @property
    def in_flight(self) -> int:
        """Candidates that were asked for and not told."""
        return len(self._log) - self._tells

    def follow(self, search: Search) -> None:
        """Take in what people have changed: whether it runs, its budget, how many workers it may have, and when."""
        self.search = replace(search, progress=self.search.progress)

    def doubt(self) -> bool:
        """Take in that the log is not what it should be; whether a successor may help, since none was tried."""
        self.torn = True
        self.doubts += 1
        return self.doubts < 2

    def succeed(self, torn: SearchRun) -> None:
        """Take over from a run of the same search, all but what is under way."""
        self.lease, self.settled, self.doubts = torn.lease, torn.settled, torn.doubts
        self.follow(torn.search)

    def attach(self, ordinals: Collection[int]) -> None:
        """Take in that the jobs of these candidates are under way already."""
        self._waiting = [candidate for candidate in self._waiting if candidate.ordinal not in ordinals]

    def next_work(self) -> Work | Known | None:
        """The next job to run; None when the budget is spent, or the engine waits, or nothing is left.

        A candidate whose outcome is known already is recorded and told, untrained, and `Known` returned: one a call, so
        that thousands of them do not keep a controller from its other duties.
        """
        with self._whole():
            if self._waiting:
                return self._unless_known(self._waiting.pop(0))
            if self.paused:
                return None
            candidate = self._next_asked() or self._next_confirmation()
            return None if candidate is None else self._unless_known(candidate)

    def _next_asked(self) -> Candidate | None:
        if self._finished() is not None:
            return None
        proposal = self._dialogue.propose()
        self._write_notes()
        if proposal is None:
            return None
        candidate = self._record_ask(proposal)
        self._dialogue.admit(proposal, candidate.ordinal)
        return candidate

    def _next_confirmation(self) -> Candidate | None:
        """A training from another seed of a member of the final front; None while that may change."""
        finished = self._finished()
        if finished is None or finished.hard or self.in_flight > self._confirmations.in_flight(self._log):
            return None
        missing = self._confirmations.missing(self._tally.front)
        if missing is None:
            return None
        genotype, replicate = missing
        parents, rung = (genotype.digest,), self._top_rung
        proposal = Proposal(genotype=genotype, operator=CONFIRMATION, parents=parents, rung=rung)
        candidate = self._record_ask(proposal, replicate=replicate)
        self._confirmations.add(candidate)
        return candidate

    def _unless_known(self, candidate: Candidate) -> Work | Known:
        """The job of a candidate in flight, unless its outcome is stored already: then that is told."""
        job = self._jobs.job(candidate)
        evaluation = self._store.evaluation(job.key)
        if evaluation is None:
            return Work(candidate=candidate, job=self._jobs.going_on(job, candidate))
        self._record_tell(candidate, evaluation, cached=True)
        return Known()

    def _record_ask(self, proposal: Proposal, *, replicate: int = 0) -> Candidate:
        candidate = candidate_of(self.search, proposal, len(self._log), at=self._clock())
        tells_before = self._dialogue.committed if self._dialogue.ordered else self._tells
        candidate = replace(candidate, tells_before=tells_before, replicate=replicate)
        candidate = replace(candidate, evaluation_key=self._jobs.job(candidate).key)
        self._store.record_ask(self.lease, candidate)
        self._log[candidate.ordinal] = candidate
        self._planned_steps += self._steps_of(candidate)
        return candidate

    def _steps_of(self, candidate: Candidate) -> int:
        return steps_of(self._spec.recipe, candidate.rung) if candidate.operator == PROMOTION else candidate.steps

    # -- recording -------------------------------------------------------------------------------------------------

    def take(self, work: Work, completion: Completion, *, cached: bool = False) -> None:
        """Record an outcome, then tell it to the engine; ``cached`` when another search waited for the same work.

        One that was recorded before does nothing: the store had taken it, but its answer was lost.

        Raises:
            StoreUnavailable: It could not be recorded; the same call may be made again, of this run unless it is torn.
        """
        if self._log[work.candidate.ordinal].told_ordinal is not None:
            return
        self._jobs.keep_state(work.candidate, completion.outcome)
        # One that another controller wrote meanwhile stands, and the weights that belong to it.
        evaluation = self._store.evaluation(address_of(work.candidate, work.job, completion.outcome))
        if evaluation is None:
            at, keep = self._clock(), self._keep_weights
            evaluation = evaluation_of(work.candidate, work.job, completion, at=at, keep_weights=keep)
        with self._whole():
            self._record_tell(work.candidate, evaluation, cached=cached)

    def _record_tell(self, candidate: Candidate, evaluation: Evaluation, *, cached: bool) -> None:
        told = told_of(self._spec, candidate, evaluation, at=self._clock())
        told = replace(told, told_ordinal=self._tells, cached=cached)
        progress = self._tally.add(told, in_flight=self.in_flight - 1)
        told = replace(told, hypervolume=progress.hypervolume)
        self._store.record_tell(self.lease, told, evaluation, progress)
        self.search, self._log[told.ordinal] = replace(self.search, progress=progress), told
        self._tells += 1
        self.doubts = 0
        self._planned_steps -= self._steps_of(told)
        self._dialogue.hear(told)
        self._write_notes()
        logger.info(
            "candidate told",
            search=self.search.id,
            candidate=told.id,
            state=str(told.state),
            rung=told.rung,
            cached=cached,
            attempts=evaluation.attempts,
            psnr_db=evaluation.psnr_db,
            failure=evaluation.failure_kind,
        )

    def _write_notes(self) -> None:
        """Write what follows from what the engine was told."""
        for before, after in self._dialogue.raised:
            why = f"short trainings rank badly: tau between rungs {before} and {before + 1} is too low"
            detail = {"lowest_rung": after, "why": why}
            self._store.record_event(self.lease, "rung_raised", detail, at=self._clock())
        self._dialogue.raised.clear()
        if len(self._dialogue.marks) >= MARKS:
            self.write_marks()

    def write_marks(self) -> None:
        """Write which networks survived, as far as that was noted and not written yet."""
        if self._dialogue.marks:
            self._store.record_survival(self.lease, self._dialogue.marks)
            self._dialogue.marks.clear()

    # -- ending ----------------------------------------------------------------------------------------------------

    def over(self) -> str | None:
        """Why the search is completed now, if it is; the run is of no more use then, for its engine was told all."""
        finished = self._finished()
        if self.in_flight or finished is None:
            return None
        if not finished.hard and self._confirmations.missing(self._tally.front) is not None:
            return None
        self.torn = True
        self._dialogue.finish()
        self._write_notes()
        self.write_marks()
        return finished.reason

    def _finished(self) -> Spent | None:
        """Why the engine is asked no more; None while it is."""
        if self._dialogue.exhausted:
            return nothing_left(any_asked=self._dialogue.proposed > 0)
        return spent(
            self.search.spec.budget,
            self._tally.progress,
            asked=self._dialogue.proposed,
            planned_steps=self._planned_steps,
            unchanged=self._tally.unchanged,
            running_s=self.search.running_s(self._clock()),
        )

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Change the run and the store alike; the run is torn unless that ends."""
        self.torn = True
        yield
        self.torn = False

    def forget_states(self) -> None:
        """Drop what trainings of this search would have gone on from."""
        self._jobs.forget()
