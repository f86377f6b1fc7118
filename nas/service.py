"""What a person can do, for any front end: submit, look, steer, query the front, finish networks, ask for files.

The service sees a store and settings; it never trains and imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from search_space.errors import InvalidInput, Problem

from .amending import extended_budget, patched
from .datasets import Datasets
from .estimating.asking import estimated
from .estimating.documents import Estimate
from .filing import Filing, NotBenchmarked, NotExportable, NotReady
from .following import Following
from .fronts import Front
from .objectives import METRICS, Objective
from .records import (
    Action,
    AuditEntry,
    Candidate,
    CandidateId,
    CandidateState,
    Event,
    Pulse,
    Request,
    Search,
    SearchId,
    SearchState,
    Totals,
    Training,
    TrainingStatus,
    Worker,
    check_action,
)
from .settings import Settings
from .standing import Standing
from .statistics.documents import Point, Statistics
from .store.base import BudgetChanged, Store
from .submitting import Accepted, Advised, advised, new_search, repeatable
from .trainings import NotFinishable
from .trainings.cases import Trainings
from .validation import passes_of

__all__ = ["NotBenchmarked", "NotExportable", "NotFinishable", "NotReady", "Service", "utc_now"]


def utc_now() -> datetime:
    """The clock that the service uses unless it is given another."""
    return datetime.now(UTC)


class Service(Filing):
    """Use cases over one store.

    Attributes:
        datasets: Those around the images that searches may name.
        trainings: Those around full trainings and finished models.
    """

    def __init__(self, store: Store, settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(store, settings, clock)
        self._following = Following(store)
        self.datasets = Datasets(store, settings, clock)
        self.trainings = Trainings(store, settings, clock, self.datasets)

    def now(self) -> datetime:
        """The time by this service's clock."""
        return self._clock()

    # -- searches ------------------------------------------------------------------------------------------------

    def submit(self, document: Mapping[str, Any], *, by: str = "") -> Search:
        """Check a spec and queue its search; `InvalidSpec` with every problem."""
        return self.accept(document, by=by).search

    def accept(self, document: Mapping[str, Any], *, by: str, key: str | None = None) -> Accepted:
        """The same, once only: what bears the key of an earlier request of the same sender gives its search.

        `InvalidSpec`; `KeyReused` when that request asked for something else.
        """
        return self._accept(document, repeatable(key, by, ["submit", document]), by)

    def estimate(self, document: Mapping[str, Any]) -> tuple[Advised, Estimate]:
        """Check a spec as at its submission, and foretell what its search will take; `InvalidSpec`. Stores nothing."""
        found = advised(document, self.datasets.folder, self._settings)
        scoring_pixels = found.validation_pixels / passes_of(found.spec)
        return found, estimated(found.spec, scoring_pixels, self._store, self._settings, self.workers())

    def clone(self, search_id: str, changes: Mapping[str, Any], *, by: str = "", key: str | None = None) -> Accepted:
        """Queue another search for the spec of a search with a JSON merge patch applied; once only, as above.

        What the patch removes goes back to its default. `NotFound`, `InvalidSpec`, `KeyReused`.
        """
        model = self.search(search_id)
        request = repeatable(key, by, ["clone", model.id, changes])
        return self._accept(patched(model.spec.to_json(), changes), request, by, model.id)

    def _accept(
        self, document: Mapping[str, Any], request: Request | None, by: str, cloned_from: SearchId | None = None
    ) -> Accepted:
        folder_of, at = self.datasets.folder, self._clock()
        known = None if request is None else self._store.answered(request, at=at)
        if known is not None:  # looked for first: what it named then, such as a dataset, may be gone
            return Accepted(known, repeated=True)
        search = new_search(document, folder_of, self._settings, at=at, owner=by, cloned_from=cloned_from)
        stored = self._store.add_search(search, request=request)
        return Accepted(stored, repeated=stored.id != search.id)

    def search(self, search_id: str) -> Search:
        """One search; `NotFound`."""
        return self._store.search(SearchId(search_id))

    def searches(
        self, *, states: Sequence[SearchState] = (), before: str | None = None, limit: int = 50
    ) -> list[Search]:
        """Newest first."""
        return self._store.searches(states=states, before=None if before is None else SearchId(before), limit=limit)

    # -- what a person may do with a search, as `ACTIONS` says; `NotFound`, `IllegalAction` -------------------------

    def pause(self, search_id: str, *, by: str = "") -> Search:
        """Propose nothing more; trainings under way are finished."""
        return self._move(search_id, SearchState.PAUSED, Action.PAUSE, "paused by request", by)

    def resume(self, search_id: str, *, by: str = "") -> Search:
        """Queue a search again that was paused, or that failed and whose cause was mended."""
        return self._move(search_id, SearchState.QUEUED, Action.RESUME, "", by)

    def cancel(self, search_id: str, *, by: str = "") -> Search:
        """End a search for good; what it recorded stays."""
        return self._move(search_id, SearchState.CANCELLED, Action.CANCEL, "cancelled by request", by)

    def extend(self, search_id: str, budget: Mapping[str, Any], *, by: str = "") -> Search:
        """Give a search new limits of its budget, none below the present one; a completed one goes on.

        `InvalidSpec` with every problem.
        """
        while True:
            search = self.search(search_id)
            check_action(search.id, search.state, Action.EXTEND)
            present = search.spec.budget
            larger = extended_budget(present, budget)
            with suppress(BudgetChanged):  # by somebody else in between, whose extension stays
                return self._store.extend_search(search.id, larger, at=self._clock(), by=by, present=present)

    def set_parallelism(self, search_id: str, parallelism: int | None, *, by: str = "") -> Search:
        """Let a search have at most so many candidates in flight, None for every worker."""
        return self._store.set_parallelism(SearchId(search_id), parallelism, at=self._clock(), by=by)

    def set_priority(self, search_id: str, priority: int, *, by: str = "") -> Search:
        """Let a search go before those of lower priority."""
        return self._store.set_priority(SearchId(search_id), priority, at=self._clock(), by=by)

    def _move(self, search_id: str, state: SearchState, action: Action, reason: str, by: str) -> Search:
        at = self._clock()
        return self._store.move_search(SearchId(search_id), state, at=at, reason=reason, action=action, by=by)

    # -- the record of a search ------------------------------------------------------------------------------------

    def pulse(self, search_id: str) -> Pulse:
        """How far the record of a search is; `NotFound`."""
        return self._store.pulse(SearchId(search_id))

    def events(self, search_id: str, *, after: int = 0, limit: int = 1000, progress: bool = True) -> list[Event]:
        """What happened, in order, with or without what trainings in flight tell of themselves; `NotFound`."""
        return self._store.events(self.search(search_id).id, after=after, limit=limit, progress=progress)

    # -- workers -------------------------------------------------------------------------------------------------

    def workers(self) -> list[Worker]:
        """What every worker of every controller does now, by node and name."""
        return self._store.workers(at=self._clock(), lease_s=self._settings.lease_s)

    def worker_of(self, candidate: Candidate) -> Worker | None:
        """Who trains a candidate now, or the one whose outcome it waits for; None where nobody does."""
        if candidate.state is not CandidateState.EVALUATING:
            return None
        return next((w for w in self.workers() if w.busy and w.evaluation_key == candidate.evaluation_key), None)

    def worker_at(self, training: Training) -> Worker | None:
        """Who is at a full training now; None where nobody is."""
        if training.status is not TrainingStatus.RUNNING:
            return None
        return next((w for w in self.workers() if w.busy and w.training_id == training.id), None)

    # -- candidates ----------------------------------------------------------------------------------------------

    def candidates(
        self,
        search_id: str,
        *,
        after: int = -1,
        limit: int | None = 100,
        rung: int | None = None,
        operator: str | None = None,
        ordinals: Collection[int] | None = None,
    ) -> list[Candidate]:
        """Candidates by ordinal, of one rung or operator or of all, or those of some ordinals; `NotFound`."""
        known = SearchId(search_id)
        self._store.pulse(known)
        return self._store.candidates(known, after=after, limit=limit, rung=rung, operator=operator, ordinals=ordinals)

    def spread(self, search_id: str, most: int) -> list[Candidate]:
        """At most so many candidates, evenly spread over a search; `NotFound`."""
        progress = self.search(search_id).progress
        count = progress.evaluated + progress.in_flight
        if count <= most:
            return self._store.candidates(SearchId(search_id), limit=None)
        ordinals = {number * (count - 1) // (most - 1) for number in range(most)}
        return self._store.candidates(SearchId(search_id), ordinals=ordinals, limit=None)

    def candidate(self, candidate_id: str) -> Candidate:
        """One candidate; `NotFound`."""
        return self._store.candidate(CandidateId(candidate_id))

    def front(self, search_id: str, *, objectives: Sequence[str] = (), feasible_only: bool = True) -> Front:
        """The Pareto front over the search's objectives, or over any metrics; `InvalidInput`, `NotFound`."""
        return self.standing(search_id).front(_objectives(objectives), feasible_only=feasible_only)

    # -- statistics ----------------------------------------------------------------------------------------------

    def statistics(self, search_id: str) -> Statistics:
        """What a search has shown about its operators, model, rungs, seeds and budget; `NotFound`."""
        return self.standing(search_id).statistics(self._clock())

    def history(self, search_id: str) -> list[Point]:
        """How a search has come to where it is, at most 2000 points, the last one included; `NotFound`."""
        return self.standing(search_id).course()

    def standing(self, search_id: str) -> Standing:
        """Where a search stands, for documents that are kept for as long as they are true; `NotFound`."""
        return self._following.of(SearchId(search_id))

    # -- the installation ----------------------------------------------------------------------------------------

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """What people have changed, in order, those after ``after``."""
        return self._store.audit(after=after, limit=limit)

    def ready(self) -> None:
        """Raise unless the store answers, and its tables are those of this version; `WrongSchema`."""
        self._store.check_schema()
        self._store.searches(limit=1)

    def totals(self) -> Totals:
        """What all searches together have come to."""
        return self._store.totals()


def _objectives(names: Sequence[str]) -> tuple[Objective, ...]:
    unknown = [name for name in names if name not in METRICS]
    problems = [Problem("objectives", name, f"any of {', '.join(METRICS)}") for name in unknown]
    if len(set(names)) != len(names):
        problems.append(Problem("objectives", ",".join(names), "each metric once"))
    if problems:
        raise InvalidInput(problems)
    return tuple(Objective.of(name) for name in names)
