"""When the surrogate speaks, and what it picks: a fold over what was told, like all of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..objectives import Prediction
from .base import EngineSettings, Vectors
from .screening import Watch, pick
from .surrogate import FEWEST, Outcome, Surrogate

DRAWS, FEW_DRAWS = 8, 2
"""Draws from the posterior for each pick; few where hypervolumes are of three objectives or more, which take long."""

SLOWER = 32
"""Fits that every outcome may wait for in proportion: a model of many outcomes changes little with a few more."""


class Advisor:
    """Learns from outcomes, at every so many of them, and picks among children while its predictions rank well.

    A draw from its posterior gives one function that trainings may turn out to follow. That child is picked which adds
    most hypervolume to the population and the front, as a mean over some draws, as if networks in flight were trained
    already. All are judged by the draws rather than by scores that were found: those are the luckiest of many noisy
    ones.

    Args:
        settings: What the engine is built from.
    """

    def __init__(self, settings: EngineSettings) -> None:
        options = settings.options
        self._settings, self._options = settings, options
        self._surrogate = Surrogate(
            settings.space, settings.objectives, known=settings.known, points=options.surrogate_points
        )
        self._outcomes: list[Outcome] = []
        self._fitted = 0  # how many outcomes the surrogate has learned from
        self._watches: dict[str, Watch] = {}  # by metric that takes a training
        self._watched: set[bytes] = set()
        self._told_at = [0] * settings.rungs  # outcomes by rung
        self._rung = 0  # the rung that expectations are about

    @property
    def speaks(self) -> bool:
        """Whether it has seen enough, and its predictions rank networks as trainings do."""
        return self._knows and all(watch.trusts for watch in self._watches.values())

    def tell(
        self,
        vector: NDArray[np.int64],
        losses: NDArray[np.float64] | None,
        *,
        rung: int,
        predicted: Mapping[str, Prediction],
    ) -> None:
        """Take an outcome in; ``predicted`` is what was expected of it when it was proposed."""
        objectives = self._settings.objectives
        if losses is None:
            return
        values = losses * [objective.sign for objective in objectives]
        self._outcomes.append(Outcome(vector=vector, rung=rung, values=values))
        self._told_at[rung] += 1
        self._look_up()
        if vector.tobytes() in self._watched:  # its first rung is the test; what comes later is selected
            return
        self._watched.add(vector.tobytes())
        for objective, value in zip(objectives, values, strict=True):
            if objective.metric in predicted:
                watch = self._watches.setdefault(objective.metric, Watch(self._options.surrogate_min_tau))
                watch.add(predicted[objective.metric].mean, float(value))

    def predict(self, vector: NDArray[np.int64]) -> Mapping[str, Prediction]:
        """What is expected of a network, by metric that takes a training; nothing before enough was seen."""
        return self._surrogate.posterior(vector[None]).predictions(0) if self._knows else {}

    def choose(
        self, children: Vectors, members: Vectors, in_flight: Vectors, rng: np.random.Generator
    ) -> tuple[int, Mapping[str, Prediction]]:
        """The row of the child to train next, and what is expected of it.

        Args:
            children: Canonical vectors, at least one.
            members: Those of the population.
            in_flight: Those of the networks in flight.
            rng: Draws from the posterior.
        """
        posterior = self._surrogate.posterior(np.vstack([children, members, in_flight]))
        objectives, n = self._settings.objectives, len(children)
        drawn = np.array([posterior.draw(rng) for _ in range(DRAWS if len(objectives) < 3 else FEW_DRAWS)])
        row = pick(drawn[:, :n], drawn[:, n:], objectives, self._reference(posterior.mean))
        return row, posterior.predictions(row)

    def _look_up(self) -> None:
        """Judge expectations anew where the next fit makes them about a higher rung."""
        if len(self._outcomes) % self._pace(len(self._outcomes)):
            return
        rung = max((rung for rung, told in enumerate(self._told_at) if told >= FEWEST), default=0)
        if rung != self._rung:
            self._rung, self._watches = rung, {}

    def _pace(self, seen: int) -> int:
        """Outcomes from fit to fit: as the options say, and twice as many at each doubling past 32 times that."""
        pace = self._options.surrogate_refit
        while seen >= SLOWER * pace:
            pace *= 2
        return pace

    @cached_property
    def _learns(self) -> bool:
        """Whether any objective takes a training."""
        nowhere = np.zeros((1, len(self._settings.space.genes)), dtype=np.int64)
        known = self._settings.known(nowhere)
        return any(objective.metric not in known for objective in self._settings.objectives)

    @property
    def _knows(self) -> bool:
        """Whether the surrogate was fitted; it is fitted anew here when enough outcomes have come since."""
        seen = len(self._outcomes)
        due = seen - seen % self._pace(seen)
        if self._learns and seen >= self._options.surrogate_after and due > self._fitted:
            self._surrogate.fit(self._outcomes[:due])
            self._fitted = due
        return self._surrogate.rung is not None

    def _reference(self, values: NDArray[np.float64]) -> tuple[float, ...]:
        """The search's reference point, or the worst of some values on each axis."""
        if self._settings.reference is not None:
            return self._settings.reference
        signs = np.array([objective.sign for objective in self._settings.objectives])
        return tuple((values * signs).max(axis=0) * signs)
