"""How an engine proposes networks: a frozen value with documented defaults. Knows neither spaces nor scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, get_args

from search_space.errors import InvalidInput, Problem, meant, present

Mode = Literal["steady", "generational"]
Order = Literal["arrival", "ordered"]
Start = Literal["stratified", "diverse", "random"]
Crossover = Literal["uniform", "one-point"]


class InvalidOptions(InvalidInput):
    """Options of an engine are unknown or out of range."""


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """One way to search.

    Attributes:
        name: Which engine of `ENGINES` these options belong to.
        mode: "steady" proposes a child whenever a worker is free, and (mu + 1) survival takes each outcome as it comes;
            "generational" waits for a whole generation, as FALSR does, and dispatches the dearest network first.
        order: "arrival" tells outcomes as they arrive; "ordered" commits them by number of their ask, so that ask k
            sees the results 0..k-lag and no others: one seed and a budget of evaluations then give one search.
        lag: The distance of "ordered"; null for four times the workers when the search is submitted.
        start: First population: "stratified" spreads random networks evenly over the logarithm of mult-adds; "diverse"
            is FALSR's, each network one cell repeated, with random, dense or empty connections; "random" draws genes.
        crossover: "uniform" tosses a coin for each gene; "one-point" cuts the cells and the skips at one point each.
        crossover_share: Probability that a child has two parents rather than one.
        mutation_genes: Expected number of genes that a random mutation changes.
        random_share: Weight of random mutation among the kinds of mutation.
        mult_adds_share: Weight of replacing one cell by a roulette over all cells, by log mult-adds, cheaper likelier.
        params_share: The same by log params.
        reinforced_share: Weight of reinforced mutation: the genes are proposed by a recurrent policy that learns from
            outcomes (REINFORCE).
        policy_rate: Step size of that policy.
        policy_entropy: Weight of its entropy term.
        surrogate: Whether a model of the trained objectives picks among many children.
        surrogate_after: Outcomes that the model has to see before it speaks.
        surrogate_children: Children bred for each pick.
        surrogate_refit: Outcomes between two fits, at first; as many times more as there come to be many.
        surrogate_points: Most outcomes that the model is fitted to.
        surrogate_min_tau: Kendall's tau between predicted and found values under which the model is silent.
        control_share: Share of children that go unscreened while the model speaks: the control arm.
        promote_after: Results that a rung needs before it promotes any.
        rung_min_tau: Kendall's tau between neighbouring rungs under which the lowest rung is raised.
    """

    name: str = "nsga2"
    mode: Mode = "steady"
    order: Order = "arrival"
    lag: int | None = None
    start: Start = "stratified"
    crossover: Crossover = "uniform"
    crossover_share: float = 0.9
    mutation_genes: float = 1.0
    random_share: float = 1.0
    mult_adds_share: float = 0.0
    params_share: float = 0.0
    reinforced_share: float = 0.0
    policy_rate: float = 0.01
    policy_entropy: float = 0.01
    surrogate: bool = True
    surrogate_after: int = 32
    surrogate_children: int = 100
    surrogate_refit: int = 16
    surrogate_points: int = 500
    surrogate_min_tau: float = 0.2
    control_share: float = 0.25
    promote_after: int = 8
    rung_min_tau: float = 0.4

    def __post_init__(self) -> None:
        problems = [*_choices(self), *_numbers(self)]
        if not problems and not any(self.mutation_shares.values()):
            problems = [Problem("engine.random_share", self.random_share, "above 0 where every other share is 0")]
        if problems:
            raise InvalidOptions(problems)
        for name in RANGES:  # 1 and 1.0 are one value
            if name not in _INTEGERS:
                object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def mutation_shares(self) -> Mapping[str, float]:
        """The weight of each kind of mutation, by the name that candidates bear as their operator."""
        return {
            "mutation": self.random_share,
            "mult_adds": self.mult_adds_share,
            "params": self.params_share,
            "reinforced": self.reinforced_share,
        }

    def to_json(self) -> dict[str, Any]:
        """The options as a JSON document that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EngineOptions:
        """Read a document: a named engine (``name``, "nsga2" if absent) with the options that it overrides.

        Raises:
            InvalidOptions: naming every unknown option and every value out of range.
        """
        known = [field.name for field in fields(cls)]
        problems = [
            Problem(
                f"engine.{key}", present(value), f"no such option; one of {', '.join(sorted(known))}{meant(key, known)}"
            )
            for key, value in document.items()
            if key not in known
        ]
        name = document.get("name", "nsga2")
        base = ENGINES.get(name) if isinstance(name, str) else None
        if base is None:
            problems.append(Problem("engine.name", name, f"one of {', '.join(ENGINES)}"))
        overrides = {key: value for key, value in document.items() if key in known and key != "name"}
        try:
            options = replace(base or ENGINES["nsga2"], **overrides)
        except InvalidOptions as error:
            raise InvalidOptions([*problems, *error.problems]) from None
        if problems:
            raise InvalidOptions(problems)
        return options


NAMES = ("nsga2", "falsr", "random")
"""Names of the engines."""

CHOICES: Mapping[str, tuple[object, ...]] = {
    "name": NAMES,
    "mode": get_args(Mode),
    "order": get_args(Order),
    "start": get_args(Start),
    "crossover": get_args(Crossover),
    "surrogate": (True, False),
}
"""What each option that holds a word may hold, or true and false."""

RANGES: Mapping[str, tuple[float, float]] = {
    "lag": (1, 100_000),
    "crossover_share": (0.0, 1.0),
    "mutation_genes": (0.01, 100.0),
    "random_share": (0.0, 1e6),
    "mult_adds_share": (0.0, 1e6),
    "params_share": (0.0, 1e6),
    "reinforced_share": (0.0, 1e6),
    "policy_rate": (1e-6, 1.0),
    "policy_entropy": (0.0, 10.0),
    "surrogate_after": (8, 100_000),
    "surrogate_children": (2, 10_000),
    "surrogate_refit": (1, 10_000),
    "surrogate_points": (16, 5_000),
    "surrogate_min_tau": (-1.0, 1.0),
    "control_share": (0.0, 1.0),
    "promote_after": (2, 100_000),
    "rung_min_tau": (-1.0, 1.0),
}
"""Least and greatest value of each option that holds a number; `lag` may be null besides."""

_INTEGERS = frozenset(
    {"lag", "surrogate_after", "surrogate_children", "surrogate_refit", "surrogate_points", "promote_after"}
)


def _choices(options: EngineOptions) -> list[Problem]:
    values = {name: getattr(options, name) for name in CHOICES}
    return [
        Problem(f"engine.{name}", present(value), "one of " + ", ".join(map(str, CHOICES[name])))
        for name, value in values.items()
        if not any(type(value) is type(choice) and value == choice for choice in CHOICES[name])
    ]


def _numbers(options: EngineOptions) -> list[Problem]:
    problems = []
    for name, (low, high) in RANGES.items():
        value = getattr(options, name)
        if name == "lag" and value is None:
            continue
        kinds = int if name in _INTEGERS else int | float
        valid = isinstance(value, kinds) and not isinstance(value, bool)
        if not valid or not low <= value <= high:  # which a NaN is not
            kind = "an integer" if name in _INTEGERS else "a number"
            problems.append(Problem(f"engine.{name}", present(value), f"{kind} from {low:g} to {high:g}"))
    return problems


ENGINES: Mapping[str, EngineOptions] = {
    "nsga2": EngineOptions(),
    "falsr": EngineOptions(
        name="falsr",
        mode="generational",
        start="diverse",
        crossover="one-point",
        random_share=0.25,
        mult_adds_share=0.25,
        params_share=0.25,
        reinforced_share=0.25,
        surrogate=False,
    ),
    "random": EngineOptions(name="random", surrogate=False),
}
"""Named engines: "nsga2" as measured best, "falsr" as its authors describe theirs, "random" as the baseline."""
