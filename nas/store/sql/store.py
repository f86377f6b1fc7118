"""The store in SQL: every verb is one transaction around one query. Which queries, the other modules know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, final

from sqlalchemy import Engine

from ...records import (
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
from ...spec import BudgetSpec
from .. import rules
from ..base import Lease, TrainingReport
from ..entries import Entry
from . import artifacts, book, changes, log, searches
from . import workers as watched
from .engine import Database


@final
class SqlStore:
    """A `nas.store.base.Store` on SQLite or PostgreSQL, for any number of threads and processes.

    Args:
        engine: Made by `nas.store.sql.engine.connect`, its tables up to date.
        on_close: Called when the store was closed, e.g. to give up a lock.
    """

    def __init__(self, engine: Engine, *, on_close: Callable[[], None] = lambda: None) -> None:
        self._database = Database(engine)
        self._reading, self._writing = self._database.reading, self._database.writing
        self._on_close = on_close

    # -- searches --------------------------------------------------------------------------------------------------

    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """See `Store.add_search`."""
        with self._writing() as connection:
            return searches.add(connection, search, request)

    def search(self, search_id: SearchId) -> Search:
        """See `Store.search`."""
        with self._reading() as connection:
            return searches.with_id(connection, search_id)

    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """See `Store.searches`."""
        with self._reading() as connection:
            return searches.newest(connection, states=states, before=before, limit=limit)

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
        """See `Store.move_search`."""
        with self._writing() as connection:
            return searches.move(connection, search_id, state, at, reason, action, by)

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_parallelism`."""
        with self._writing() as connection:
            return searches.set_parallelism(connection, search_id, parallelism, at, by)

    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_priority`."""
        with self._writing() as connection:
            return searches.set_priority(connection, search_id, priority, at, by)

    def extend_search(self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "") -> Search:
        """See `Store.extend_search`."""
        with self._writing() as connection:
            return searches.extend(connection, search_id, budget, at, by)

    def pulse(self, search_id: SearchId) -> Pulse:
        """See `Store.pulse`."""
        with self._reading() as connection:
            return searches.pulse(connection, search_id)

    def totals(self) -> Totals:
        """See `Store.totals`."""
        with self._reading() as connection:
            return searches.totals(connection)

    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """See `Store.claim_search`."""
        with self._writing() as connection:
            return searches.claim(connection, owner, at, lease_s, only, above)

    def renew_lease(self, lease: Lease, *, at: datetime, lease_s: float) -> tuple[Lease, SearchState]:
        """See `Store.renew_lease`."""
        with self._writing() as connection:
            return searches.renew(connection, lease, at, lease_s)

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
        """See `Store.begin_search`."""
        with self._writing() as connection:
            return searches.begin(
                connection,
                lease,
                at=at,
                data_digest=data_digest,
                data_notes=data_notes,
                baseline=baseline,
                reference_point=reference_point,
                environment=environment,
            )

    def end_search(self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "") -> Search:
        """See `Store.end_search`."""
        with self._writing() as connection:
            return searches.end(connection, lease, state, at, reason)

    def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        with self._writing() as connection:
            searches.release(connection, lease)

    # -- the log of a search ---------------------------------------------------------------------------------------

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """See `Store.record_ask`."""
        with self._writing() as connection:
            log.record_ask(connection, lease, candidate)

    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """See `Store.record_tell`."""
        with self._writing() as connection:
            log.record_tell(connection, lease, candidate, evaluation, progress)

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """See `Store.record_survival`."""
        with self._writing() as connection:
            log.record_survival(connection, lease, survived)

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """See `Store.record_event`."""
        with self._writing() as connection:
            changes.held_search(connection, lease, rules.TELLING)
            changes.change_search(connection, lease.search_id, Entry(at, kind, dict(detail)))

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
        """See `Store.record_workers`."""
        with self._writing() as connection:
            watched.record(connection, owner, workers, reports, at, lease_s)

    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """See `Store.workers`."""
        with self._reading() as connection:
            return watched.seen(connection, at, lease_s)

    # -- reads -----------------------------------------------------------------------------------------------------

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """See `Store.candidate`."""
        with self._reading() as connection:
            return log.candidate_with_id(connection, candidate_id)

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
        """See `Store.candidates`."""
        with self._reading() as connection:
            return log.candidates_after(
                connection, search_id, after=after, limit=limit, rung=rung, operator=operator, ordinals=ordinals
            )

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        with self._reading() as connection:
            return log.ledger_of(connection, search_id)

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """See `Store.told_rows`."""
        with self._reading() as connection:
            return log.told_after(connection, search_id, after=after, limit=limit)

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.untold_rows`."""
        with self._reading() as connection:
            return log.untold(connection, search_id)

    def evaluation(self, key: str) -> Evaluation | None:
        """See `Store.evaluation`."""
        with self._reading() as connection:
            return log.evaluation_at(connection, key)

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """See `Store.events`."""
        with self._reading() as connection:
            return log.events_after(connection, search_id, after=after, limit=limit, progress=progress)

    # -- artifacts -------------------------------------------------------------------------------------------------

    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """See `Store.add_artifact`."""
        with self._writing() as connection:
            return artifacts.add(connection, artifact, by)

    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """See `Store.artifact`."""
        with self._reading() as connection:
            return artifacts.with_id(connection, artifact_id)

    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """See `Store.artifacts`."""
        with self._reading() as connection:
            return artifacts.of_candidate(connection, candidate_id)

    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """See `Store.claim_artifact`."""
        with self._writing() as connection:
            return artifacts.claim(connection, at, stale_after_s)

    def finish_artifact(self, artifact: Artifact) -> None:
        """See `Store.finish_artifact`."""
        with self._writing() as connection:
            artifacts.finish(connection, artifact)

    # -- datasets --------------------------------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset) -> None:
        """See `Store.add_dataset`."""
        with self._writing() as connection:
            book.add_dataset(connection, dataset)

    def dataset(self, name: str) -> Dataset:
        """See `Store.dataset`."""
        with self._reading() as connection:
            return book.dataset_named(connection, name)

    def datasets(self) -> list[Dataset]:
        """See `Store.datasets`."""
        with self._reading() as connection:
            return book.all_datasets(connection)

    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """See `Store.remove_dataset`."""
        with self._writing() as connection:
            return book.remove_dataset(connection, name, at, by)

    # -- access ----------------------------------------------------------------------------------------------------

    def add_token(self, token: Token) -> None:
        """See `Store.add_token`."""
        with self._writing() as connection:
            book.add_token(connection, token)

    def token(self, token_id: TokenId) -> Token:
        """See `Store.token`."""
        with self._reading() as connection:
            return book.token_with(connection, token_id)

    def tokens(self) -> list[Token]:
        """See `Store.tokens`."""
        with self._reading() as connection:
            return book.all_tokens(connection)

    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """See `Store.revoke_token`."""
        with self._writing() as connection:
            return book.revoke_token(connection, token_id, at, by)

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """See `Store.audit`."""
        with self._reading() as connection:
            return book.audit_after(connection, after=after, limit=limit)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()
        self._on_close()
