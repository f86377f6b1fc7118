"""What belongs to one search in memory, beside its record. Each verb refuses before it changes anything."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from ...records import Candidate, CandidateId, CandidateState, Evaluation, Event, LedgerRow, SearchId, SearchState
from ...scores import candidate_scores
from .. import entries, rules
from ..base import AlreadyStored, Lease, NotFound, TrainingReport
from ..entries import Entry


@dataclass
class Log:
    """Candidates by ordinal, events in order, and who may write them."""

    candidates: dict[int, Candidate] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    lease: Lease | None = None
    token: int = 0
    event_count: int = 0
    _ordinals: dict[CandidateId, int] = field(default_factory=dict)
    _trainings: set[tuple[str, int, int]] = field(default_factory=set)
    _told: dict[int, int] = field(default_factory=dict)
    _tells: list[int] = field(default_factory=list)
    _progress: dict[CandidateId, set[int]] = field(default_factory=dict)

    def grant(self, search_id: SearchId, owner: str, expires_at: datetime) -> Lease:
        """Give the search to an owner under a new token."""
        self.token += 1
        self.lease = Lease(search_id=search_id, owner=owner, token=self.token, expires_at=expires_at)
        return self.lease

    def claimable(self, state: SearchState, at: datetime) -> bool:
        """Whether the search is queued, or running without a holder that was heard of in time."""
        silent = self.lease is None or self.lease.expires_at <= at
        return state is SearchState.QUEUED or (state is SearchState.RUNNING and silent)

    def release(self, lease: Lease) -> None:
        """Give up a lease, if it is the present one."""
        if self.lease is not None and (self.lease.owner, self.lease.token) == (lease.owner, lease.token):
            self.lease = None

    def check(self, lease: Lease, state: SearchState, states: frozenset[SearchState]) -> None:
        """Raise `LeaseLost` unless a lease is the present one and the search is in one of ``states``."""
        owner, token = (self.lease.owner, self.lease.token) if self.lease else (None, 0)
        rules.check_lease(lease, owner=owner, token=token, state=state, states=states)

    def with_id(self, candidate_id: CandidateId) -> Candidate:
        """A candidate that was asked for here."""
        return self.candidates[self._ordinals[candidate_id]]

    def ask(self, candidate: Candidate) -> None:
        """Append a candidate in flight; `AlreadyStored`."""
        training = (candidate.genotype.digest, candidate.rung, candidate.replicate)
        if candidate.ordinal in self.candidates or training in self._trainings:
            raise AlreadyStored("candidate", candidate.id)
        self.candidates[candidate.ordinal] = candidate
        self._ordinals[candidate.id] = candidate.ordinal
        self._trainings.add(training)

    def check_tell(self, candidate: Candidate) -> Candidate:
        """The stored form of a candidate that can be told now; `NotFound`, `AlreadyStored`."""
        asked = self.with_id(candidate.id) if candidate.id in self._ordinals else None
        if asked is None or asked.state is not CandidateState.EVALUATING:
            raise NotFound("candidate in flight", candidate.id)
        if candidate.told_ordinal in self._told:
            raise AlreadyStored("told candidate", candidate.id)
        return asked

    def tell(self, asked: Candidate, told: Candidate, kept: Evaluation) -> Candidate:
        """Store of the told form of a candidate what an outcome changes."""
        stored = replace(
            asked,
            state=told.state,
            evaluation_key=kept.key,
            told_ordinal=told.told_ordinal,
            told_at=told.told_at,
            cached=told.cached,
            violation=told.violation,
            survived=told.survived,
            hypervolume=told.hypervolume,
            evaluation=kept,
        )
        self.candidates[asked.ordinal] = stored
        self._forget_progress([asked.id])
        if told.told_ordinal is not None:
            self._told[told.told_ordinal] = asked.ordinal
            insort(self._tells, told.told_ordinal)
        return stored

    def mark(self, survived: Mapping[CandidateId, bool]) -> None:
        """Mark which told candidates entered the population; `NotFound`."""
        told = {name for name in survived if name in self._ordinals and self.with_id(name).told_ordinal is not None}
        for name in survived:
            if name not in told:
                raise NotFound("told candidate", name)
        for name, mark in survived.items():
            self.candidates[self._ordinals[name]] = replace(self.with_id(name), survived=mark)
        self.event_count += bool(survived)

    def abandon(self) -> list[str]:
        """Give up what is in flight; the ids."""
        flying = [n for n, stored in sorted(self.candidates.items()) if stored.state is CandidateState.EVALUATING]
        for ordinal in flying:
            self.candidates[ordinal] = replace(self.candidates[ordinal], state=CandidateState.ABANDONED)
        self._forget_progress(list(self._progress))
        return [self.candidates[ordinal].id for ordinal in flying]

    def revive(self) -> list[str]:
        """Take back into flight what was given up; the ids."""
        given_up = [n for n, stored in sorted(self.candidates.items()) if stored.state is CandidateState.ABANDONED]
        for ordinal in given_up:
            self.candidates[ordinal] = replace(self.candidates[ordinal], state=CandidateState.EVALUATING)
        return [self.candidates[ordinal].id for ordinal in given_up]

    def told_after(self, told_ordinal: int, limit: int | None) -> list[LedgerRow]:
        """Narrow rows of told candidates by the number of their tell."""
        first = bisect_right(self._tells, told_ordinal)
        later = islice(self._tells, first, None if limit is None else first + limit)
        return [_ledger_row(self.candidates[self._told[number]]) for number in later]

    def ledger(self) -> list[LedgerRow]:
        """Every candidate's narrow row, by ordinal."""
        return [_ledger_row(self.candidates[ordinal]) for ordinal in sorted(self.candidates)]

    def append(self, search_id: SearchId, entry: Entry) -> None:
        """Number an event and keep it."""
        self.event_count += 1
        self.events.append(Event(search_id=search_id, ordinal=self.event_count, **entry._asdict()))

    def report(self, report: TrainingReport, at: datetime) -> None:
        """Append what a training in flight tells of itself, until its candidate is told or given up."""
        ordinal = self._ordinals.get(report.candidate_id)
        if ordinal is not None and self.candidates[ordinal].state is CandidateState.EVALUATING:
            self.append(report.lease.search_id, entries.training_progress(report, at))
            self._progress.setdefault(report.candidate_id, set()).add(self.event_count)

    def events_after(self, ordinal: int, limit: int, *, progress: bool) -> list[Event]:
        """Events in order, with or without those that tell of trainings in flight."""
        first = bisect_right(self.events, ordinal, key=lambda event: event.ordinal)
        if progress:
            return self.events[first : first + limit]
        passing = set().union(*self._progress.values())
        return list(islice((event for event in self.events[first:] if event.ordinal not in passing), limit))

    def _forget_progress(self, candidates: Sequence[CandidateId]) -> None:
        gone = set().union(*(self._progress.pop(name, set()) for name in candidates))
        if gone:
            self.events = [event for event in self.events if event.ordinal not in gone]


def _ledger_row(candidate: Candidate) -> LedgerRow:
    spent = None if candidate.cached else candidate.evaluation
    return LedgerRow(
        ordinal=candidate.ordinal,
        told_ordinal=candidate.told_ordinal,
        asked_at=candidate.asked_at,
        told_at=candidate.told_at,
        genotype_digest=candidate.genotype.digest,
        state=candidate.state,
        operator=candidate.operator,
        arm=candidate.arm,
        rung=candidate.rung,
        replicate=candidate.replicate,
        cached=candidate.cached,
        violation=candidate.violation,
        survived=candidate.survived,
        hypervolume=candidate.hypervolume,
        predicted=candidate.predicted,
        scores=candidate_scores(candidate),
        steps=0 if spent is None else spent.steps,
        train_s=0.0 if spent is None else spent.train_s,
        validate_s=0.0 if spent is None else spent.validate_s,
    )
