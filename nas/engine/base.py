"""The engine port.

An engine proposes genotypes and is told what became of them. It is a pure state machine: no clock, no disk, no
process; everything it knows came through its construction and `tell`. Fed the same seed, the same asks and the same
tells in the same order, it makes the same proposals, which is how a search is rebuilt from its log.

Promises of every engine:

* `ask` never repeats a genotype within a search and never proposes one whose screened violation is above zero while
  a feasible one can be found: networks that break a cheap constraint are settled inside, untrained.
* `ask` returns None when nothing can be proposed until more is told (a generation is out), and changes nothing then.
* `exhausted` becomes true when nothing new will ever be proposed, e.g. because a small space was seen whole.
* `tell` takes outcomes in any order, each proposal's once; values are in the order of the objectives, in natural
  units; None stands for a failed candidate, which counts as infeasible and dominated by everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from search_space.genotype import Genotype
from search_space.space import SearchSpace

from ..objectives import Objective

Screen = Callable[[Genotype], float]
"""The violation of the constraints that are known without training; 0 passes."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A network to look at.

    Attributes:
        genotype: The network.
        operator: What bred it: "initial", "random", "variation".
        parents: Digests of the genotypes that it was bred from.
    """

    genotype: Genotype
    operator: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What every engine is built from.

    Attributes:
        space: Where genotypes come from.
        objectives: What is optimised, at least one.
        screen: Violation of the cheap constraints.
        population: Size of the population.
        seed: Seed of every random choice.
        initial: Genotypes to propose first, before random ones.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    screen: Screen
    population: int
    seed: int
    initial: tuple[Genotype, ...] = ()


class Engine(Protocol):
    """Proposes genotypes."""

    @property
    def exhausted(self) -> bool:
        """Whether nothing new will ever be proposed."""
        ...

    def ask(self) -> Proposal | None:
        """The next genotype to look at, or None while waiting for tells."""
        ...

    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float) -> None:
        """What became of a proposal: objective values (None for a failure) and its total violation."""
        ...
