"""Whether a search's log is what would be proposed today: every proposal is derived anew and compared.

Those of the engine are asked of a new one, told the recorded outcomes in the recorded order; those that confirm members
of the front follow from the front that there was. Knows neither where a log is kept nor who ran the search.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from search_space.genotype import Genotype
from search_space.spaces import get_space

from . import history
from .confirming import CONFIRMATION, in_hindsight
from .engine.base import Engine, Proposal
from .known import known_figures
from .objectives import Prediction
from .records import Candidate, Search
from .scores import candidate_scores

ROUNDING = 1e-6
"""Standard deviations by which two predicted means may differ and still count as the same.

On one machine they are the same to the last bit. Linear algebra that is made for another processor adds in another
order: over searches of 400 networks that moved means by 1e-11 standard deviations, and no proposal. A model that is
fitted otherwise, or to other outcomes, moves them by far more than this.
"""

EXACT = ("genotype", "rung", "operator", "parents", "arm")
"""Parts of a proposal that are compared as they are."""

OnStep = Callable[[int], object]
"""Called after every step with the number of steps that there are in all."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A proposal and what it was made with, as recorded or as derived.

    Attributes:
        proposal: The proposal.
        tells_before: How many outcomes came before it.
        replicate: Number of the training's seed; that of a confirmation is at least 1.
    """

    proposal: Proposal
    tells_before: int
    replicate: int = 0

    @classmethod
    def of(cls, candidate: Candidate) -> Ask:
        """The ask that became a candidate."""
        proposal = history.proposal_of(candidate)
        return cls(proposal=proposal, tells_before=candidate.tells_before, replicate=candidate.replicate)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The first proposal that is not made again.

    Attributes:
        ordinal: Number of its candidate in the search.
        recorded: What the log holds.
        proposed: What is proposed now; None where that is nothing.
        parts: Names of the parts that differ; none where nothing is proposed.
        cause: What is likely to have changed, for a person.
    """

    ordinal: int
    recorded: Ask
    proposed: Ask | None
    parts: tuple[str, ...]
    cause: str


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What became of replaying a log.

    Attributes:
        asks: Proposals compared.
        tells: Outcomes told to the engine.
        cpu_s: CPU seconds that it took.
        difference: Where engine and log part; None where every proposal was made again.
    """

    asks: int
    tells: int
    cpu_s: float
    difference: Difference | None = None

    @property
    def identical(self) -> bool:
        """Whether every proposal was made again."""
        return self.difference is None

    @property
    def events_per_s(self) -> float:
        """Asks and tells in a CPU second; 0 where there was nothing to replay."""
        return (self.asks + self.tells) / self.cpu_s if self.cpu_s else 0.0


def replay(
    search: Search,
    log: Sequence[Candidate],
    engine: Engine,
    on_step: OnStep | None = None,
    *,
    cpu_s: Callable[[], float] = time.process_time,
) -> Replay:
    """Ask and tell an engine in the order of a log, up to the first proposal that differs from the recorded one.

    The log of a search that is still running is replayed as far as it goes.

    Args:
        search: Whose log, begun.
        log: Every candidate of the search.
        engine: New, as the search's spec asks for it.
        on_step: Follows the progress.
        cpu_s: Reads a clock of CPU seconds.
    """
    began_s = cpu_s()
    steps = list(history.history(log, search.spec.engine))
    confirmations, unconfirmed = _confirmations(search, log)
    dialogue = _Dialogue(search, log, engine)
    difference = None
    for step in steps:
        if unconfirmed is not None and step.candidate.ordinal > unconfirmed.ordinal:
            break
        difference = dialogue.ask(step.candidate) if isinstance(step, history.Asked) else dialogue.tell(step.candidate)
        if difference is not None:
            break
        if on_step is not None:
            on_step(len(steps))
    asks = dialogue.asks + (confirmations if difference is None else 0)
    return Replay(asks=asks, tells=dialogue.tells, cpu_s=cpu_s() - began_s, difference=difference or unconfirmed)


@final
class _Dialogue:
    """What the engine of a search is asked and told again.

    Attributes:
        asks: How often it was asked.
        tells: How many outcomes it was told.
    """

    def __init__(self, search: Search, log: Iterable[Candidate], engine: Engine) -> None:
        self._search, self._engine = search, engine
        self._place = _Place(log)
        self._ordered = search.spec.engine.order == "ordered"
        self._lag = search.spec.engine.lag or 1
        self._early: int | None = None  # how many outcomes the next ask should have been content with
        self.asks = self.tells = 0

    def ask(self, candidate: Candidate) -> Difference | None:
        """Ask for a proposal, and say where it is not the recorded one."""
        proposal, tells_before = self._engine.ask(), self._tells_before(candidate)
        self.asks += 1
        proposed = None if proposal is None else Ask(proposal=proposal, tells_before=tells_before)
        return _difference(self._search, candidate, proposed, self.tells)

    def tell(self, candidate: Candidate) -> Difference | None:
        """Tell an outcome, and say so where it cannot have been told there."""
        if self._ordered and self._early is None and self.tells >= self._due and self._engine.propose() is not None:
            self._early = self.tells
        try:
            if candidate.told_ordinal is None:
                raise ValueError("it has no outcome")
            history.tell(self._engine, candidate, self._search.spec)
        except ValueError:
            cause = "an edited database: an outcome stands before the proposal that it belongs to, or is missing"
            return Difference(
                ordinal=candidate.ordinal, recorded=Ask.of(candidate), proposed=None, parts=(), cause=cause
            )
        self.tells += 1
        return None

    @property
    def _due(self) -> int:
        """How many outcomes the next ask has to wait for, where they are told in order."""
        return max(0, self.asks - self._lag + 1)

    def _tells_before(self, candidate: Candidate) -> int:
        """How many outcomes stand before an ask; told in order, how many it should have waited for."""
        if not self._ordered:
            return self._place.of(candidate)
        early, self._early = self._early, None
        return max(self._due, self.tells) if early is None else early


@final
class _Place:
    """Where asks stand among the outcomes of a log, which are numbered as they arrived."""

    def __init__(self, log: Iterable[Candidate]) -> None:
        self._numbers = sorted(c.told_ordinal for c in log if c.told_ordinal is not None)
        self._latest = 0

    def of(self, candidate: Candidate) -> int:
        """How many outcomes of the log stand before an ask; asks are given in order, and never go back."""
        self._latest = max(self._latest, candidate.tells_before)
        return bisect_left(self._numbers, self._latest)


def _confirmations(search: Search, log: Sequence[Candidate]) -> tuple[int, Difference | None]:
    """How many proposals to confirm the front were compared, and the first that differs."""
    ordered, place = search.spec.engine.order == "ordered", _Place(log)
    count = 0
    for count, (candidate, missing) in enumerate(in_hindsight(search, log), start=1):
        before = candidate.tells_before if ordered else place.of(candidate)
        proposed = None if missing is None else _confirmation(search, *missing, before)
        difference = _difference(search, candidate, proposed, before)
        if difference is not None:
            return count, difference
    return count, None


def _confirmation(search: Search, genotype: Genotype, replicate: int, tells_before: int) -> Ask:
    rung = search.spec.recipe.rungs - 1
    proposal = Proposal(genotype=genotype, operator=CONFIRMATION, parents=(genotype.digest,), rung=rung)
    return Ask(proposal=proposal, tells_before=tells_before, replicate=replicate)


def _difference(search: Search, candidate: Candidate, proposed: Ask | None, tells: int) -> Difference | None:
    """How a proposal differs from the recorded one; None where it does not."""
    recorded = Ask.of(candidate)
    parts = () if proposed is None else _differing(recorded, proposed)
    if proposed is not None and not parts:
        return None
    cause = _edited(search, candidate) or _cause(recorded, proposed, parts, tells)
    return Difference(ordinal=candidate.ordinal, recorded=recorded, proposed=proposed, parts=parts, cause=cause)


def _differing(recorded: Ask, proposed: Ask) -> tuple[str, ...]:
    old, new = recorded.proposal, proposed.proposal
    parts = [part for part in EXACT if getattr(old, part) != getattr(new, part)]
    if not _agree(old.predicted, new.predicted):
        parts.append("predicted")
    more = ("replicate", "tells_before")
    return (*parts, *(part for part in more if getattr(recorded, part) != getattr(proposed, part)))


def _agree(recorded: Mapping[str, Prediction], proposed: Mapping[str, Prediction]) -> bool:
    """Whether means of the same metrics are the same but for rounding."""
    return recorded.keys() == proposed.keys() and all(
        abs(prediction.mean - proposed[metric].mean) <= ROUNDING * prediction.std
        for metric, prediction in recorded.items()
    )


def _edited(search: Search, candidate: Candidate) -> str:
    """Signs that a row was changed by hand: what no engine proposes, or no controller writes."""
    spec = search.spec
    if not get_space(spec.space).contains(candidate.genotype):
        return f"an edited database: the recorded network is not of the space {spec.space}"
    known, recorded = known_figures(spec, candidate.genotype), candidate_scores(candidate)
    if any(recorded.get(column) != figure for column, figure in known.items()):
        return "an edited database: the recorded costs are not those of the recorded network"
    return ""


def _cause(recorded: Ask, proposed: Ask | None, parts: tuple[str, ...], tells: int) -> str:
    """What is likely to have changed, by what differs and by what it can depend on."""
    if proposed is None:
        return "outcomes are missing from an edited database, or another version of the engine's code"
    if parts == ("predicted",):
        return "another version of scikit-learn, scipy or numpy, or another processor: only what is expected differs"
    if parts == ("tells_before",):
        return "outcomes are missing from an edited database, or stand at another place, or another version of the code"
    if not tells:
        return "another version of the engine's code or of numpy, or an edited spec: no outcome was told before it"
    libraries = "numpy, pymoo or moocore"
    if recorded.proposal.predicted or proposed.proposal.predicted:
        libraries = "numpy, scipy, scikit-learn, pymoo or moocore"
    return (
        f"another version of the engine's code or of {libraries}, or an edited database: a spec or an earlier outcome"
    )
