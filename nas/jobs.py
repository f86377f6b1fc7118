"""From a candidate to the job that it waits for: its recipe at its rung, its seed, and the state it goes on from."""

from __future__ import annotations

from dataclasses import replace

from evaluator.executor import Job
from evaluator.outcome import Outcome, Success
from evaluator.recipe import Recipe
from evaluator.schedule import stable_steps
from evaluator.seeding import training_seed

from .engine.base import PROMOTION
from .records import Candidate, Search
from .states import StateShelf


def steps_of(recipe: Recipe, rung: int) -> int:
    """Optimiser steps that a training to a rung takes, where it goes on from the rung below."""
    before = stable_steps(recipe.at_rung(rung - 1)) if rung else 0
    return recipe.rung_steps[rung] - before


class Jobs:
    """Makes the jobs of one search, and keeps what a training leaves for the one that goes on from it.

    Args:
        search: The search, begun.
        states: Where states lie.
    """

    def __init__(self, search: Search, states: StateShelf) -> None:
        assert search.data_digest is not None, "jobs are made of a search that was begun"
        self._search, self._spec, self._data_digest = search, search.spec, search.data_digest
        self._states = states

    def job(self, candidate: Candidate) -> Job:
        """The job of a candidate."""
        recipe, digest = self._spec.recipe, candidate.genotype.digest
        return Job(
            genotype=candidate.genotype,
            recipe=recipe.at_rung(candidate.rung),
            scale=self._spec.scale,
            channels=self._spec.channels,
            seed=training_seed(self._spec.seed, digest, candidate.replicate),
            data_digest=self._data_digest,
            timeout_s=self._spec.evaluation_timeout_s,
            latency=self._spec.latency_target,
            keep_state=candidate.replicate == 0 and candidate.rung < recipe.rungs - 1,
        )

    def going_on(self, job: Job, candidate: Candidate) -> Job:
        """The job with the state that the rung below has left, where there is one."""
        if candidate.operator != PROMOTION:
            return job
        return replace(job, start=self._states.take(self._search.id, candidate.genotype.digest))

    def keep_state(self, candidate: Candidate, outcome: Outcome) -> None:
        """Keep what an outcome left for the next rung."""
        if isinstance(outcome, Success) and outcome.state:
            self._states.keep(self._search.id, candidate.genotype.digest, outcome.state)

    def forget(self) -> None:
        """Drop what no training will go on from."""
        self._states.forget(self._search.id)
