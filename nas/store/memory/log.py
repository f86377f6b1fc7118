"""What belongs to one search in memory, beside its record. Each verb refuses before it changes anything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...records import Candidate, CandidateId, CandidateState, Event, SearchId
from ..base import AlreadyStored, Lease, NotFound
from ..entries import Entry


@dataclass
class Log:
    """Candidates by ordinal, events in order, and who may write them."""

    candidates: dict[int, Candidate] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    lease: Lease | None = None
    token: int = 0
    _ordinals: dict[CandidateId, int] = field(default_factory=dict)
    _genotypes: set[str] = field(default_factory=set)
    _told: set[int | None] = field(default_factory=set)

    def holds(self, lease: Lease) -> bool:
        """Whether a lease is the present one."""
        return self.lease is not None and (self.lease.owner, self.lease.token) == (lease.owner, lease.token)

    def with_id(self, candidate_id: CandidateId) -> Candidate:
        """A candidate that was asked for here."""
        return self.candidates[self._ordinals[candidate_id]]

    def ask(self, candidate: Candidate) -> None:
        """Append a candidate in flight; `AlreadyStored`."""
        if candidate.ordinal in self.candidates or candidate.genotype.digest in self._genotypes:
            raise AlreadyStored("candidate", candidate.id)
        self.candidates[candidate.ordinal] = candidate
        self._ordinals[candidate.id] = candidate.ordinal
        self._genotypes.add(candidate.genotype.digest)

    def check_tell(self, candidate: Candidate) -> Candidate:
        """The stored form of a candidate that can be told now; `NotFound`, `AlreadyStored`."""
        asked = self.with_id(candidate.id) if candidate.id in self._ordinals else None
        if asked is None or asked.state is not CandidateState.EVALUATING:
            raise NotFound("candidate in flight", candidate.id)
        if candidate.told_ordinal in self._told:
            raise AlreadyStored("told candidate", candidate.id)
        return asked

    def tell(self, candidate: Candidate) -> None:
        """Store the told form of a candidate."""
        self.candidates[candidate.ordinal] = candidate
        self._told.add(candidate.told_ordinal)

    def abandon(self) -> list[str]:
        """Give up what is in flight; the ids."""
        flying = [n for n, stored in sorted(self.candidates.items()) if stored.state is CandidateState.EVALUATING]
        for ordinal in flying:
            self.candidates[ordinal] = replace(self.candidates[ordinal], state=CandidateState.ABANDONED)
        return [self.candidates[ordinal].id for ordinal in flying]

    def append(self, search_id: SearchId, entry: Entry) -> None:
        """Number an event and keep it."""
        self.events.append(Event(search_id=search_id, ordinal=len(self.events) + 1, **entry._asdict()))
