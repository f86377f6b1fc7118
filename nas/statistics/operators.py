"""What became of the candidates of each operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ..records import CandidateState, LedgerRow
from .documents import OperatorStatistics
from .rows import feasible

COUNTS = "told", "failed", "feasible", "survived"


class OperatorCounts:
    """Counts of told rows by operator."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTS}
        self._marked: Counter[str] = Counter()

    def add(self, row: LedgerRow) -> None:
        """Count a told row."""
        self._counts["told"][row.operator] += 1
        self._counts["failed"][row.operator] += row.state is CandidateState.FAILED
        self._counts["feasible"][row.operator] += feasible(row)
        self.mark(row)

    def mark(self, row: LedgerRow) -> None:
        """Count whether a row of the engine's own survived, as far as that is known; once for each that was marked."""
        if row.survived is not None and row.replicate == 0:
            self._marked[row.operator] += 1
            self._counts["survived"][row.operator] += row.survived

    def document(self, untold: Iterable[LedgerRow], front: Mapping[str, int]) -> tuple[OperatorStatistics, ...]:
        """By operator, the most used first.

        Args:
            untold: Rows without an outcome.
            front: How many members of the front each has bred.
        """
        proposed = self._counts["told"] + Counter(row.operator for row in untold)
        return tuple(
            OperatorStatistics(
                operator=operator,
                proposed=count,
                survival=self._counts["survived"][operator] / marked if (marked := self._marked[operator]) else None,
                front=front.get(operator, 0),
                **{name: self._counts[name][operator] for name in COUNTS},
            )
            for operator, count in sorted(proposed.items(), key=lambda item: (-item[1], item[0]))
        )
