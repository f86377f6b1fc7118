"""The storage port: what every store promises, then its verbs.

Guarantees, in every implementation:

* A verb is one transaction: it happens whole or not at all. Whoever gets `StoreUnavailable` may repeat it: nothing was
  done, unless the database went away in the very moment of the commit. Then the repetition finds the work done, and is
  refused as such (`AlreadyStored`, `NotFound` in flight), or is answered with it (a request with a key).
* What a verb returned is durable before it returns.
* Writes to the log of a search take a `Lease` and are refused with `LeaseLost` once another owner has claimed the
  search (fencing token), so that a controller that was cut off writes nothing.
* An evaluation is written once per key; a second write of the same key keeps the first.
* Every change of a search appends its event in the same transaction; events are numbered from 1. A renewed lease and a
  mark of survival are no changes in that sense; marks take a number all the same, so that the pulse of the search
  shows them.
* A number is given once, and numbers only grow. They have gaps where marks were written, and where a training told of
  its progress: those events go in the transaction that records the training's outcome, or gives it up. A reader that
  keeps the last number that it read misses nothing else.
* What a person asks for bears who: its `AuditEntry` is appended in the same transaction, numbered from 1.
* Times are timezone-aware UTC and come from the caller.
* A figure that is not a number is stored as unknown (None); infinity is kept.
* Nothing is what a listing of an unknown id holds; only a verb that names `NotFound` raises it.

A lease lets its holder *ask* while the search is running, and *tell* until the search has ended: pausing a search, or
queueing it again, does not throw away what was in flight. It is lost when the search is claimed again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from evaluator.progress import TrainingProgress

from ..records import (
    Action,
    Artifact,
    ArtifactId,
    AuditEntry,
    Candidate,
    CandidateId,
    Dataset,
    Evaluation,
    Event,
    LedgerRow,
    Progress,
    Pulse,
    Request,
    Search,
    SearchId,
    SearchState,
    Token,
    TokenId,
    Totals,
    Worker,
)
from ..spec import BudgetSpec
from .refusals import AlreadyStored, KeyReused, NotFound, StoreError, StoreInUse, StoreUnavailable, WrongSchema

__all__ = [
    "AlreadyStored",
    "KeyReused",
    "Lease",
    "LeaseLost",
    "NotFound",
    "Store",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "TrainingReport",
    "WrongSchema",
]


REMEMBERED = timedelta(days=7)
"""For how long a request is remembered, so that its repetition does nothing."""


class LeaseLost(StoreError):
    """Another controller has taken the search over, or it was moved out of the running state."""

    hint = "stop working on this search: what was recorded so far is kept"

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        super().__init__(f"lease {lease.token} of {lease.owner} on search {lease.search_id} is void for this")


@dataclass(frozen=True, kw_only=True)
class Lease:
    """The right to write one search's log.

    Attributes:
        search_id: Which search.
        owner: Who holds it.
        token: Grows with every claim of the search: the fencing token.
        expires_at: When it may be claimed by another unless it is renewed.
    """

    search_id: SearchId
    owner: str
    token: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrainingReport:
    """What a training told of itself, for the event log of a search that waits for it.

    Attributes:
        lease: The right to write that log.
        candidate_id: Whose training, there.
        ordinal: Number of that candidate.
        worker: Name of the worker.
        progress: The report.
    """

    lease: Lease
    candidate_id: CandidateId
    ordinal: int
    worker: str
    progress: TrainingProgress


class Store(Protocol):
    """Remembers searches and what became of them, datasets, tokens and the audit, and for a moment what workers do."""

    # -- searches, for the service ------------------------------------------------------------------------------

    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """Store a new search and its "submitted" event; its owner asked for it.

        A request that was carried out before gives the search that came of it, as it is now; `KeyReused` when it asks
        for something else under the same key. What its sender has forgotten is forgotten here too: a request is
        remembered for `REMEMBERED`. `AlreadyStored` when the id is taken.
        """
        ...

    def search(self, search_id: SearchId) -> Search:
        """One search; `NotFound`."""
        ...

    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """Newest first (by creation, then id); ``before`` continues after that search; no states means all.

        `NotFound` when there is no search ``before``.
        """
        ...

    def move_search(
        self,
        search_id: SearchId,
        state: SearchState,
        *,
        at: datetime,
        reason: str = "",
        action: Action | None = None,
        by: str = "",
    ) -> Search:
        """Make a legal transition without a lease, and its event; `NotFound`, `IllegalTransition`.

        A move out of the running state makes the current lease void for `record_ask`; outcomes of candidates in
        flight may still be recorded while the search is paused. A move out of an ended state takes the candidates back
        into flight that were given up at that end, and says so in an event "revived".

        ``action`` is what somebody wished: `IllegalAction` unless it makes sense in the search's state.
        """
        ...

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """Let a search have at most so many candidates in flight, None for every worker, and its event "parallelism".

        Whoever runs the search reads it anew; nothing that is in flight is given up. `NotFound`; `ValueError` for
        less than 1; `IllegalAction` when nothing is left to run.
        """
        ...

    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """Give a search another priority, and its event "priority"; `NotFound`, `IllegalAction`."""
        ...

    def extend_search(self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "") -> Search:
        """Put a budget in place of a search's, and its event "extended"; a completed search is queued again.

        What was given up when it was completed is in flight again then. `NotFound`; `IllegalAction` when it was
        cancelled or failed.
        """
        ...

    def pulse(self, search_id: SearchId) -> Pulse:
        """How far the record of a search is; `NotFound`."""
        ...

    def totals(self) -> Totals:
        """What all searches together have come to."""
        ...

    # -- searches, for a controller ------------------------------------------------------------------------------

    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """Take a search that is queued, or running with an expired lease; it is running afterwards, its claim counted.

        The oldest of those of the highest priority. With ``only``, that search or none; with ``above``, one of a higher
        priority than that.
        """
        ...

    def renew_lease(self, lease: Lease, *, at: datetime, lease_s: float) -> tuple[Lease, SearchState]:
        """Extend a lease and say where the search stands (it may have been paused or cancelled); `LeaseLost`."""
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

    def end_search(self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "") -> Search:
        """Make a legal transition out of running and give the lease back; `LeaseLost`, `IllegalTransition`."""
        ...

    def release_lease(self, lease: Lease) -> None:
        """Give a lease back without a transition, as after a pause; a lease that was lost already is ignored."""
        ...

    # -- the log of a search ---------------------------------------------------------------------------------------

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """Append a candidate in flight and its "asked" event, counting it in the search's progress.

        `LeaseLost`; `AlreadyStored` when its id or ordinal is taken in the search, or the search has asked about this
        genotype at this rung and replicate before; `ValueError` unless the candidate is in flight.
        """
        ...

    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """Record a candidate's outcome, the search's progress and the "told" event, all or nothing.

        ``candidate`` is the told form of a candidate in flight (state, told_ordinal, told_at, violation, cached,
        survived, hypervolume); what was asked, such as its ordinal, genotype and rung, is never changed. Its outcome
        is the evaluation first stored under ``evaluation.key``; the events of its training's progress go, and the
        claims of the search are counted from 0 again. `LeaseLost`;
        `NotFound` unless the candidate is in flight; `AlreadyStored` when the told ordinal is taken; `ValueError`
        unless the candidate was told.
        """
        ...

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """Mark which told candidates entered the population; a later mark replaces an earlier one.

        It appends no event, but takes a number. `LeaseLost`; `NotFound` unless every candidate was told in this search.
        """
        ...

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """Append an event about what no other verb records; ``detail`` holds JSON values. `LeaseLost`."""
        ...

    # -- workers ---------------------------------------------------------------------------------------------------

    def record_workers(
        self,
        owner: str,
        workers: Sequence[Worker],
        reports: Sequence[TrainingReport] = (),
        *,
        at: datetime,
        lease_s: float,
    ) -> None:
        """Replace what an owner's workers do now, and append the reports of their trainings to their searches' logs.

        A report becomes an event "training_progress", until its candidate is told or given up. One whose lease is void,
        or whose candidate is not in flight, is left out, and the rest is written: whoever lost a lease learns it
        elsewhere. Workers that no owner wrote for ``lease_s`` seconds are forgotten. `ValueError` unless every worker
        is the owner's, and named once.
        """
        ...

    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """What was written less than ``lease_s`` seconds before ``at``, by node, name and owner.

        The workers of a controller that died vanish so, as its leases do. One whose candidate was told or given up
        since it was written is idle.
        """
        ...

    # -- reads -----------------------------------------------------------------------------------------------------

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """One candidate with its evaluation; `NotFound`."""
        ...

    def candidates(
        self,
        search_id: SearchId,
        *,
        after: int = -1,
        limit: int | None = 100,
        rung: int | None = None,
        operator: str | None = None,
        ordinals: Collection[int] | None = None,
    ) -> list[Candidate]:
        """Candidates with their evaluations, by ordinal, those after ``after``; ``limit=None`` for all.

        Of one rung, of one operator, or of those numbers only, where they are given.
        """
        ...

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """Every candidate's narrow row, by ordinal, whatever its state: quick enough to be read as a whole."""
        ...

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """Narrow rows of told candidates by the number of their tell, those after ``after``; ``limit=None`` for all.

        Of a row that was read, nothing but ``survived`` changes any more.
        """
        ...

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """Narrow rows of candidates without an outcome, in flight or given up, by ordinal: few at any time."""
        ...

    def evaluation(self, key: str) -> Evaluation | None:
        """What is known under an address; failures are returned too."""
        ...

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """Events in order, those after ``after``; those that tell of trainings in flight only with ``progress``."""
        ...

    # -- artifacts -------------------------------------------------------------------------------------------------

    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """Request an artifact; the one that is there already for (candidate, format) unless it failed.

        `NotFound` when there is no such candidate, `AlreadyStored` when the id is taken.
        """
        ...

    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """One artifact; `NotFound`."""
        ...

    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """Artifacts of a candidate, oldest first."""
        ...

    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """Take the oldest requested artifact, or one that was being written for longer than ``stale_after_s``."""
        ...

    def finish_artifact(self, artifact: Artifact) -> None:
        """Store the ready or failed form of an artifact, unless it was finished before; `NotFound`."""
        ...

    # -- datasets --------------------------------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset) -> None:
        """Register a dataset; `AlreadyStored` when its name is taken."""
        ...

    def dataset(self, name: str) -> Dataset:
        """One dataset; `NotFound`."""
        ...

    def datasets(self) -> list[Dataset]:
        """Every dataset, by name."""
        ...

    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """Forget a dataset and give it a last time; its files are not touched; `NotFound`."""
        ...

    # -- access ----------------------------------------------------------------------------------------------------

    def add_token(self, token: Token) -> None:
        """Keep a token; `AlreadyStored` when its id is taken."""
        ...

    def token(self, token_id: TokenId) -> Token:
        """One token, live or not; `NotFound`."""
        ...

    def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        ...

    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """End a token; one that was revoked before keeps its time; `NotFound`."""
        ...

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """What people have changed, in order, those after ``after``."""
        ...

    def check_schema(self) -> None:
        """Raise `WrongSchema` unless the tables are those of this version, as they are when a store is opened."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
