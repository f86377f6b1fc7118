"""What engines that breed have in common: who was asked for, who survives, and how the next network is found.

Ask number k draws from a generator of its own, keyed by the seed and k. What it proposes depends on that and on what
was admitted and absorbed before, and on nothing else: no generator carries a state from ask to ask.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from search_space.encoding import decode, encode
from search_space.genotype import Genotype

from ..objectives import Prediction
from .advisor import Advisor
from .base import EngineSettings, Proposal, Vectors
from .brood import Breeder, Brood
from .policy import Policy
from .population import Elite, Member, Population, survivors
from .starting import start_vectors
from .unseen import Unseen, has_cells

UNSCREENED = 8
"""Children bred where the first new one is taken."""

BROODS = 8
"""Broods bred in search of a new child, before a network is drawn at random."""

ASKS, START, POLICY = 0, 1, 2
"""Streams of randomness."""

Taken = Collection[bytes]
"""Vectors that are not to be proposed again, as bytes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """What became of a proposal.

    Attributes:
        digest: Of its genotype.
        vector: Its genes.
        parent: Genes of its first parent; None where it has none.
        predicted: What was expected of it.
        rung: Where it was trained to.
        losses: Objective values turned so that less is better; None for a failure.
        violation: Of all constraints.
    """

    digest: str
    vector: NDArray[np.int64]
    parent: NDArray[np.int64] | None
    predicted: Mapping[str, Prediction]
    rung: int
    losses: NDArray[np.float64] | None = None
    violation: float = 0.0

    @property
    def member(self) -> Member | None:
        """As selection sees it; None for a failure."""
        if self.losses is None:
            return None
        return Member(
            digest=self.digest, vector=self.vector, losses=self.losses, violation=self.violation, rung=self.rung
        )


class Lineage:
    """The memory of an engine, and its way from there to a proposal.

    Args:
        settings: What the engine is built from.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings, self._options = settings, settings.options
        self._unseen = Unseen(settings)
        self._advisor = Advisor(settings) if settings.options.surrogate else None
        self._policy = _policy(settings)
        self._breeder = Breeder(settings, self._policy)
        self._initial = {genotype.digest for genotype in settings.initial}
        self._start: list[NDArray[np.int64]] | None = None
        self._vectors: dict[str, NDArray[np.int64]] = {}
        self._waiting: dict[tuple[str, int], Told] = {}
        self.taken: set[bytes] = set()
        self._elite = Elite()
        self.population = survivors([], settings.population)

    @property
    def waiting(self) -> int:
        """Proposals that were admitted and not told."""
        return len(self._waiting)

    @property
    def in_flight(self) -> Vectors:
        """Their vectors, shape (n, genes)."""
        vectors = [told.vector for told in self._waiting.values()]
        return np.array(vectors, dtype=np.int64).reshape(len(vectors), len(self._settings.space.genes))

    @property
    def _members(self) -> Vectors:
        """Vectors of the population and of the front of all that was told, shape (n, genes), each once."""
        members = {m.digest: m.vector for m in (*self.population.members, *self._elite.members)}
        return np.array(list(members.values()))

    # -- the log ---------------------------------------------------------------------------------------------------

    def admit(self, proposal: Proposal) -> NDArray[np.int64]:
        """Take a proposal as asked; its vector."""
        digest = proposal.genotype.digest
        vector = self._vectors.get(digest)
        if vector is None:
            vector = self._vectors[digest] = encode(self._settings.space, proposal.genotype)
        self._waiting[digest, proposal.rung] = Told(
            digest=digest,
            vector=vector,
            parent=self._vectors.get(proposal.parents[0]) if proposal.parents else None,
            predicted=proposal.predicted,
            rung=proposal.rung,
        )
        self.taken.add(vector.tobytes())
        return vector

    def told(self, genotype: Genotype, values: Sequence[float] | None, violation: float, rung: int) -> Told:
        """Take a proposal out of those in flight; what became of it. Values that are not finite are a failure.

        Raises:
            ValueError: The genotype is not waiting at this rung, or has not one value for each objective.
        """
        objectives = self._settings.objectives
        if (genotype.digest, rung) not in self._waiting:
            raise ValueError(f"{genotype} is not waiting to be told at rung {rung}")
        if values is not None and len(values) != len(objectives):
            raise ValueError(f"{len(values)} values for {len(objectives)} objectives")
        told = self._waiting.pop((genotype.digest, rung))
        if values is None or not all(map(math.isfinite, values)):
            return told
        losses = np.array([o.sign * value for o, value in zip(objectives, values, strict=True)], dtype=np.float64)
        return replace(told, losses=losses, violation=violation)

    def absorb(self, outcomes: Sequence[Told]) -> None:
        """Let outcomes take their places in the population together, and teach the policy and the surrogate."""
        self.population = self.population_with(outcomes)
        for told in outcomes:
            if told.member is not None:
                self._elite.insert(told.member)
            if self._policy is not None:
                self._policy.learn(told.vector, told.parent, reward(told, self.population))
            if self._advisor is not None:
                self._advisor.tell(told.vector, told.losses, rung=told.rung, predicted=told.predicted)

    def population_with(self, outcomes: Sequence[Told]) -> Population:
        """The survivors of the population and of some outcomes; one that was promoted is there at its new rung only."""
        newcomers = {told.digest: member for told in outcomes if (member := told.member) is not None}
        kept = [member for member in self.population.members if member.digest not in newcomers]
        return survivors([*kept, *newcomers.values()], self._settings.population)

    # -- proposing -------------------------------------------------------------------------------------------------

    def start(self, taken: Taken) -> Proposal | None:
        """The next of the first population; None when it is out."""
        if self._start is None:
            self._start = start_vectors(self._settings, self._unseen, self._rng(START, 0))
        vector = next((vector for vector in self._start if vector.tobytes() not in taken), None)
        if vector is None:
            return None
        proposal = self._proposal(vector, "random")
        return replace(proposal, operator="initial") if proposal.genotype.digest in self._initial else proposal

    def child(self, number: int, taken: Taken, in_flight: Vectors) -> Proposal | None:
        """What ask ``number`` proposes: a child, or a random network where there is no new one; changes nothing.

        None when nothing that is new and passes the screen can be found.
        """
        rng = self._rng(ASKS, number)
        proposal = self._bred(rng, taken, in_flight) if self.population.members else None
        if proposal is not None:
            return proposal
        vector = self._unseen.draw(rng, taken)
        return None if vector is None else self._proposal(vector, "random")

    def _bred(self, rng: np.random.Generator, taken: Taken, in_flight: Vectors) -> Proposal | None:
        advisor = self._advisor if self._advisor is not None and self._advisor.speaks else None
        control = rng.random() < self._options.control_share
        for _ in range(BROODS):
            if advisor is None or control:
                brood = self._breeder.breed(self.population, UNSCREENED, rng)
                fresh = self._unseen.fresh(brood.vectors, taken)
                if fresh:
                    return self._of_brood(brood, fresh[0], arm="" if advisor is None else "control")
                continue
            brood = self._breeder.breed(self.population, self._options.surrogate_children, rng)
            brood = brood.with_strangers(self._unseen.strangers(len(brood.vectors), rng, taken))
            fresh = self._unseen.fresh(brood.vectors, taken)
            if fresh:
                row, predicted = advisor.choose(brood.vectors[fresh], self._members, in_flight, rng)
                return self._of_brood(brood, fresh[row], arm="screened", predicted=predicted)
        return None

    def _of_brood(
        self, brood: Brood, i: int, *, arm: str, predicted: Mapping[str, Prediction] | None = None
    ) -> Proposal:
        return self._proposal(brood.vectors[i], brood.operators[i], brood.parents[i], arm=arm, predicted=predicted)

    def _proposal(
        self,
        vector: NDArray[np.int64],
        operator: str,
        parents: tuple[str, ...] = (),
        *,
        arm: str = "",
        predicted: Mapping[str, Prediction] | None = None,
    ) -> Proposal:
        """A proposal; what is expected of it is asked for where nobody has said it yet."""
        if predicted is None:
            predicted = {} if self._advisor is None else self._advisor.predict(vector)
        genotype = decode(self._settings.space, vector)
        self._vectors.setdefault(genotype.digest, vector)  # spares `admit` from encoding it
        return Proposal(genotype=genotype, operator=operator, parents=parents, arm=arm, predicted=predicted)

    def _rng(self, stream: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=self._settings.seed, counter=[0, 0, stream, number]))


def place_of(told: Told, population: Population) -> int | None:
    """Where an outcome stands in a population; None for one that is not there, or only with a shorter training."""
    wanted = (told.digest, told.rung) if told.losses is not None else None
    return next((i for i, m in enumerate(population.members) if (m.digest, m.rung) == wanted), None)


def reward(told: Told, population: Population) -> float:
    """From -1, not in the population, to 1, in its best class: what the policy is taught about an outcome."""
    place = place_of(told, population)
    if place is None:
        return -1.0
    worst = int(population.classes[-1])
    return 1.0 - (2.0 * int(population.classes[place]) / (worst + 1))


def _policy(settings: EngineSettings) -> Policy | None:
    options = settings.options
    if options.reinforced_share == 0 or not has_cells(settings.space):
        return None
    return Policy(settings.space, seed=settings.seed, rate=options.policy_rate, entropy=options.policy_entropy)
