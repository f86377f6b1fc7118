"""What a search has reached, kept up to date one told candidate at a time. A pure state machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluator.provenance import is_cpu

from .objectives import Objective
from .pareto import Archive
from .records import Candidate, CandidateState, Evaluation, Progress
from .scores import points_of

SETTLED = 1e-3
"""Relative growth of the hypervolume below which an outcome has not raised it."""


class Tally:
    """Counts told candidates and keeps the feasible front's objective values.

    The front, the hypervolume and the best PSNR are those of one fidelity: the top rung, from the search's own seed.

    Args:
        objectives: What the search optimises.
        reference_point: Reference of the hypervolume, by metric.
        top_rung: Number of the longest training.
    """

    def __init__(
        self, objectives: tuple[Objective, ...], reference_point: Mapping[str, float], *, top_rung: int = 0
    ) -> None:
        self._objectives = objectives
        self._archive = Archive(objectives, [reference_point[objective.metric] for objective in objectives])
        self._top_rung = top_rung
        self._front: dict[tuple[float, ...], Candidate] = {}
        self._settled_at = 0.0
        self.unchanged = 0  # outcomes in a row of the top rung that have not raised a hypervolume above 0
        self.progress = Progress()

    @property
    def front(self) -> list[Candidate]:
        """The members of the feasible front, oldest first."""
        return [self._front[tuple(point)] for point in self._archive.points.tolist()]

    def add(self, told: Candidate, *, in_flight: int) -> Progress:
        """Count one told candidate and return what the search has reached with it."""
        before, evaluation = self.progress, told.evaluation
        best = before.best_psnr_db
        if told.replicate == 0 and told.rung == self._top_rung:
            self._enter(told)
            if told.feasible and evaluation is not None and evaluation.psnr_db is not None:
                best = evaluation.psnr_db if best is None else max(best, evaluation.psnr_db)
        self.progress = replace(
            _with_costs(before, None if told.cached else evaluation),
            evaluated=before.evaluated + 1,
            failed=before.failed + (told.state is CandidateState.FAILED),
            failures=_with_failure(before.failures, evaluation),
            cached=before.cached + told.cached,
            in_flight=in_flight,
            best_psnr_db=best,
            hypervolume=self._archive.hypervolume,
        )
        return self.progress

    def _enter(self, told: Candidate) -> None:
        if told.feasible:
            point = points_of([told], self._objectives)[0].tolist()
            if self._archive.insert(point):
                self._front[tuple(point)] = told
        self.unchanged += self._settled_at > 0  # until something beats the reference, nothing has settled
        if self._archive.hypervolume > self._settled_at * (1 + SETTLED):
            self.unchanged, self._settled_at = 0, self._archive.hypervolume


def _with_costs(before: Progress, own: Evaluation | None) -> Progress:
    """What was spent, with what an outcome took; one that was known already took nothing."""
    if own is None:
        return before
    spent_s = own.train_s + own.validate_s
    return replace(
        before,
        train_s=before.train_s + own.train_s,
        validate_s=before.validate_s + own.validate_s,
        gpu_s=before.gpu_s + (spent_s if own.device and not is_cpu(own.device) else 0.0),
        steps=before.steps + own.steps,
        retries=before.retries + len(own.setbacks),
    )


def _with_failure(before: Mapping[str, int], evaluation: Evaluation | None) -> Mapping[str, int]:
    """Failures by kind, with that of an outcome; known ones count too."""
    kind = evaluation.failure_kind if evaluation is not None else None
    return before if kind is None else {**before, kind: before.get(kind, 0) + 1}
