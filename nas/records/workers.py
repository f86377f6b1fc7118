"""What a worker process was doing when its controller last looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evaluator.progress import TrainingProgress

from .candidates import CandidateId
from .searches import SearchId
from .trainings import TrainingId


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One worker process, for a moment: nothing of it is part of a search's log.

    Attributes:
        owner: The controller that it works for, by its name in leases.
        name: Name of its place; what evaluations call their worker.
        node: Host name of its machine.
        pid: Process number there.
        device: Name of its device.
        seen_at: When its controller saw it so.
        search_id: Whose candidate it trains; None when it is idle. Where two searches wait for the same work, the one
            that asked first.
        candidate_id: Which candidate.
        ordinal: Number of that candidate in its search.
        training_id: Which full training of it; None where it is trained for its search.
        evaluation_key: Address of what it works on, which candidates of several searches may wait for; empty when idle.
        progress: The newest report of that training; None before the first.
        busy_since: When its controller first saw it at that work.
    """

    owner: str
    name: str
    node: str
    pid: int
    device: str
    seen_at: datetime
    search_id: SearchId | None = None
    candidate_id: CandidateId | None = None
    ordinal: int | None = None
    training_id: TrainingId | None = None
    evaluation_key: str = ""
    progress: TrainingProgress | None = None
    busy_since: datetime | None = None

    @property
    def busy(self) -> bool:
        """Whether it works on a candidate."""
        return self.candidate_id is not None

    def busy_s(self, now: datetime) -> float | None:
        """Seconds for which it has been at its work; None when it is idle."""
        return None if self.busy_since is None else max(0.0, (now - self.busy_since).total_seconds())
