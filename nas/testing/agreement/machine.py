"""The machine: every call, and what must hold after each."""

from __future__ import annotations

from hypothesis.stateful import invariant

from ...records import CandidateState
from .artifacts import ArtifactCalls
from .book import BookCalls
from .claims import ClaimCalls
from .log import LogCalls
from .searches import SearchCalls
from .trainings import TrainingCalls
from .workers import WorkerCalls


class StoreAgreement(SearchCalls, ClaimCalls, LogCalls, WorkerCalls, TrainingCalls, ArtifactCalls, BookCalls):
    """A store in memory and another one get every call; results and exceptions must be equal.

    Args:
        other: The other store, empty.

    Example:
        run_state_machine_as_test(lambda: StoreAgreement(open_empty_store()), settings=settings(max_examples=20))
    """

    def teardown(self) -> None:
        """Everything must be equal in the end; the other store is closed."""
        try:
            self.compare_everything()
        finally:
            self.other.close()

    @invariant()
    def both_have_come_as_far(self) -> None:
        """The cheap part of the comparison, after every step: a pulse shows every change of a search."""
        self.read("totals")
        for search in self.read("searches", limit=100):
            self.read("pulse", search.id)

    def compare_everything(self) -> None:
        """Read all that both hold."""
        for listing in ("datasets", "tokens", "audit"):
            self.read(listing)
        self.read("trainings", limit=None)
        for search in self.read("searches", limit=100):
            events = self.read("events", search.id)
            numbers = [event.ordinal for event in events]
            assert numbers == sorted(set(numbers))
            kept = [event.detail["candidate"] for event in events if event.kind == "training_progress"]
            assert {self.other.candidate(name).state for name in kept} <= {CandidateState.EVALUATING}
            for listing in ("ledger", "told_rows", "untold_rows"):
                self.read(listing, search.id)
            for candidate in self.read("candidates", search.id, limit=None):
                self.read("candidate", candidate.id)
                self.read("artifacts", candidate.id)
                self.read("evaluation", candidate.evaluation_key)
