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
from ..base import Lease, TrainingReport
from . import artifacts, book, log, searches
from . import workers as watched
from .engine import Database
from .migrate import check_revision


@final
class SqlStore:
    """A `nas.store.base.Store` on SQLite or PostgreSQL, for any number of threads and processes.

    Args:
        engine: Made by `nas.store.sql.engine.connect`, its tables up to date.
        on_close: Called when the store was closed, e.g. to give up a lock.
    """

    def __init__(self, engine: Engine, *, on_close: Callable[[], None] = lambda: None) -> None:
        self._database = Database(engine)
        self._read, self._write = self._database.read, self._database.write
        self._on_close = on_close

    # -- searches --------------------------------------------------------------------------------------------------

    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """See `Store.add_search`."""
        return self._write(searches.add, search, request)

    def answered(self, request: Request, *, at: datetime) -> Search | None:
        """See `Store.answered`."""
        return self._read(searches.answered, request, at)

    def search(self, search_id: SearchId) -> Search:
        """See `Store.search`."""
        return self._read(searches.with_id, search_id)

    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """See `Store.searches`."""
        return self._read(searches.newest, states=states, before=before, limit=limit)

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
        return self._write(searches.move, search_id, state, at, reason, action, by)

    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_parallelism`."""
        return self._write(searches.set_parallelism, search_id, parallelism, at, by)

    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_priority`."""
        return self._write(searches.set_priority, search_id, priority, at, by)

    def extend_search(
        self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.extend_search`."""
        return self._write(searches.extend, search_id, budget, at, by, present)

    def pulse(self, search_id: SearchId) -> Pulse:
        """See `Store.pulse`."""
        return self._read(searches.pulse, search_id)

    def totals(self) -> Totals:
        """See `Store.totals`."""
        return self._read(searches.totals)

    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """See `Store.claim_search`."""
        return self._write(searches.claim, owner, at, lease_s, only, above)

    def renew_lease(
        self, lease: Lease, *, at: datetime, lease_s: float, settled: bool = False
    ) -> tuple[Lease, SearchState]:
        """See `Store.renew_lease`."""
        return self._write(searches.renew, lease, at, lease_s, settled)

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
        return self._write(
            searches.begin,
            lease,
            at=at,
            data_digest=data_digest,
            data_notes=data_notes,
            baseline=baseline,
            reference_point=reference_point,
            environment=environment,
        )

    def end_search(
        self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "", present: BudgetSpec | None = None
    ) -> Search:
        """See `Store.end_search`."""
        return self._write(searches.end, lease, state, at, reason, present)

    def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        self._write(searches.release, lease)

    # -- the log of a search ---------------------------------------------------------------------------------------

    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """See `Store.record_ask`."""
        self._write(log.record_ask, lease, candidate)

    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """See `Store.record_tell`."""
        self._write(log.record_tell, lease, candidate, evaluation, progress)

    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """See `Store.record_survival`."""
        self._write(log.record_survival, lease, survived)

    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """See `Store.record_event`."""
        self._write(log.record_event, lease, kind, detail, at)

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
        self._write(watched.record, owner, workers, reports, at, lease_s)

    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """See `Store.workers`."""
        return self._read(watched.seen, at, lease_s)

    # -- reads -----------------------------------------------------------------------------------------------------

    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """See `Store.candidate`."""
        return self._read(log.candidate_with_id, candidate_id)

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
        return self._read(
            log.candidates_after,
            search_id,
            after=after,
            limit=limit,
            rung=rung,
            operator=operator,
            ordinals=ordinals,
        )

    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        return self._read(log.ledger_of, search_id)

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """See `Store.told_rows`."""
        return self._read(log.told_after, search_id, after=after, limit=limit)

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.untold_rows`."""
        return self._read(log.untold, search_id)

    def evaluation(self, key: str) -> Evaluation | None:
        """See `Store.evaluation`."""
        return self._read(log.evaluation_at, key)

    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """See `Store.events`."""
        return self._read(log.events_after, search_id, after=after, limit=limit, progress=progress)

    # -- artifacts -------------------------------------------------------------------------------------------------

    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """See `Store.add_artifact`."""
        return self._write(artifacts.add, artifact, by)

    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """See `Store.artifact`."""
        return self._read(artifacts.with_id, artifact_id)

    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """See `Store.artifacts`."""
        return self._read(artifacts.of_candidate, candidate_id)

    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """See `Store.claim_artifact`."""
        return self._write(artifacts.claim, at, stale_after_s)

    def finish_artifact(self, artifact: Artifact) -> None:
        """See `Store.finish_artifact`."""
        self._write(artifacts.finish, artifact)

    # -- datasets --------------------------------------------------------------------------------------------------

    def add_dataset(self, dataset: Dataset) -> None:
        """See `Store.add_dataset`."""
        self._write(book.add_dataset, dataset)

    def dataset(self, name: str) -> Dataset:
        """See `Store.dataset`."""
        return self._read(book.dataset_named, name)

    def datasets(self) -> list[Dataset]:
        """See `Store.datasets`."""
        return self._read(book.all_datasets)

    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """See `Store.remove_dataset`."""
        return self._write(book.remove_dataset, name, at, by)

    # -- access ----------------------------------------------------------------------------------------------------

    def add_token(self, token: Token) -> None:
        """See `Store.add_token`."""
        self._write(book.add_token, token)

    def token(self, token_id: TokenId) -> Token:
        """See `Store.token`."""
        return self._read(book.token_with, token_id)

    def tokens(self) -> list[Token]:
        """See `Store.tokens`."""
        return self._read(book.all_tokens)

    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """See `Store.revoke_token`."""
        return self._write(book.revoke_token, token_id, at, by)

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """See `Store.audit`."""
        return self._read(book.audit_after, after=after, limit=limit)

    def check_schema(self) -> None:
        """See `Store.check_schema`."""
        self._read(check_revision)

    def close(self) -> None:
        """See `Store.close`."""
        self._database.close()
        self._on_close()
