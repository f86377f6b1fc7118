"""Who races, by name: rivals as they are, and our engine in every variant.

A name of ours is a base and changes to it, each after a plus sign: `srnas+one-point`, `srnas-plain+stratified`,
`srnas+surrogate_children=400`, `srnas+rungs=4`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from search_space.errors import InvalidInput, Problem
from search_space.space import SearchSpace

from ..engine.base import EngineSettings, Proposal
from ..engine.building import build_engine
from ..options import EngineOptions
from .landscape import Landscape
from .rivals import (
    Asked,
    MissingOptuna,
    Optuna,
    RandomGenes,
    Searcher,
    Task,
    import_optuna,
    pymoo_categorical,
    pymoo_integer,
)
from .rungs import rung_steps
from .table import Table

POPULATION = 64
"""Population of every entrant."""

RIVALS: Mapping[str, Callable[[Task], Searcher]] = {
    "random": RandomGenes,
    "optuna": Optuna,
    "pymoo": pymoo_integer,
    "pymoo-categorical": pymoo_categorical,
}

BASES: Mapping[str, Mapping[str, Any]] = {
    "srnas": {},
    "srnas-plain": {"start": "random", "surrogate": False},
    "srnas-falsr": {"name": "falsr"},
}
"""Options of each base: the default, the same without its aids, and FALSR's."""

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "stratified": {"start": "stratified"},
    "surrogate": {"surrogate": True},
    "no-surrogate": {"surrogate": False},
    "one-point": {"crossover": "one-point"},
    "roulette": {"mult_adds_share": 0.5, "params_share": 0.5},
    "reinforced": {"reinforced_share": 1.0},
    "ordered": {"order": "ordered"},
}
"""Named changes; those of mutation leave half of all mutations random."""

NETWORKS_ONLY = {"start": ("diverse",), "mult_adds_share": (), "params_share": (), "reinforced_share": ()}
"""Options that speak of cells, with the values that do so; without values, all but 0."""

ORDERED_LAG = 4
"""Results in flight that ordered commit waits for, in multiples of the workers."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """Who races.

    Attributes:
        name: As it was named.
        options: Of our engine; None for a rival.
        rungs: Trainings of growing length that a network may get; 1 trains every one in full.
    """

    name: str
    options: EngineOptions | None = None
    rungs: int = 1

    @property
    def is_ours(self) -> bool:
        """Whether it is our engine."""
        return self.options is not None

    def build(self, landscape: Landscape, seed: int) -> Searcher:
        """Return a new searcher of the landscape's space."""
        if self.options is not None:
            return Ours(self.options, self.rungs, landscape, seed)
        task = Task(space=landscape.space, objectives=landscape.objectives, population=POPULATION, seed=seed)
        return RIVALS[self.name](task)

    def lag(self, in_flight: int) -> int:
        """Asks after which a result is seen: ordered commit sees the results up to that many asks ago, and no other."""
        if self.options is not None and self.options.order == "ordered":
            return self.options.lag or ORDERED_LAG * in_flight
        return in_flight


class Ours:
    """Our engine, whichever its options."""

    def __init__(self, options: EngineOptions, rungs: int, landscape: Landscape, seed: int) -> None:
        self._rungs = rungs
        self._engine = build_engine(
            EngineSettings(
                space=cast(SearchSpace, landscape.space),
                objectives=landscape.objectives,
                population=POPULATION,
                seed=seed,
                known=landscape.known,
                reference=landscape.reference,
                rungs=rungs,
                rung_factor=landscape.rungs.factor,
                options=options,
            )
        )

    def ask(self) -> Asked | None:
        """The next genotype, or the next rung of one."""
        proposal = self._engine.ask()
        if proposal is None:
            return None
        return Asked(genotype=proposal.genotype, ticket=proposal, rung=proposal.rung - self._rungs)

    def tell(self, asked: Asked, values: Sequence[float]) -> None:
        """Pass the values on."""
        proposal = cast(Proposal, asked.ticket)
        self._engine.tell(proposal.genotype, values, 0.0, rung=proposal.rung)


def read_entrants(names: Sequence[str], table: Table) -> list[Entrant]:
    """Return who is named, ready to race on the landscape of a table.

    Raises:
        InvalidInput: With everything that is wrong with every name.
        MissingOptuna: Optuna is named, and not installed.
    """
    problems: list[Problem] = []
    entrants = []
    for name in names:
        try:
            entrants.append(_read(name, table))
        except MissingOptuna:
            raise
        except InvalidInput as error:
            problems += [Problem(f"engines.{name}", problem.value, problem.allowed) for problem in error.problems]
    if not names or len(set(names)) < len(names):
        problems.append(Problem("engines", ",".join(names), "at least one, each of them once"))
    if problems:
        raise InvalidInput(problems, "Name rivals, or a base of ours with changes, as in srnas-plain+stratified.")
    return entrants


def _read(name: str, table: Table) -> Entrant:
    if name in RIVALS:
        if name == "optuna":
            import_optuna()
        return Entrant(name=name)
    base, *changes = name.split("+")
    if base not in BASES:
        raise InvalidInput([Problem("name", base, "one of " + ", ".join((*RIVALS, *BASES)))])
    document = dict(BASES[base])
    for change in changes:
        document |= _change(change)
    rungs = document.pop("rungs", 1)
    most = len(rung_steps(table))
    if type(rungs) is not int or not 1 <= rungs <= most:
        raise InvalidInput([Problem("rungs", rungs, f"1 to {most}, those of the table's curves")])
    options = EngineOptions.from_json(document)
    if not isinstance(table.space, SearchSpace):
        _check_plain(options)
    return Entrant(name=name, options=options, rungs=rungs)


def _change(text: str) -> Mapping[str, Any]:
    if text in CHANGES:
        return CHANGES[text]
    option, sign, value = text.partition("=")
    if not sign:
        allowed = f"one of {', '.join(CHANGES)}; or an option with its value, as surrogate_children=400"
        raise InvalidInput([Problem("change", text, allowed)])
    try:
        return {option: json.loads(value)}
    except ValueError:
        return {option: value}


def _check_plain(options: EngineOptions) -> None:
    """Refuse what needs networks where genotypes are plain rows.

    Raises:
        InvalidInput: Names each such option.
    """
    found = {name: getattr(options, name) for name in NETWORKS_ONLY}
    problems = [
        Problem(name, value, "something that needs no cells, as the table is of no registered space")
        for name, value in found.items()
        if (value in NETWORKS_ONLY[name] if NETWORKS_ONLY[name] else value)
    ]
    if problems:
        raise InvalidInput(problems)
