"""The verbs of the store in memory, each alone under one lock: checked first, then done, so whole or not at all."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, final

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
    check_action,
)
from ...spec import BudgetSpec
from .. import entries, rules, trail
from ..base import AlreadyStored, Lease, LeaseLost, NotFound, TrainingReport
from ..entries import Entry
from .book import Book
from .crowd import Crowd
from .log import Log
from .shelf import Shelf
from .verb import verb


@final
class MemoryStore:
    """A `nas.store.base.Store` of dictionaries, for any number of threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._searches: dict[SearchId, Search] = {}
        self._logs: defaultdict[SearchId, Log] = defaultdict(Log)
        self._logs_of: dict[CandidateId, Log] = {}
        self._evaluations: dict[str, Evaluation] = {}
        self._shelf = Shelf()
        self._crowd = Crowd()
        self._book = Book()

    # -- searches --------------------------------------------------------------------------------------------------

    @verb
    def add_search(self, search: Search, *, request: Request | None = None) -> Search:
        """See `Store.add_search`."""
        known = None if request is None else self._book.answered(request, search.created_at)
        if known is not None:
            return self._searches[known]
        if search.id in self._searches:
            raise AlreadyStored("search", search.id)
        if request is not None:
            self._book.remember(request, search.id, search.created_at)
        self._book.note(trail.submitted(search))
        return self._change(search, entries.submitted(search))

    @verb
    def search(self, search_id: SearchId) -> Search:
        """See `Store.search`."""
        if search_id not in self._searches:
            raise NotFound("search", search_id)
        return self._searches[search_id]

    @verb
    def searches(
        self, *, states: Sequence[SearchState] = (), before: SearchId | None = None, limit: int = 50
    ) -> list[Search]:
        """See `Store.searches`."""
        newest = sorted(self._searches.values(), key=_age, reverse=True)
        if before is not None:
            last = _age(self.search(before))
            newest = [search for search in newest if _age(search) < last]
        return [search for search in newest if not states or search.state in states][:limit]

    @verb
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
        moved = self._move(self.search(search_id), state, at, reason, action)
        if state is SearchState.RUNNING:
            self._logs[search_id].lease = None
        if action is not None:
            self._book.note(trail.acted(search_id, action, at, by))
        return moved

    @verb
    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_parallelism`."""
        search = self.search(search_id)
        rules.check_parallelism(search.id, search.state, parallelism)
        self._book.note(trail.acted(search.id, Action.CHANGE, at, by, parallelism=parallelism))
        changed = replace(search, parallelism=parallelism)
        return self._change(changed, entries.parallelism(search.parallelism, parallelism, at))

    @verb
    def set_priority(self, search_id: SearchId, priority: int, *, at: datetime, by: str = "") -> Search:
        """See `Store.set_priority`."""
        search = self.search(search_id)
        check_action(search.id, search.state, Action.CHANGE)
        self._book.note(trail.acted(search.id, Action.CHANGE, at, by, priority=priority))
        return self._change(replace(search, priority=priority), entries.priority(search.priority, priority, at))

    @verb
    def extend_search(self, search_id: SearchId, budget: BudgetSpec, *, at: datetime, by: str = "") -> Search:
        """See `Store.extend_search`."""
        search = self.search(search_id)
        check_action(search.id, search.state, Action.EXTEND)
        self._book.note(trail.acted(search.id, Action.EXTEND, at, by, budget=budget.model_dump(mode="json")))
        entry = entries.extended(search.state, search.spec.budget, budget, at)
        changed = replace(search, spec=search.spec.model_copy(update={"budget": budget}))
        if search.state is SearchState.COMPLETED:
            changed = replace(self._revive(changed, at), state=SearchState.QUEUED, reason="", finished_at=None)
        return self._change(changed, entry)

    @verb
    def pulse(self, search_id: SearchId) -> Pulse:
        """See `Store.pulse`."""
        search = self.search(search_id)
        return Pulse(event_count=self._logs[search.id].event_count, told=search.progress.evaluated)

    @verb
    def totals(self) -> Totals:
        """See `Store.totals`."""
        found = self._searches.values()
        return rules.summed(rules.Standing(s.id, s.state, s.created_at, s.started_at, s.progress) for s in found)

    @verb
    def claim_search(
        self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None, above: int | None = None
    ) -> Lease | None:
        """See `Store.claim_search`."""
        wanted = [search for search in self._searches.values() if only in (None, search.id)]
        wanted = [search for search in wanted if above is None or search.priority > above]
        claimable = [search for search in wanted if self._logs[search.id].claimable(search.state, at)]
        if not claimable:
            return None
        search = min(claimable, key=lambda search: (-search.priority, *_age(search)))
        lease = self._logs[search.id].grant(search.id, owner, at + timedelta(seconds=lease_s))
        running = replace(
            search,
            state=SearchState.RUNNING,
            reason="",
            started_at=search.started_at or at,
            running_since=search.running_since or at,
            claims=search.claims + 1,
        )
        self._change(running, entries.claimed(lease, search.state, at))
        return lease

    @verb
    def renew_lease(self, lease: Lease, *, at: datetime, lease_s: float) -> tuple[Lease, SearchState]:
        """See `Store.renew_lease`."""
        search, renewed = self._held(lease), replace(lease, expires_at=at + timedelta(seconds=lease_s))
        self._logs[search.id].lease = renewed
        return renewed, search.state

    @verb
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
        search = self._held(lease, rules.ASKING)
        begun = replace(
            search,
            data_digest=data_digest,
            data_notes=tuple(data_notes),
            baseline=dict(baseline),
            reference_point=dict(reference_point),
        )
        entry = entries.started(at, data_digest, data_notes, baseline, reference_point, environment)
        return self._change(begun, entry)

    @verb
    def end_search(self, lease: Lease, state: SearchState, *, at: datetime, reason: str = "") -> Search:
        """See `Store.end_search`."""
        ended = self._move(self._held(lease), state, at, reason)
        self._logs[lease.search_id].lease = None
        return ended

    @verb
    def release_lease(self, lease: Lease) -> None:
        """See `Store.release_lease`."""
        self._logs[lease.search_id].release(lease)

    # -- the log of a search ---------------------------------------------------------------------------------------

    @verb
    def record_ask(self, lease: Lease, candidate: Candidate) -> None:
        """See `Store.record_ask`."""
        rules.check_asked(candidate)
        search = self._held(lease, rules.ASKING)
        if candidate.id in self._logs_of:
            raise AlreadyStored("candidate", candidate.id)
        log = self._logs[search.id]
        log.ask(candidate)
        self._logs_of[candidate.id] = log
        progress = replace(search.progress, in_flight=search.progress.in_flight + 1)
        self._change(replace(search, progress=progress), entries.asked(candidate))

    @verb
    def record_tell(self, lease: Lease, candidate: Candidate, evaluation: Evaluation, progress: Progress) -> None:
        """See `Store.record_tell`."""
        at, candidate = rules.told_at(candidate), rules.told_without_nan(candidate)
        search = self._held(lease, rules.TELLING)
        log = self._logs[search.id]
        asked = log.check_tell(candidate)
        kept = self._evaluations.setdefault(evaluation.key, rules.without_nan(evaluation))
        told = log.tell(asked, candidate, kept)
        self._change(replace(search, progress=progress, claims=0), entries.told(told, kept, at))

    @verb
    def record_survival(self, lease: Lease, survived: Mapping[CandidateId, bool]) -> None:
        """See `Store.record_survival`."""
        self._logs[self._held(lease, rules.TELLING).id].mark(survived)

    @verb
    def record_event(self, lease: Lease, kind: str, detail: Mapping[str, Any], *, at: datetime) -> None:
        """See `Store.record_event`."""
        self._change(self._held(lease, rules.TELLING), Entry(at, kind, dict(detail)))

    # -- workers ---------------------------------------------------------------------------------------------------

    @verb
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
        self._crowd.replace(owner, workers, at, lease_s)
        for report in sorted(reports, key=rules.report_order):
            with suppress(LeaseLost, NotFound):
                self._held(report.lease, rules.TELLING)
                self._logs[report.lease.search_id].report(report, at)

    @verb
    def workers(self, *, at: datetime, lease_s: float) -> list[Worker]:
        """See `Store.workers`."""
        return self._crowd.seen(at, lease_s, self._logs_of)

    # -- reads -----------------------------------------------------------------------------------------------------

    @verb
    def candidate(self, candidate_id: CandidateId) -> Candidate:
        """See `Store.candidate`."""
        if candidate_id not in self._logs_of:
            raise NotFound("candidate", candidate_id)
        return self._logs_of[candidate_id].with_id(candidate_id)

    @verb
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
        log = self._logs[search_id].candidates
        numbers = sorted(log if ordinals is None else log.keys() & set(ordinals))
        found = (log[number] for number in numbers if number > after)
        wanted = (one for one in found if rung in (None, one.rung) and operator in (None, one.operator))
        return list(islice(wanted, limit))

    @verb
    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        return self._logs[search_id].ledger()

    @verb
    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """See `Store.told_rows`."""
        return self._logs[search_id].told_after(after, limit)

    @verb
    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.untold_rows`."""
        return [row for row in self._logs[search_id].ledger() if row.told_ordinal is None]

    @verb
    def evaluation(self, key: str) -> Evaluation | None:
        """See `Store.evaluation`."""
        return self._evaluations.get(key)

    @verb
    def events(self, search_id: SearchId, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """See `Store.events`."""
        return self._logs[search_id].events_after(after, limit, progress=progress)

    # -- artifacts -------------------------------------------------------------------------------------------------

    @verb
    def add_artifact(self, artifact: Artifact, *, by: str = "") -> Artifact:
        """See `Store.add_artifact`."""
        self.candidate(artifact.candidate_id)
        known = artifact.id in self._shelf
        added = self._shelf.add(artifact)
        if added is artifact and not known:
            self._book.note(trail.requested(artifact, by))
        return added

    @verb
    def artifact(self, artifact_id: ArtifactId) -> Artifact:
        """See `Store.artifact`."""
        return self._shelf.with_id(artifact_id)

    @verb
    def artifacts(self, candidate_id: CandidateId) -> list[Artifact]:
        """See `Store.artifacts`."""
        return self._shelf.of_candidate(candidate_id)

    @verb
    def claim_artifact(self, *, at: datetime, stale_after_s: float) -> Artifact | None:
        """See `Store.claim_artifact`."""
        return self._shelf.claim(at, stale_after_s)

    @verb
    def finish_artifact(self, artifact: Artifact) -> None:
        """See `Store.finish_artifact`."""
        self._shelf.finish(artifact)

    # -- datasets --------------------------------------------------------------------------------------------------

    @verb
    def add_dataset(self, dataset: Dataset) -> None:
        """See `Store.add_dataset`."""
        self._book.add_dataset(dataset)

    @verb
    def dataset(self, name: str) -> Dataset:
        """See `Store.dataset`."""
        return self._book.dataset(name)

    @verb
    def datasets(self) -> list[Dataset]:
        """See `Store.datasets`."""
        return self._book.datasets()

    @verb
    def remove_dataset(self, name: str, *, at: datetime, by: str = "") -> Dataset:
        """See `Store.remove_dataset`."""
        return self._book.remove_dataset(name, at, by)

    # -- access ----------------------------------------------------------------------------------------------------

    @verb
    def add_token(self, token: Token) -> None:
        """See `Store.add_token`."""
        self._book.add_token(token)

    @verb
    def token(self, token_id: TokenId) -> Token:
        """See `Store.token`."""
        return self._book.token(token_id)

    @verb
    def tokens(self) -> list[Token]:
        """See `Store.tokens`."""
        return self._book.tokens()

    @verb
    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """See `Store.revoke_token`."""
        return self._book.revoke_token(token_id, at, by)

    @verb
    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """See `Store.audit`."""
        return self._book.audit(after, limit)

    def check_schema(self) -> None:
        """See `Store.check_schema`."""

    def close(self) -> None:
        """See `Store.close`."""

    # -- what the verbs share --------------------------------------------------------------------------------------

    def _change(self, search: Search, entry: Entry) -> Search:
        """Store the new form of a search and its event."""
        self._logs[search.id].append(search.id, entry)
        self._searches[search.id] = search
        return search

    def _move(
        self, search: Search, state: SearchState, at: datetime, reason: str, action: Action | None = None
    ) -> Search:
        was = search.state
        rules.check_move(search.id, was, state, action)
        if state.ended:
            search = self._abandon(search, at)
        if was.ended:
            search = self._revive(search, at)
        moved = replace(search, state=state, reason=reason, finished_at=at if state.ended else None)
        moved = replace(moved, **rules.running_time(was, search.running_since, search.ran_s, state, at))
        return self._change(moved, entries.moved(was, state, at, reason))

    def _revive(self, search: Search, at: datetime) -> Search:
        """Take back into flight what was given up."""
        revived = self._logs[search.id].revive()
        if not revived:
            return search
        progress = replace(search.progress, in_flight=len(revived))
        return self._change(replace(search, progress=progress), entries.revived(revived, at))

    def _abandon(self, search: Search, at: datetime) -> Search:
        """Give up what is in flight."""
        given_up = self._logs[search.id].abandon()
        if not given_up:
            return search
        progress = replace(search.progress, in_flight=0)
        return self._change(replace(search, progress=progress), entries.abandoned(given_up, at))

    def _held(self, lease: Lease, states: frozenset[SearchState] = rules.ANY) -> Search:
        """The search of a lease; `LeaseLost` unless it is held, in one of ``states``."""
        search = self.search(lease.search_id)
        self._logs[search.id].check(lease, search.state, states)
        return search


def _age(search: Search) -> tuple[datetime, str]:
    """Sorts the oldest first."""
    return search.created_at, search.id
