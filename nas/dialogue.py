"""An engine and what it was asked and told so far, in the order that its search's options want. Writes nothing.

Outcomes are told as they arrive, or in the order of their asks: see `nas.history`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import history
from .engine.base import Engine, Proposal
from .options import EngineOptions
from .records import Candidate, CandidateId
from .spec import SearchSpec


class Dialogue:
    """One engine, brought to where the log of its search ends, and led on from there.

    Args:
        engine: A new one.
        spec: What was asked for.
        log: Every candidate of the search, by ordinal; whoever leads the search keeps it up to date.

    Attributes:
        marks: Which candidates survived, as far as that is not in the log: whoever writes them forgets them here.
        raised: The lowest rungs before and after each time that the engine gave one up, likewise.
        committed: How many of its proposals the engine was told of.
    """

    def __init__(self, engine: Engine, spec: SearchSpec, log: Mapping[int, Candidate]) -> None:
        self._engine, self._spec, self._log = engine, spec, log
        self._proposed = [c.ordinal for c in log.values() if c.replicate == 0]
        self.marks: dict[CandidateId, bool] = {}
        self.raised: list[tuple[int, int]] = []
        self.committed = 0
        for step in history.history(log.values(), spec.engine):
            if isinstance(step, history.Asked):
                engine.admit(history.proposal_of(step.candidate))
            else:
                self._tell(step.candidate)
        self.raised.clear()  # their events are in the log

    @property
    def proposed(self) -> int:
        """How many candidates the engine has proposed."""
        return len(self._proposed)

    @property
    def exhausted(self) -> bool:
        """Whether the engine will propose nothing any more."""
        return self._engine.exhausted

    @property
    def ordered(self) -> bool:
        """Whether outcomes are told in the order of their asks."""
        return self._spec.engine.order == "ordered"

    def propose(self) -> Proposal | None:
        """The engine's next proposal; None when it waits for outcomes, or has nothing left."""
        if not self._commit(self._spec.engine):
            return None
        proposal = self._engine.propose()
        while proposal is None and self._commit_next():  # it waits for more than the lag has let it know
            proposal = self._engine.propose()
        return proposal

    def admit(self, proposal: Proposal, ordinal: int) -> None:
        """Take in that a proposal became a candidate of the log."""
        self._proposed.append(ordinal)
        self._engine.admit(proposal)

    def hear(self, candidate: Candidate) -> None:
        """Take in that a candidate was told, which the engine hears of at once or in its turn."""
        if candidate.replicate == 0 and not self.ordered:
            self._tell(candidate)

    def finish(self) -> None:
        """Tell all that has not had its turn yet; everything was told."""
        self._commit(replace(self._spec.engine, lag=1))

    def _commit(self, options: EngineOptions) -> bool:
        """Tell the engine what it has to know before its next ask; whether all of that is known."""
        if not self.ordered:
            return True
        untold = [self._log[ordinal] for ordinal in self._proposed[self.committed :]]
        due = history.due(untold, len(self._proposed), options)
        for candidate in due or ():
            self._tell(candidate)
        return due is not None

    def _commit_next(self) -> bool:
        """Tell the engine one outcome more, where they are told in order; whether the next one is there."""
        if not self.ordered or self.committed == len(self._proposed):
            return False
        candidate = self._log[self._proposed[self.committed]]
        if candidate.told_ordinal is None:
            return False
        self._tell(candidate)
        return True

    def _tell(self, candidate: Candidate) -> None:
        lowest = self._engine.lowest_rung
        self.committed += 1
        survived = history.tell(self._engine, candidate, self._spec)
        if candidate.survived is None:
            self.marks[candidate.id] = survived
        if self._engine.lowest_rung != lowest:
            self.raised.append((lowest, self._engine.lowest_rung))
