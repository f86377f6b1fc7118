"""The verbs of the store in memory, each alone under one lock: checked first, then done, so whole or not at all."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, final

from ...records import (
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
    Worker,
    check_transition,
)
from .. import entries, rules
from ..base import AlreadyStored, Lease, LeaseLost, NotFound, TrainingReport
from ..entries import Entry
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

    # -- searches --------------------------------------------------------------------------------------------------

    @verb
    def add_search(self, search: Search) -> None:
        """See `Store.add_search`."""
        if search.id in self._searches:
            raise AlreadyStored("search", search.id)
        self._change(search, entries.submitted(search))

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
    def move_search(self, search_id: SearchId, state: SearchState, *, at: datetime, reason: str = "") -> Search:
        """See `Store.move_search`."""
        moved = self._move(self.search(search_id), state, at, reason)
        if state is SearchState.RUNNING:
            self._logs[search_id].lease = None
        return moved

    @verb
    def set_parallelism(self, search_id: SearchId, parallelism: int | None, *, at: datetime) -> Search:
        """See `Store.set_parallelism`."""
        search = self.search(search_id)
        rules.check_parallelism(search.id, search.state, parallelism)
        changed = replace(search, parallelism=parallelism)
        return self._change(changed, entries.parallelism(search.parallelism, parallelism, at))

    @verb
    def claim_search(self, owner: str, *, at: datetime, lease_s: float, only: SearchId | None = None) -> Lease | None:
        """See `Store.claim_search`."""
        wanted = [search for search in self._searches.values() if only in (None, search.id)]
        claimable = [search for search in wanted if self._logs[search.id].claimable(search.state, at)]
        if not claimable:
            return None
        search = min(claimable, key=_age)
        lease = self._logs[search.id].grant(search.id, owner, at + timedelta(seconds=lease_s))
        running = replace(search, state=SearchState.RUNNING, reason="", started_at=search.started_at or at)
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
        return self._change(begun, entries.started(at, data_digest, data_notes, baseline, reference_point))

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
        self._change(replace(search, progress=progress), entries.told(log.tell(asked, candidate, kept), kept, at))

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
    def candidates(self, search_id: SearchId, *, after: int = -1, limit: int | None = 100) -> list[Candidate]:
        """See `Store.candidates`."""
        log = self._logs[search_id].candidates
        return [log[ordinal] for ordinal in islice((n for n in sorted(log) if n > after), limit)]

    @verb
    def ledger(self, search_id: SearchId) -> list[LedgerRow]:
        """See `Store.ledger`."""
        return self._logs[search_id].ledger()

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
    def add_artifact(self, artifact: Artifact) -> Artifact:
        """See `Store.add_artifact`."""
        self.candidate(artifact.candidate_id)
        return self._shelf.add(artifact)

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

    def close(self) -> None:
        """See `Store.close`."""

    # -- what the verbs share --------------------------------------------------------------------------------------

    def _change(self, search: Search, entry: Entry) -> Search:
        """Store the new form of a search and its event."""
        self._logs[search.id].append(search.id, entry)
        self._searches[search.id] = search
        return search

    def _move(self, search: Search, state: SearchState, at: datetime, reason: str) -> Search:
        check_transition(search.id, search.state, state)
        if state.ended:
            search = self._abandon(search, at)
        moved = replace(search, state=state, reason=reason, finished_at=at if state.ended else None)
        return self._change(moved, entries.moved(search.state, state, at, reason))

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
