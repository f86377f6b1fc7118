"""The engines of others, as their users run them: random search, Optuna's and pymoo's NSGA-II.

Each takes results whenever they come. One that lives in generations waits until all of a generation is told. A genotype
may be asked for again; that is an evaluation like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.mutation import Mutation
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.pntx import TwoPointCrossover
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling

from search_space.errors import InvalidInput
from search_space.errors import Problem as Wrong

from ..objectives import Objective, Sense
from .plain import Space
from .rungs import FULL


class MissingOptuna(InvalidInput):
    """Optuna is not installed."""

    hint = "Install it with: pip install 'srnas[bench]'; or leave optuna out."

    def __init__(self) -> None:
        super().__init__([Wrong("engines", "optuna", "what is installed, and Optuna is not")])


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every searcher is built from.

    Attributes:
        space: Where genotypes come from.
        objectives: What is optimised.
        population: Size of the population.
        seed: Seed of every random choice.
    """

    space: Space
    objectives: tuple[Objective, ...]
    population: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A genotype to evaluate.

    Attributes:
        genotype: The genotype.
        ticket: What its searcher knows it by.
        rung: How long to train it.
    """

    genotype: Any
    ticket: Any = None
    rung: int = FULL


class Searcher(Protocol):
    """Asks for evaluations, and is told what came of them."""

    def ask(self) -> Asked | None:
        """The next genotype; None when nothing can be asked for until more is told, or ever."""
        ...

    def tell(self, asked: Asked, values: Sequence[float]) -> None:
        """What came of it, in the order of the objectives, natural units."""
        ...


class RandomGenes:
    """Random search: every gene uniformly and for itself."""

    def __init__(self, task: Task) -> None:
        self._space = task.space
        self._rng = np.random.default_rng(task.seed)

    def ask(self) -> Asked:
        """The next genotype."""
        return Asked(genotype=self._space.sample(self._rng))

    def tell(self, asked: Asked, values: Sequence[float]) -> None:
        """Learn nothing."""


class Optuna:
    """Optuna's NSGAIISampler with its defaults but for the population: one categorical parameter for each gene.

    Raises:
        MissingOptuna: It is not installed.
    """

    def __init__(self, task: Task) -> None:
        optuna = import_optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = task.space
        self._study = optuna.create_study(
            sampler=optuna.samplers.NSGAIISampler(population_size=task.population, seed=task.seed),
            directions=["minimize" if o.sense is Sense.MINIMISE else "maximize" for o in task.objectives],
        )
        self._choices = {
            gene.name: optuna.distributions.CategoricalDistribution(range(len(gene.choices)))
            for gene in task.space.genes
        }

    def ask(self) -> Asked:
        """The next genotype; it never waits, as Optuna takes the generation before for parents while one is out."""
        trial = self._study.ask(self._choices)
        values = [gene.choices[trial.params[gene.name]] for gene in self._space.genes]
        return Asked(genotype=self._space.assemble(values), ticket=trial)

    def tell(self, asked: Asked, values: Sequence[float]) -> None:
        """Complete the trial."""
        self._study.tell(asked.ticket, values=list(values))


def import_optuna() -> ModuleType:
    """Import Optuna, which few need.

    Raises:
        MissingOptuna: It is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingOptuna from None
    found: ModuleType = optuna
    return found


class Pymoo:
    """NSGA-II of pymoo over the index of each gene's choice, handed out one by one.

    Args:
        task: What to search.
        operators: What replaces pymoo's crossover and mutation.
    """

    def __init__(self, task: Task, operators: Mapping[str, Any]) -> None:
        self._task = task
        self._algorithm = NSGA2(pop_size=task.population, sampling=IntegerRandomSampling(), output=None, **operators)
        bounds = upper_bounds(task.space)
        problem = Problem(n_var=bounds.size, n_obj=len(task.objectives), xl=np.zeros_like(bounds), xu=bounds, vtype=int)
        self._algorithm.setup(problem, seed=task.seed, termination=NoTermination())
        self._generation: list[Any] = []
        self._queue: deque[Any] = deque()
        self._untold = 0

    def ask(self) -> Asked | None:
        """The next of this generation, or None until all of it was told."""
        if not self._queue and not self._untold:
            if self._generation:
                self._algorithm.tell(infills=Population(self._generation))
            bred = self._algorithm.ask()  # None when no child differs from all others
            self._generation = [] if bred is None else list(bred)
            self._queue = deque(self._generation)
            self._untold = len(self._generation)
        if not self._queue:
            return None
        individual = self._queue.popleft()
        pairs = zip(self._task.space.genes, individual.X, strict=True)
        values = [gene.choices[int(index)] for gene, index in pairs]
        return Asked(genotype=self._task.space.assemble(values), ticket=individual)

    def tell(self, asked: Asked, values: Sequence[float]) -> None:
        """Note the values; the last of a generation lets the next be bred."""
        asked.ticket.F = np.array([o.sign * v for o, v in zip(self._task.objectives, values, strict=True)])
        self._untold -= 1


def pymoo_integer(task: Task) -> Pymoo:
    """NSGA-II of pymoo for integers, as its guide has it: SBX and polynomial mutation, rounded."""
    wide = {"prob": 1.0, "eta": 3.0, "vtype": float, "repair": RoundingRepair()}
    return Pymoo(task, {"crossover": SBX(**wide), "mutation": PM(**wide)})


def pymoo_categorical(task: Task) -> Pymoo:
    """NSGA-II of pymoo for categories: two-point crossover, and each gene drawn anew with probability 1 / genes."""
    return Pymoo(task, {"crossover": TwoPointCrossover(prob=0.9), "mutation": ResetGenes()})


class ResetGenes(Mutation):  # type: ignore[misc] # pymoo is untyped
    """Draws each gene anew, uniformly, with probability 1 / genes."""

    def _do(self, problem: Any, x: Any, *_: Any, random_state: np.random.Generator, **__: Any) -> Any:
        drawn = random_state.integers(problem.xu + 1, size=x.shape)
        return np.where(random_state.random(x.shape) < 1 / problem.n_var, drawn, x)


def upper_bounds(space: Space) -> NDArray[np.int64]:
    """The largest index of each gene's choices, shape (genes,)."""
    return np.array([len(gene.choices) - 1 for gene in space.genes], dtype=np.int64)
