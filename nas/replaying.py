"""Whether a search's log is what its engine proposes today: every proposal is derived anew and compared.

Knows engines and candidates, and neither where a log is kept nor who ran the search.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search_space.spaces import get_space

from . import history
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
class Difference:
    """The first proposal that is not made again.

    Attributes:
        ordinal: Number of its candidate in the search.
        recorded: What the log holds.
        proposed: What the engine proposes now; None where it proposes nothing.
        parts: Names of the parts of the proposal that differ; none where nothing is proposed.
        cause: What is likely to have changed, for a person.
    """

    ordinal: int
    recorded: Proposal
    proposed: Proposal | None
    parts: tuple[str, ...]
    cause: str


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What became of replaying a log.

    Attributes:
        asks: Proposals compared.
        tells: Outcomes told.
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

    The log of a search that is still running is replayed as far as it goes. Trainings that confirm members of the final
    front are not the engine's, and left out.

    Args:
        search: Whose log, begun.
        log: Every candidate of the search.
        engine: New, as the search's spec asks for it.
        on_step: Follows the progress.
        cpu_s: Reads a clock of CPU seconds.
    """
    steps = list(history.history(log, search.spec.engine))
    asks = tells = 0
    difference = None
    began_s = cpu_s()
    for step in steps:
        if isinstance(step, history.Asked):
            asks += 1
            difference = _asked(search, step.candidate, engine, tells)
        else:
            tells += 1
            difference = _told(search, step.candidate, engine)
        if difference is not None:
            break
        if on_step is not None:
            on_step(len(steps))
    return Replay(asks=asks, tells=tells, cpu_s=cpu_s() - began_s, difference=difference)


def _asked(search: Search, candidate: Candidate, engine: Engine, tells: int) -> Difference | None:
    recorded, proposed = history.proposal_of(candidate), engine.ask()
    parts = () if proposed is None else _differing(recorded, proposed)
    if proposed is not None and not parts:
        return None
    cause = _edited(search, candidate) or _cause(recorded, proposed, parts, tells)
    return Difference(ordinal=candidate.ordinal, recorded=recorded, proposed=proposed, parts=parts, cause=cause)


def _told(search: Search, candidate: Candidate, engine: Engine) -> Difference | None:
    try:
        history.tell(engine, candidate, search.spec)
    except ValueError:
        recorded = history.proposal_of(candidate)
        cause = "an edited database: an outcome stands before the proposal that it belongs to"
        return Difference(ordinal=candidate.ordinal, recorded=recorded, proposed=None, parts=(), cause=cause)
    return None


def _differing(recorded: Proposal, proposed: Proposal) -> tuple[str, ...]:
    parts = [part for part in EXACT if getattr(recorded, part) != getattr(proposed, part)]
    if not _agree(recorded.predicted, proposed.predicted):
        parts.append("predicted")
    return tuple(parts)


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


def _cause(recorded: Proposal, proposed: Proposal | None, parts: tuple[str, ...], tells: int) -> str:
    """What is likely to have changed, by what differs and by what it can depend on."""
    if proposed is None:
        return "outcomes are missing from an edited database, or another version of the engine's code"
    if parts == ("predicted",):
        return "another version of scikit-learn, scipy or numpy, or another processor: only what is expected differs"
    if not tells:
        return "another version of the engine's code or of numpy, or an edited spec: no outcome was told before it"
    libraries = "numpy, pymoo or moocore"
    if recorded.predicted or proposed.predicted:
        libraries = "numpy, scipy, scikit-learn, pymoo or moocore"
    return (
        f"another version of the engine's code or of {libraries}, or an edited database: a spec or an earlier outcome"
    )
