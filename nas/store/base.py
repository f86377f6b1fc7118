"""The storage port: what every store promises, then its verbs.

Guarantees, in every implementation:

* A verb is one transaction: it happens whole or not at all.
* What a verb returned is durable before it returns.
* Writes to the log of a search take a `Lease` and are refused with `LeaseLost` once another owner has claimed the
  search (fencing token), so that a controller that was cut off writes nothing.
* An evaluation is written once per key; a second write of the same key keeps the first.
* Every change of a search appends its event in the same transaction; events are numbered from 1 without gaps. A
  renewed lease and a mark of survival are no changes in that sense.
* Times are timezone-aware UTC and come from the caller.
* A figure that is not a number is stored as unknown (None); infinity is kept.
* Nothing is what a listing of an unknown id holds; only a verb that names `NotFound` raises it.

A lease lets its holder *ask* while the search is running, and *tell* until the search has ended: pausing a search, or
queueing it again, does not throw away what was in flight. It is lost when the search is claimed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..records import (
    Artifact,
    ArtifactId,
    Candidate,
    CandidateId,
    Evaluation,
    Event,
    LedgerRow,
    Progress,
    Search,
    SearchId,
    SearchState,
)


class StoreError(Exception):
    """The store refuses; ``hint`` says what to do next."""

    hint = ""


class NotFound(StoreError):
    """Nothing has that id."""

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        self.hint = f"list what there is, then ask with the id of a {what} that is in the list"
        super().__init__(f"no {what} has the id {name!r}")


class LeaseLost(StoreError):
    """Another controller has taken the search over, or it was moved out of the running state."""

    hint = "stop working on this search: what was recorded so far is kept"

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        super().__init__(f"lease {lease.token} of {lease.owner} on search {lease.search_id} is void for this")


class AlreadyStored(StoreError):
    """A record with that id, ordinal or training is there already."""

    hint = "read what is there: it was kept as it was"

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"a {what} is stored already under the id, ordinal or training of {name!r}")


class StoreInUse(StoreError):
    """Another process holds the database exclusively."""

    hint = "stop the other srnas process, or give this one another database"

    def __init__(self, path: str, pid: int | None) -> None:
        self.path, self.pid = path, pid
        super().__init__(f"{path} is in use by process {'unknown' if pid is None else pid}")


class StoreUnavailable(StoreError):
    """The database cannot be reached, read or written."""

    hint = "see that the database is up, has space left and is not damaged, then try again"


class WrongSchema(StoreError):
    """The tables of the database are not those of this version of srnas."""


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


class Store(Protocol):
    """Remembers searches, candidates, evaluations, events and artifacts."""

    # -- searches, for the service ------------------------------------------------------------------------------

    def add_search(self, search: Search) -> None:
        """Store a new search and its "submitted" event; `AlreadyStored` when the id is taken."""
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

    def move_search(self, search_id: SearchId, state: SearchState, *, at: datetime, reason: str = "") -> Search:
        """Make a legal transition without a lease, and its event; `NotFound`, `IllegalTransition`.

        A move out of the running state makes the current lease void for `record_ask`; outcomes of candidates in
        flight may still be recorded while the search is paused.
        """
        ...

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime) -> Search:
        """Let a search have at most so many candidates in flight, None for every worker, and its event "parallelism".

        Whoever runs the search reads it anew; nothing that is in flight is given up. `NotFound`; `ValueError` for
        less than 1; `SearchEnded` (an `IllegalTransition`) when nothing is left to run.
        """
        ...

    # -- searches, for a controller ------------------------------------------------------------------------------

    def claim_search(self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None) -> Lease | None:
        """Take the oldest search that is queued, or running with an expired lease; it is running afterwards.

        With ``only``, that search or none.
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
    ) -> Search:
        """Record what the images turned out to be; `LeaseLost`."""
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
        is the evaluation first stored under ``evaluation.key``. `LeaseLost`; `NotFound` unless the candidate is in
        flight; `AlreadyStored` when the told ordinal is taken; `ValueError` unless the candidate was told.
        """
        ...

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """Mark which told candidates entered the population; a later mark replaces an earlier one.

        It appends no event. `LeaseLost`; `NotFound` unless every candidate was told in this search.
        """
        ...

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """Append an event about what no other verb records; ``detail`` holds JSON values. `LeaseLost`."""
        ...

    # -- reads -----------------------------------------------------------------------------------------------------

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """One candidate with its evaluation; `NotFound`."""
        ...

    def candidates(self, search_id: SearchId, *, after: int = -1, limit: int | None = 100) -> list[Candidate]:
        """Candidates with their evaluations, by ordinal, those after ``after``; ``limit=None`` for all."""
        ...

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """Every candidate's narrow row, by ordinal, whatever its state: quick enough to be read as a whole."""
        ...

    def evaluation(self, key: str) -> Evaluation | None:
        """What is known under an address; failures are returned too."""
        ...

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Events in order, those after ``after``."""
        ...

    # -- artifacts -------------------------------------------------------------------------------------------------

    def add_artifact(self, artifact: Artifact) -> Artifact:
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

    def close(self) -> None:
        """Release connections."""
        ...
