"""The engine port.

An engine proposes genotypes and is told what became of them. It is a pure state machine: no clock, no disk, no
process; everything it knows came through its construction, `ask`, `admit` and `tell`.

Promises of every engine:

* Its state is a fold over its log. `admit` takes a recorded proposal as asked without deriving it again, and an engine
  that was fed a log by `admit` and `tell` goes on exactly as the one that wrote the log by `ask` and `tell`: that is
  how a search outlives its controller. Fed the same seed and the same tells between the same asks, it makes the same
  proposals: that is how a search is replayed and checked.
* `ask` never repeats a genotype at a rung within a search, and never proposes one whose screened violation is above
  zero: networks that break a cheap constraint are settled inside, untrained.
* `ask` returns None when nothing can be proposed until more is told (a generation is out), and changes nothing then.
* `exhausted` becomes true when nothing new will ever be proposed, e.g. because a small space was seen whole.
* `tell` takes outcomes in any order, each proposal's once; values are in the order of the objectives, in natural
  units; None stands for a failed candidate, which counts as infeasible and dominated by everything.
* Where a recipe has rungs, a genotype comes back at the next rung once it is promoted. Rung 0 is the shortest
  training; values of different rungs are never compared with each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from search_space.genotype import Genotype
from search_space.space import SearchSpace

from ..objectives import Objective, Prediction
from ..options import EngineOptions

Vectors = NDArray[np.int64]
"""Genotypes as `search_space.encoding` writes them, canonical; shape (n, genes)."""

Figures = Mapping[str, NDArray[np.float64]]
"""A column of shape (n,) for each metric that is known without training."""

PROMOTION = "promotion"
"""The operator of a network that comes back at the next rung."""

Known = Callable[[Vectors], Figures]
"""The figures of many genotypes that need no training; no columns where there are none."""

Screen = Callable[[Figures], NDArray[np.float64]]
"""The violation of the constraints on known figures, shape (n,); 0 passes."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A network to look at.

    Attributes:
        genotype: The network.
        operator: Where it comes from: "initial"; "random", drawn, the first population included; a kind of mutation
            ("mutation", "mult_adds", "params", "reinforced"), mostly after a crossover; or `PROMOTION`.
        parents: Digests of the genotypes that it was bred from.
        rung: Which rung to train it to; 0 is the shortest.
        arm: "screened" when the surrogate picked it, "control" when it was left out of the choice on purpose, empty
            while the surrogate is silent.
        predicted: What the surrogate expected of it, by metric; empty where there was no model yet.
    """

    genotype: Genotype
    operator: str
    parents: tuple[str, ...] = ()
    rung: int = 0
    arm: str = ""
    predicted: Mapping[str, Prediction] = field(default_factory=dict)


def nothing_known(vectors: Vectors) -> Figures:  # noqa: ARG001
    """No figure is known without training."""
    return {}


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """What every engine is built from.

    Attributes:
        space: Where genotypes come from.
        objectives: What is optimised, at least one.
        population: Size of the population.
        seed: Seed of every random choice.
        initial: Genotypes to propose first, before others.
        known: Figures that need no training: objectives among them are never predicted.
        screen: Violation of the cheap constraints; None passes everything.
        reference: Reference point of the hypervolume in the order of the objectives; the worst values told when None.
        rungs: How many trainings of growing length a network may get.
        rung_factor: How many times as long each of them is as the one before; one in so many is promoted.
        options: How to search.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    population: int
    seed: int
    initial: tuple[Genotype, ...] = ()
    known: Known = nothing_known
    screen: Screen | None = None
    reference: tuple[float, ...] | None = None
    rungs: int = 1
    rung_factor: int = 2
    options: EngineOptions = field(default_factory=EngineOptions)


class Engine(ABC):
    """Proposes genotypes."""

    @property
    @abstractmethod
    def exhausted(self) -> bool:
        """Whether nothing new will ever be proposed."""

    @property
    def lowest_rung(self) -> int:
        """The rung at which new networks start; it rises where short trainings rank badly."""
        return 0

    @abstractmethod
    def propose(self) -> Proposal | None:
        """What `ask` would return; changes nothing that a later proposal depends on."""

    @abstractmethod
    def admit(self, proposal: Proposal) -> None:
        """Take a recorded proposal as asked, without deriving it again."""

    def ask(self) -> Proposal | None:
        """The next network to look at, or None while waiting for tells."""
        proposal = self.propose()
        if proposal is not None:
            self.admit(proposal)
        return proposal

    @abstractmethod
    def tell(self, genotype: Genotype, values: Sequence[float] | None, violation: float, *, rung: int = 0) -> bool:
        """What became of a proposal: objective values (None for a failure) and its total violation.

        Returns:
            Whether it survived: it is a member of the population now.

        Raises:
            ValueError: Nothing of this genotype is waiting to be told at this rung, or there is not one value for each
                objective.
        """
