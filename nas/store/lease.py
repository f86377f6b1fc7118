"""The right to write the log of a search, or how far a training is, and what is said under it. Grants nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evaluator.progress import TrainingProgress

from ..records import CandidateId, SearchId, TrainingId
from .refusals import StoreError


class LeaseLost(StoreError):
    """Another controller has taken the search over, or it was moved out of the running state."""

    hint = "stop working on this search: what was recorded so far is kept"

    def __init__(self, lease: Lease | TrainingLease) -> None:
        self.lease = lease
        what = f"search {lease.search_id}" if isinstance(lease, Lease) else f"training {lease.training_id}"
        super().__init__(f"lease {lease.token} of {lease.owner} on {what} is void for this")


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
class TrainingLease:
    """The right to write how far one full training is.

    Attributes:
        training_id: Which training.
        owner: Who holds it.
        token: Grows with every claim of the training: the fencing token.
        expires_at: When it may be claimed by another unless it is renewed.
    """

    training_id: TrainingId
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
