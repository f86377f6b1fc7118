"""One search as its controller sees it: the engine, the log and the candidates in flight.

A run never waits and never trains. It proposes jobs, records what became of them, and only then tells its engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from evaluator.cost import costs
from evaluator.executor import Completion, Job
from evaluator.seeding import training_seed
from search_space.genotype import Genotype

from .engine.base import Engine, Proposal
from .objectives import total_violation
from .pareto import ranks
from .recording import KeepWeights, evaluation_of
from .records import Candidate, CandidateId, CandidateState, Evaluation, Search, SearchState
from .scores import candidate_scores, points_of
from .store.base import Lease, Store
from .tally import Tally

logger = structlog.get_logger(__name__)

BuildEngine = Callable[[Search, tuple[Genotype, ...]], Engine]
"""Makes a search's engine; given survivors of an earlier life, one that starts from them instead of the spec's."""


class ReplayMismatch(RuntimeError):
    """A rebuilt engine proposed another network than the log says."""

    def __init__(self, ordinal: int, recorded: Genotype, proposed: Genotype | None) -> None:
        self.ordinal, self.recorded, self.proposed = ordinal, recorded, proposed
        super().__init__(f"ask {ordinal} was {recorded} but is now {proposed}")


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
        store: Where the log is; it is replayed into a new engine.
        build_engine: Makes that engine.
        clock: Time for the records.
        keep_weights: Where trained weights go.
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
    ) -> None:
        self.search = search
        self.lease = lease
        self.paused = False
        self._store = store
        self._clock = clock
        self._keep_weights = keep_weights
        self._spec = search.spec
        self._known: dict[str, Candidate] = {}  # by genotype digest
        self._asked: set[str] = set()  # digests that the present engine proposed
        self._tells = 0
        self._tally = Tally(search.spec.objective_values, search.reference_point)
        self._waiting: list[Candidate] = []
        self._restore(build_engine)

    # -- the log ---------------------------------------------------------------------------------------------------

    def _restore(self, build_engine: BuildEngine) -> None:
        """Rebuild the engine from the log; candidates in flight wait for a worker."""
        log = self._store.candidates(self.search.id, limit=None)
        told = sorted((c for c in log if c.told_ordinal is not None), key=lambda c: c.told_ordinal or 0)
        self._engine = build_engine(self.search, ())
        try:
            self._replay(log, told)
        except ReplayMismatch as mismatch:
            self._warm_start(build_engine, log, told, mismatch)
        self._known = {candidate.genotype.digest: candidate for candidate in log}
        self._tells = len(told)
        self._waiting = [c for c in log if c.state is CandidateState.EVALUATING]
        for candidate in told:
            self._tally.add(candidate, in_flight=len(log) - len(told))

    def _replay(self, log: list[Candidate], told: list[Candidate]) -> None:
        """Feed the recorded asks and tells to the engine in their order and compare every ask."""
        tells = 0
        for candidate in log:
            for earlier in told[tells : candidate.tells_before]:
                self._tell(earlier)
            tells = max(tells, candidate.tells_before)
            proposal = self._engine.ask()
            proposed = proposal.genotype if proposal else None
            if proposed != candidate.genotype:
                raise ReplayMismatch(candidate.ordinal, candidate.genotype, proposed)
            self._asked.add(candidate.genotype.digest)
        for earlier in told[tells:]:
            self._tell(earlier)
        if log:
            logger.info("search replayed", search=self.search.id, asked=len(log), told=len(told))

    def _warm_start(
        self, build_engine: BuildEngine, log: list[Candidate], told: list[Candidate], mismatch: ReplayMismatch
    ) -> None:
        """Go on from the recorded survivors, where other code than that which wrote the log would propose otherwise."""
        scored = [c for c in told if c.state is CandidateState.SCORED]
        rank = ranks(points_of(scored, self._spec.objective_values), self._spec.objective_values)
        order = sorted(range(len(scored)), key=lambda i: (scored[i].violation or 0.0, rank[i]))
        survivors = tuple(scored[i].genotype for i in order[: self._spec.population])
        self._engine = build_engine(self.search, survivors)
        self._asked.clear()
        detail = {"ordinal": mismatch.ordinal, "survivors": len(survivors), "why": str(mismatch)}
        self._store.record_event(self.lease, "warm_started", detail, at=self._clock())
        logger.warning("replay differs: warm start", search=self.search.id, asked=len(log), **detail)

    def _tell(self, candidate: Candidate) -> None:
        """Tell the engine about one of its own proposals."""
        values = None
        if candidate.state is CandidateState.SCORED:
            scores = candidate_scores(candidate)
            values = [scores.get(objective.column, math.nan) for objective in self._spec.objective_values]
        self._engine.tell(candidate.genotype, values, candidate.violation or 0.0)

    # -- proposing -------------------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """Candidates that were asked for and not told."""
        return len(self._known) - self._tells

    def next_work(self) -> Work | Known | None:
        """The next job to run; None when the budget is spent, or the engine waits, or nothing is left.

        A candidate whose outcome is known already is recorded and told, untrained, and `Known` returned: one a call, so
        that thousands of them do not keep a controller from its other duties.
        """
        if self._waiting:
            return self._unless_known(self._waiting.pop(0))
        if not self._may_propose():
            return None
        proposal = self._engine.ask()
        if proposal is None:
            return None
        self._asked.add(proposal.genotype.digest)
        earlier = self._known.get(proposal.genotype.digest)
        if earlier is None:
            return self._unless_known(self._record_ask(proposal))
        if earlier.told_ordinal is not None:  # a warm start proposes what the log knows
            self._tell(earlier)
        return Known()

    def _unless_known(self, candidate: Candidate) -> Work | Known:
        """The job of a candidate in flight, unless its outcome is stored already: then that is told."""
        job = self._job(candidate.genotype)
        evaluation = self._store.evaluation(job.key)
        if evaluation is None:
            return Work(candidate=candidate, job=job)
        self._record_tell(candidate, evaluation, cached=True)
        return Known()

    def _may_propose(self) -> bool:
        spent = len(self._known) >= self._spec.budget.evaluations
        return not (self.paused or spent or self._out_of_time())

    def _record_ask(self, proposal: Proposal) -> Candidate:
        genotype, ordinal = proposal.genotype, len(self._known)
        cost = costs(genotype, self._spec.recipe, scale=self._spec.scale, channels=self._spec.channels)
        candidate = Candidate(
            id=CandidateId(f"{self.search.id}-{ordinal}"),
            search_id=self.search.id,
            ordinal=ordinal,
            tells_before=self._tells,
            genotype=genotype,
            state=CandidateState.EVALUATING,
            params=cost.params,
            mult_adds=cost.mult_adds,
            evaluation_key=self._job(genotype).key,
            operator=proposal.operator,
            parents=proposal.parents,
            asked_at=self._clock(),
        )
        self._store.record_ask(self.lease, candidate)
        self._known[genotype.digest] = candidate
        return candidate

    def _job(self, genotype: Genotype) -> Job:
        assert self.search.data_digest is not None, "a run is made of a search that was begun"
        return Job(
            genotype=genotype,
            recipe=self._spec.recipe,
            scale=self._spec.scale,
            channels=self._spec.channels,
            seed=training_seed(self._spec.seed, genotype.digest),
            data_digest=self.search.data_digest,
            timeout_s=self._spec.evaluation_timeout_s,
        )

    # -- recording -------------------------------------------------------------------------------------------------

    def take(self, work: Work, completion: Completion, *, cached: bool = False) -> None:
        """Record an outcome, then tell it to the engine; ``cached`` when another search waited for the same work."""
        evaluation = evaluation_of(
            work.candidate, work.job, completion, at=self._clock(), keep_weights=self._keep_weights
        )
        known = self._store.evaluation(evaluation.key)  # written by another controller meanwhile: the first one stands
        self._record_tell(work.candidate, known or evaluation, cached=cached)

    def _record_tell(self, candidate: Candidate, evaluation: Evaluation, *, cached: bool) -> None:
        scored = evaluation.failure_kind is None
        told = replace(
            candidate,
            state=CandidateState.SCORED if scored else CandidateState.FAILED,
            evaluation_key=evaluation.key,
            told_ordinal=self._tells,
            told_at=self._clock(),
            cached=cached,
            violation=total_violation(self._spec.constraint_values, evaluation.scores) if scored else None,
            evaluation=evaluation,
        )
        progress = self._tally.add(told, in_flight=self.in_flight - 1)
        self._store.record_tell(self.lease, told, evaluation, progress)
        self.search = replace(self.search, progress=progress)
        self._known[told.genotype.digest] = told
        self._tells += 1
        if told.genotype.digest in self._asked:
            self._tell(told)
        logger.info(
            "candidate told",
            search=self.search.id,
            candidate=told.id,
            state=str(told.state),
            cached=cached,
            psnr_db=evaluation.psnr_db,
            failure=evaluation.failure_kind,
        )

    # -- ending ----------------------------------------------------------------------------------------------------

    def over(self) -> tuple[SearchState, str] | None:
        """How the search ends now, if it does."""
        if self.in_flight:
            return None
        budget = self._spec.budget
        if len(self._known) >= budget.evaluations:
            return SearchState.COMPLETED, f"the budget of {budget.evaluations} evaluations is spent"
        if self._out_of_time():
            return SearchState.COMPLETED, f"the budget of {budget.wall_time_s:g} s is spent"
        if self._engine.exhausted:
            return SearchState.COMPLETED, "every network that the constraints allow was looked at"
        return None

    def _out_of_time(self) -> bool:
        limit, started = self._spec.budget.wall_time_s, self.search.started_at
        return limit is not None and started is not None and (self._clock() - started).total_seconds() >= limit
