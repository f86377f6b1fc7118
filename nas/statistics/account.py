"""Everything that a search has shown so far, kept up to date one told row at a time; no row is looked at twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from ..records import LedgerRow, Search
from ..spec import SearchSpec
from .cloud import Points
from .course import Course
from .documents import Point, Statistics
from .networks import Networks
from .operators import OperatorCounts
from .rungs import RungCounts, ranked_by
from .seeds import Confirmations, Seeds
from .spending import Spending
from .surrogate import Arms, HeldOut
from .trainings import FullTrainings

REMARKED = 1000
"""Latest tells among which rows without a mark of survival are looked at again; marks come within a few."""


class Account:
    """What the told rows of a search come to.

    Args:
        search_id: Whose.
        spec: Of the search; its budget may change later.

    Attributes:
        count: How many rows were told.
        last: Number of the latest tell; -1 before the first.
        trainings: Those that compare with one another, and their fronts.
        points: Every one, as columns of numbers.
    """

    def __init__(self, search_id: str, spec: SearchSpec) -> None:
        objectives, top_rung = spec.objective_values, spec.recipe.rungs - 1
        self._search_id, self._objectives = search_id, objectives
        self._networks = Networks()
        self._operators, self._rungs = OperatorCounts(), RungCounts(spec.recipe, objectives)
        self._arms, self._held_out = Arms(self._networks), HeldOut(spec.engine)
        self._confirmations = Confirmations(top_rung, spec.found_columns)
        self._spending, self._course = Spending(top_rung), Course(top_rung)
        self._unmarked: dict[int, None] = {}
        self.trainings, self.points = FullTrainings(top_rung, objectives), Points()
        self.count, self.last = 0, -1

    # -- rows ------------------------------------------------------------------------------------------------------

    def add(self, row: LedgerRow) -> None:
        """Take in a told row; rows come in the order of their tells, each once."""
        assert row.told_ordinal is not None, "an account is made of told rows"
        self.count, self.last = self.count + 1, row.told_ordinal
        full = len(self.trainings) if self.trainings.takes(row) else None
        if full is not None:
            self.trainings.add(row)
        first = row.replicate == 0 and self._networks.add(row, full)
        self._held_out.add(row, first=first)
        self.points.add(row)
        for part in (self._operators, self._rungs, self._arms, self._confirmations, self._spending, self._course):
            part.add(row)
        if row.survived is None and row.replicate == 0:
            self._unmarked[row.told_ordinal] = None

    @property
    def unmarked_since(self) -> int | None:
        """Number of the oldest of the latest tells that had no mark of survival; None where all have one."""
        while self._unmarked and (oldest := next(iter(self._unmarked))) <= self.last - REMARKED:
            del self._unmarked[oldest]
        return next(iter(self._unmarked), None)

    def mark(self, row: LedgerRow) -> bool:
        """Look at a row again that had no mark of survival; whether it has one now."""
        if row.told_ordinal not in self._unmarked or row.survived is None:
            return False
        del self._unmarked[row.told_ordinal]
        self._networks.mark(row)
        self._operators.mark(row)
        return True

    # -- what they come to -----------------------------------------------------------------------------------------

    def confirmed(self, digests: Iterable[str]) -> dict[str, Seeds]:
        """What the seeds of networks gave, of those that were trained in full from several."""
        found = {digest: self._seeds(digest) for digest in digests if digest in self._confirmations}
        return {digest: seeds for digest, seeds in found.items() if seeds.count > 1}

    def _seeds(self, digest: str) -> Seeds:
        network = self._networks.get(digest)
        own = None if network is None or network.full is None else self.trainings.scores(network.full)
        return self._confirmations.seeds(digest, own)

    def course(self, most: int | None = None) -> list[Point]:
        """How the search has come to where it is."""
        return self._course.points() if most is None else self._course.points(most)

    def statistics(self, search: Search, untold: Sequence[LedgerRow], now: datetime) -> Statistics:
        """What the search has shown about its parts.

        Args:
            search: As it stands.
            untold: Its rows without an outcome.
            now: When it is looked at, for the estimate of its end.
        """
        members, trainings = self.trainings.front(self._objectives, feasible_only=True), self.trainings
        several = list(self.confirmed(self._confirmations).values())
        told_of = (
            (f"{self._search_id}-{trainings.ordinal(index)}", trainings.digest(index), trainings.scores(index))
            for index in members
        )
        return Statistics(
            operators=self._operators.document(untold, self._bred(map(trainings.digest, members), untold)),
            surrogate=self._held_out.document(self._arms.document(untold)),
            rungs=self._rungs.document(untold),
            ranked_by=ranked_by(self._objectives),
            lowest_rung=self._rungs.lowest(untold),
            seeds=self._confirmations.document(told_of, several),
            budget=self._spending.document(search, untold, now),
        )

    def _bred(self, digests: Iterable[str], untold: Sequence[LedgerRow]) -> Counter[str]:
        """How many of some networks each operator has bred."""
        before = self._networks.asked_before(untold)
        return Counter((before.get(digest) or self._networks[digest]).operator for digest in digests)
