"""What became of the candidates of each operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..objectives import Objective
from ..records import CandidateState, LedgerRow
from .documents import OperatorStatistics
from .rows import feasible, first_asks, front_of, full_trainings


def operators(
    rows: Sequence[LedgerRow], objectives: Sequence[Objective], top_rung: int = 0
) -> tuple[OperatorStatistics, ...]:
    """Count by operator, the most used first; a member of the front counts for what bred its network."""
    told = [row for row in rows if row.told_ordinal is not None]
    members = front_of([row for row in full_trainings(told, top_rung) if feasible(row)], objectives)
    bred = first_asks(rows)
    counts = {
        "proposed": Counter(row.operator for row in rows),
        "told": Counter(row.operator for row in told),
        "failed": Counter(row.operator for row in told if row.state is CandidateState.FAILED),
        "feasible": Counter(row.operator for row in told if feasible(row)),
        "survived": Counter(row.operator for row in told if row.survived),
        "front": Counter(bred[row.genotype_digest].operator for row in members),
    }
    marked = Counter(row.operator for row in told if row.survived is not None)
    return tuple(
        OperatorStatistics(
            operator=operator,
            survival=counts["survived"][operator] / marked[operator] if marked[operator] else None,
            **{name: counter[operator] for name, counter in counts.items()},
        )
        for operator, _ in counts["proposed"].most_common()
    )
