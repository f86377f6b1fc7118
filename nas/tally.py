"""What a search has reached, kept up to date one told candidate at a time. A pure state machine."""

from __future__ import annotations

from collections.abc import Mapping

from .objectives import Objective
from .pareto import Archive
from .records import Candidate, CandidateState, Progress
from .scores import points_of


class Tally:
    """Counts told candidates and keeps the feasible front's objective values.

    Args:
        objectives: What the search optimises.
        reference_point: Reference of the hypervolume, by metric.
    """

    def __init__(self, objectives: tuple[Objective, ...], reference_point: Mapping[str, float]) -> None:
        self._objectives = objectives
        self._archive = Archive(objectives, [reference_point[objective.metric] for objective in objectives])
        self.progress = Progress()

    def add(self, told: Candidate, *, in_flight: int) -> Progress:
        """Count one told candidate and return what the search has reached with it."""
        before, evaluation = self.progress, told.evaluation
        if told.feasible:
            self._archive.insert(points_of([told], self._objectives)[0].tolist())
        best = before.best_psnr_db
        if told.feasible and evaluation is not None and evaluation.psnr_db is not None:
            best = evaluation.psnr_db if best is None else max(best, evaluation.psnr_db)
        self.progress = Progress(
            evaluated=before.evaluated + 1,
            failed=before.failed + (told.state is CandidateState.FAILED),
            cached=before.cached + told.cached,
            in_flight=in_flight,
            best_psnr_db=best,
            hypervolume=self._archive.hypervolume,
            train_s=before.train_s + (0.0 if told.cached or evaluation is None else evaluation.train_s),
        )
        return self.progress
