"""What every engine must pass, and a landscape to search without training anything."""

# ruff: noqa: D102 # the names of tests are sentences

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from search_space.batch import BatchCosts
from search_space.cost import mult_adds, params
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.space import SearchSpace
from search_space.spaces import SPACES, get_space

from ..objectives import Objective
from ..options import EngineOptions
from .base import Engine, EngineSettings, Figures, Known, Proposal, Screen, Vectors

Values = Sequence[float] | None
TWO_OBJECTIVES = (Objective.of("psnr"), Objective.of("mult_adds"))


def synthetic_scores(genotype: Genotype) -> tuple[float, float]:
    """A made-up PSNR in dB, and the true mult-adds at x2 on luma: deterministic, cheap, and hard enough.

    PSNR grows with the logarithm of the size and with depth, both saturating; every skip helps a little and so does
    a residual over four repeats; a grouped convolution that follows one of its kind costs something.
    """
    cells = genotype.cells
    depth = sum(cell.repeats for cell in cells if cell.kernel == 3)
    residuals = sum(cell.residual and cell.repeats == 4 for cell in cells)
    clashes = sum(a.operator == b.operator != "conv" for a, b in pairwise(cells))
    psnr_db = 27.0 + math.log10(size(genotype)) + math.tanh(depth / 12) + 0.02 * len(genotype.skips)
    return psnr_db + 0.1 * residuals - 0.15 * clashes, mult_adds(genotype, scale=2, channels=1)


def size(genotype: Genotype) -> int:
    """Learned parameters at x2 on luma."""
    return params(genotype, scale=2, channels=1)


def costs_of(space: SearchSpace) -> Known:
    """Params and mult-adds of a space's genotypes at x2 on luma."""
    count = BatchCosts(space, scale=2, channels=1)

    def known(vectors: Vectors) -> Figures:
        params, mult_adds = count(vectors)
        return {"params": params.astype(float), "mult_adds": mult_adds.astype(float)}

    return known


def size_screen(largest: int) -> Screen:
    """A screen that passes networks of up to so many parameters."""
    return lambda figures: np.maximum(0.0, figures["params"] / largest - 1)


def settings_for(space: str, **changes: Any) -> EngineSettings:
    """Settings of a search for PSNR and mult-adds with a population of 8, changed as told.

    Fields of the options may be given beside those of the settings.
    """
    names = {field.name for field in fields(EngineOptions)}
    options = {name: changes.pop(name) for name in list(changes) if name in names}
    found = get_space(space)
    base = EngineSettings(
        space=found,
        objectives=TWO_OBJECTIVES,
        population=8,
        seed=0,
        known=costs_of(found),
        options=EngineOptions(surrogate_after=16, surrogate_children=20, surrogate_refit=8),
    )
    return replace(base, **{"options": replace(base.options, **options), **changes})


@dataclass
class Run:
    """What a driven engine was asked and told, in order.

    Attributes:
        proposals: Every proposal.
        log: For every step ("ask" or "tell", proposal).
    """

    proposals: list[Proposal] = field(default_factory=list)
    log: list[tuple[str, Proposal]] = field(default_factory=list)

    @property
    def digests(self) -> list[str]:
        """The digests of the proposals."""
        return [proposal.genotype.digest for proposal in self.proposals]


def drive(
    engine: Engine,
    asks: int,
    *,
    workers: int = 1,
    score: Callable[[Genotype], Values] = synthetic_scores,
    rng: np.random.Generator | None = None,
) -> Run:
    """Run an engine as a controller with so many workers does, until it is exhausted or has made its proposals.

    Args:
        engine: The engine.
        asks: Most proposals to take.
        workers: Most proposals in flight.
        score: The outcome of a genotype, None for a failure.
        rng: Picks which proposal in flight is told next; without it, the oldest.
    """
    run = Run()
    in_flight: list[Proposal] = []
    while not engine.exhausted and len(run.proposals) < asks:
        proposal = engine.ask() if len(in_flight) < workers else None
        if proposal is not None:
            run.proposals.append(proposal)
            run.log.append(("ask", proposal))
            in_flight.append(proposal)
        elif in_flight:
            told = in_flight.pop(0 if rng is None else int(rng.integers(len(in_flight))))
            run.log.append(("tell", told))
            engine.tell(told.genotype, score(told.genotype), 0.0, rung=told.rung)
        else:
            assert engine.exhausted, "an engine with nothing in flight proposes or is exhausted"
    return run


class EngineContract(ABC):
    """The promises of `nas.engine.base`; a test class inherits it and says how the engine is built."""

    @abstractmethod
    def build(self, settings: EngineSettings) -> Engine:
        """Return a new engine."""

    @pytest.mark.parametrize("space", SPACES)
    def test_nothing_is_proposed_twice(self, space: str) -> None:
        digests = drive(self.build(settings_for(space)), 120, workers=3).digests
        assert len(set(digests)) == len(digests) == 120

    @pytest.mark.parametrize(("space", "largest"), [("tiny", 6_000), ("falsr", 90_000)])
    def test_what_the_screen_rejects_is_never_proposed(self, space: str, largest: int) -> None:
        settings = settings_for(space, screen=size_screen(largest))
        proposals = drive(self.build(settings), 60).proposals
        assert len(proposals) == 60
        for proposal in proposals:
            assert settings.space.contains(proposal.genotype)
            assert size(proposal.genotype) <= largest

    def test_initial_genotypes_come_first_and_once(self) -> None:
        space, rng = get_space("falsr"), np.random.default_rng(7)
        initial = [space.sample(rng) for _ in range(12)]
        engine = self.build(settings_for("falsr", initial=(*initial, initial[0])))
        proposals = drive(engine, 20).proposals
        assert [proposal.genotype for proposal in proposals[:12]] == initial
        assert [proposal.operator == "initial" for proposal in proposals] == [True] * 12 + [False] * 8

    def test_initial_genotypes_that_the_screen_rejects_are_left_out(self) -> None:
        smallest, *_ = every = sorted(get_space("tiny").enumerate(), key=size)
        settings = settings_for("tiny", screen=size_screen(size(smallest)), initial=(every[-1], smallest))
        assert drive(self.build(settings), 5).proposals[0].genotype == smallest

    def test_initial_genotypes_of_another_space_are_refused(self) -> None:
        stranger = get_space("tiny").sample(np.random.default_rng(0))
        with pytest.raises(InvalidInput, match=r"initial\[0\]\.features"):
            self.build(settings_for("falsr", initial=(stranger,)))

    @pytest.mark.parametrize("workers", [1, 3, 8, 50])
    def test_the_same_history_gives_the_same_proposals(self, workers: int) -> None:
        # With more workers than a generation the run asks in vain after every tell; its replay never does.
        settings = settings_for("falsr", seed=11)
        run = drive(self.build(settings), 60, workers=workers, rng=np.random.default_rng(workers))
        np.random.seed(workers)  # noqa: NPY002 # the global generator must not matter
        replayed = self.build(settings)
        for step, proposal in run.log:
            if step == "ask":
                assert replayed.ask() == proposal
            else:
                replayed.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0, rung=proposal.rung)

    @pytest.mark.parametrize("workers", [1, 8])
    @pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 40, 61, 90])
    def test_an_engine_rebuilt_from_a_log_goes_on_as_the_one_that_wrote_it(self, workers: int, cut: int) -> None:
        settings = settings_for("falsr", seed=3)
        log = drive(self.build(settings), 60, workers=workers, rng=np.random.default_rng(cut)).log
        rebuilt = self.build(settings)
        for number, (step, proposal) in enumerate(log):
            if step == "tell":
                rebuilt.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0, rung=proposal.rung)
            elif number < cut:
                rebuilt.admit(proposal)
            else:
                assert rebuilt.ask() == proposal

    def test_to_say_what_would_be_proposed_changes_nothing(self) -> None:
        engine, twin = (self.build(settings_for("falsr")) for _ in range(2))
        for _ in range(30):
            assert engine.propose() == engine.propose()
            proposal = engine.ask()
            assert proposal is not None
            assert proposal == twin.ask()
            for each in (engine, twin):
                each.tell(proposal.genotype, synthetic_scores(proposal.genotype), 0.0, rung=proposal.rung)

    def test_seeds_make_a_difference(self) -> None:
        digests = [set(drive(self.build(settings_for("falsr", seed=seed)), 20).digests) for seed in range(2)]
        assert not digests[0] & digests[1]

    @pytest.mark.parametrize("share", [0.5, 1.0])
    def test_failures_are_survived(self, share: float) -> None:
        def score(genotype: Genotype) -> Values:
            failed = int(genotype.digest[:4], 16) < share * 65_536
            return None if failed else synthetic_scores(genotype)

        digests = drive(self.build(settings_for("falsr")), 80, workers=4, score=score).digests
        assert len(set(digests)) == 80

    def test_values_that_are_not_finite_are_survived(self) -> None:
        values = (math.nan, math.inf)
        assert len(drive(self.build(settings_for("falsr")), 40, score=lambda _: values).digests) == 40

    @pytest.mark.parametrize("population", [64, 2000])
    def test_a_small_space_is_seen_whole(self, population: int) -> None:
        engine = self.build(settings_for("tiny", population=population))
        digests = drive(engine, 2000, workers=4).digests
        assert engine.exhausted
        assert engine.ask() is None
        assert len(digests) == len(set(digests)) == get_space("tiny").distinct_size

    def test_one_objective_is_enough(self) -> None:
        engine = self.build(settings_for("falsr", objectives=(Objective.of("psnr"),)))
        assert len(drive(engine, 40, score=lambda g: synthetic_scores(g)[:1]).digests) == 40

    def test_it_is_exhausted_where_nothing_passes(self) -> None:
        engine = self.build(settings_for("tiny", screen=lambda figures: np.ones_like(figures["params"])))
        assert drive(engine, 5).proposals == []
        assert engine.exhausted

    def test_only_what_is_waiting_can_be_told_and_once(self) -> None:
        engine = self.build(settings_for("falsr"))
        genotype = drive(engine, 1).proposals[0].genotype
        engine.tell(genotype, None, 0.0)
        for stranger in (genotype, get_space("tiny").sample(np.random.default_rng(0))):
            with pytest.raises(ValueError, match="waiting"):
                engine.tell(stranger, None, 0.0)
