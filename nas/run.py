"""One search as its controller sees it: the engine, the log and the candidates in flight.

A run never waits and never trains. It proposes jobs, records what became of them, and only then tells its engine.
Whether a network survived there is written a little later, and derived again where a lost controller had not done so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from evaluator.executor import Completion, Job
from search_space.genotype import Genotype

from . import history
from .budget import Spent, nothing_left, spent
from .engine.base import PROMOTION, Engine, Proposal
from .jobs import Jobs, steps_of
from .recording import KeepWeights, candidate_of, evaluation_of, told_of
from .records import Candidate, CandidateId, CandidateState, Evaluation, Search, SearchState
from .states import StateShelf
from .store.base import Lease, Store
from .tally import Tally

logger = structlog.get_logger(__name__)

BuildEngine = Callable[[Search], Engine]
"""Makes a search's engine."""

MARKS = 16
"""Survivals noted before they are written; those that a lost controller had not written are derived again."""

CONFIRMATION = "confirmation"
"""The operator of a training that gives a member of the final front another seed."""


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
        self.paused = False
        self.parallelism = search.parallelism  # most candidates in flight; None for every worker
        self._store, self._clock, self._keep_weights = store, clock, keep_weights
        self._spec = search.spec
        self._jobs = Jobs(search, states)
        self._engine = build_engine(search)
        self._top_rung = search.spec.recipe.rungs - 1
        self._tally = Tally(search.spec.objective_values, search.reference_point, top_rung=self._top_rung)
        self._log = {candidate.ordinal: candidate for candidate in store.candidates(search.id, limit=None)}
        self._asked = [c.ordinal for c in self._log.values() if c.replicate == 0]  # by the engine, in order
        self._confirmations = {(c.genotype.digest, c.replicate): c.ordinal for c in self._log.values() if c.replicate}
        self._committed = 0  # how many of those it was told of, where outcomes are told in order
        self._tells = 0
        self._planned_steps = 0  # of the candidates in flight
        self._marks: dict[CandidateId, bool] = {}
        self._restore()
        self._waiting = [c for c in self._log.values() if c.state is CandidateState.EVALUATING]

    def _restore(self) -> None:
        """Bring the engine to where the log ends."""
        log = list(self._log.values())
        for step in history.history(log, self._spec.engine):
            if isinstance(step, history.Asked):
                self._engine.admit(history.proposal_of(step.candidate))
            else:
                self._committed += 1
                self._tell(step.candidate)
        told = sorted((c for c in log if c.told_ordinal is not None), key=lambda c: c.told_ordinal or 0)
        self._tells = len(told)
        for candidate in told:
            self._tally.add(candidate, in_flight=len(log) - len(told))
        self._planned_steps = sum(self._steps_of(c) for c in log if c.told_ordinal is None)
        if log:
            logger.info("search restored", search=self.search.id, asked=len(log), told=len(told))

    # -- proposing -------------------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Candidates that were asked for and not told."""
        return len(self._log) - self._tells

    def next_work(self) -> Work | Known | None:
        """The next job to run; None when the budget is spent, or the engine waits, or nothing is left.

        A candidate whose outcome is known already is recorded and told, untrained, and `Known` returned: one a call, so
        that thousands of them do not keep a controller from its other duties.
        """
        if self._waiting:
            return self._unless_known(self._waiting.pop(0))
        if self.paused:
            return None
        candidate = self._next_asked() or self._next_confirmation()
        return None if candidate is None else self._unless_known(candidate)

    def _next_asked(self) -> Candidate | None:
        if self._finished() is not None or not self._commit():
            return None
        proposal = self._engine.propose()
        while proposal is None and self._commit_next():  # it waits for more than the lag has let it know
            proposal = self._engine.propose()
        if proposal is None:
            return None
        candidate = self._record_ask(proposal)
        self._asked.append(candidate.ordinal)
        self._engine.admit(proposal)
        return candidate

    def _next_confirmation(self) -> Candidate | None:
        """A training from another seed of a member of the final front; None while that may change."""
        confirming = sum(self._log[ordinal].told_ordinal is None for ordinal in self._confirmations.values())
        missing = self._unconfirmed() if self.in_flight == confirming else None
        if missing is None:
            return None
        genotype, replicate = missing
        parents, rung = (genotype.digest,), self._top_rung
        proposal = Proposal(genotype=genotype, operator=CONFIRMATION, parents=parents, rung=rung)
        candidate = self._record_ask(proposal, replicate=replicate)
        self._confirmations[genotype.digest, replicate] = candidate.ordinal
        return candidate

    def _unconfirmed(self) -> tuple[Genotype, int] | None:
        """A member of the final front, and the number of a seed from which it was not trained; None when time is up."""
        finished = self._finished()
        if finished is None or finished.hard:
            return None
        wanted = ((c.genotype, n) for c in self._tally.front for n in range(1, self._spec.front_seeds))
        return next(((g, n) for g, n in wanted if (g.digest, n) not in self._confirmations), None)

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
        tells_before = self._committed if self._is_ordered else self._tells
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
        """Record an outcome, then tell it to the engine; ``cached`` when another search waited for the same work."""
        self._jobs.keep_state(work.candidate, completion.outcome)
        at, keep = self._clock(), self._keep_weights
        evaluation = evaluation_of(work.candidate, work.job, completion, at=at, keep_weights=keep)
        known = self._store.evaluation(evaluation.key)  # written by another controller meanwhile: the first one stands
        self._record_tell(work.candidate, known or evaluation, cached=cached)

    def _record_tell(self, candidate: Candidate, evaluation: Evaluation, *, cached: bool) -> None:
        told = told_of(self._spec, candidate, evaluation, at=self._clock())
        told = replace(told, told_ordinal=self._tells, cached=cached)
        progress = self._tally.add(told, in_flight=self.in_flight - 1)
        told = replace(told, hypervolume=progress.hypervolume)
        self._store.record_tell(self.lease, told, evaluation, progress)
        self.search, self._log[told.ordinal] = replace(self.search, progress=progress), told
        self._tells += 1
        self._planned_steps -= self._steps_of(told)
        if told.replicate == 0 and not self._is_ordered:
            self._tell_live(told)
        logger.info(
            "candidate told",
            search=self.search.id,
            candidate=told.id,
            state=str(told.state),
            rung=told.rung,
            cached=cached,
            psnr_db=evaluation.psnr_db,
            failure=evaluation.failure_kind,
        )

    # -- the engine ------------------------------------------------------------------------------------------------

    def _commit(self, lag: int | None = None) -> bool:
        """Tell the engine what it has to know before its next ask; whether all of that is known."""
        if not self._is_ordered:
            return True
        options = self._spec.engine if lag is None else replace(self._spec.engine, lag=lag)
        untold = [self._log[ordinal] for ordinal in self._asked[self._committed :]]
        due = history.due(untold, len(self._asked), options)
        for candidate in due or ():
            self._committed += 1
            self._tell_live(candidate)
        return due is not None

    def _commit_next(self) -> bool:
        """Tell the engine one outcome more, where they are told in order; whether the next one is there."""
        if not self._is_ordered or self._committed == len(self._asked):
            return False
        candidate = self._log[self._asked[self._committed]]
        if candidate.told_ordinal is None:
            return False
        self._committed += 1
        self._tell_live(candidate)
        return True

    @property
    def _is_ordered(self) -> bool:
        return self._spec.engine.order == "ordered"

    def _tell(self, candidate: Candidate) -> None:
        survived = history.tell(self._engine, candidate, self._spec)
        if candidate.survived is None:
            self._marks[candidate.id] = survived

    def _tell_live(self, candidate: Candidate) -> None:
        """Tell the engine, and note what follows."""
        lowest = self._engine.lowest_rung
        self._tell(candidate)
        if self._engine.lowest_rung != lowest:
            why = f"short trainings rank badly: tau between rungs {lowest} and {lowest + 1} is too low"
            detail = {"lowest_rung": self._engine.lowest_rung, "why": why}
            self._store.record_event(self.lease, "rung_raised", detail, at=self._clock())
        if len(self._marks) >= MARKS:
            self.write_marks()

    def write_marks(self) -> None:
        """Write which networks survived, as far as that was noted and not written yet."""
        if self._marks:
            self._store.record_survival(self.lease, self._marks)
            self._marks = {}

    # -- ending ----------------------------------------------------------------------------------------------------

    def over(self) -> tuple[SearchState, str] | None:
        """How the search ends now, if it does."""
        finished = self._finished()
        if self.in_flight or finished is None or self._unconfirmed() is not None:
            return None
        self._commit(lag=1)
        self.write_marks()
        return SearchState.COMPLETED, finished.reason

    def _finished(self) -> Spent | None:
        """Why the engine is asked no more; None while it is."""
        if self._engine.exhausted:
            return nothing_left(any_asked=bool(self._asked))
        started = self.search.started_at
        return spent(
            self._spec.budget,
            self._tally.progress,
            asked=len(self._asked),
            planned_steps=self._planned_steps,
            unchanged=self._tally.unchanged,
            running_s=0.0 if started is None else (self._clock() - started).total_seconds(),
        )

    def forget_states(self) -> None:
        """Drop what trainings of this search would have gone on from."""
        self._jobs.forget()
