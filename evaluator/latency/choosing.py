"""Which networks to time operator by operator, so that every operator of a space is met at several widths.

Knows no runtime but the size of its blocks, on which the operators depend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from search_space.genotype import Genotype
from search_space.space import SearchSpace

from .batch import reachable_widths
from .operators import Operator, Run, runs
from .plan import Plan, plan_cell

POOL = 32
"""Random networks among which each is chosen."""

WIDTHS = 2
"""Different numbers of channels that an operator is met with, where it can be: they make a line."""

MOST = 4
"""How many times the networks asked for are chosen at most, while some operator was not met so."""


def choose(
    space: SearchSpace, plan: Callable[[Genotype], Plan], block: int, count: int, rng: np.random.Generator
) -> list[Genotype]:
    """Choose networks one after the other, each of `POOL` random ones the one that tells most that is new.

    Args:
        space: Where they are from.
        plan: The plan of a network.
        block: Channels in a block of the runtime's layout.
        count: How many; more, up to `MOST` times as many, until every operator of the space's cells is met at `WIDTHS`.
        rng: Draws them.
    """
    wanted = _wanted(space, block)
    met: Counter[Run] = Counter()
    widths: Counter[Operator] = Counter()
    chosen: list[Genotype] = []
    while len(chosen) < count or (len(chosen) < MOST * count and any(widths[op] < n for op, n in wanted.items())):
        pool = [space.sample(rng) for _ in range(POOL)]
        news = [_kinds(runs(plan(genotype), block)) for genotype in pool]
        best = int(np.argmax([_worth(kinds, met, widths) for kinds in news]))
        chosen.append(pool[best])
        widths.update(run.operator for run in news[best] if run not in met)
        met.update(news[best])
    return chosen


def _worth(kinds: set[Run], met: Counter[Run], widths: Counter[Operator]) -> float:
    """Each kind of run counts the less, the more often it was met, and its operator at other widths."""
    return sum(1 / (1 + met[kind]) / (1 + widths[kind.operator]) for kind in kinds)


def _kinds(found: Iterable[Run]) -> set[Run]:
    return {Run(run.operator, run.channels) for run in found}


def _wanted(space: SearchSpace, block: int) -> Counter[Operator]:
    """Every operator that some cell of the space has, with the widths that it is to be met at."""
    plans = (plan_cell(cell, width) for cell in space.distinct_cells for width in reachable_widths(space))
    kinds = _kinds(run for plan in plans for run in runs(plan, block) if run.step)
    possible = Counter(kind.operator for kind in kinds)
    return Counter({operator: min(WIDTHS, count) for operator, count in possible.items()})
