"""The searches that go through the chaos, and what each comes to where nothing disturbs it.

Their outcomes are told in the order of their asks: neither timing nor restarts leave a trace in what is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.executor import Job
from evaluator.outcome import Outcome
from evaluator.testing import ScriptedExecutor
from nas.fronts import Front
from nas.records import Candidate, Search, SearchState
from nas.service import Service
from nas.settings import Settings
from nas.store.base import Store
from nas.store.memory import MemoryStore
from nas.testing.controllers import proposals
from nas.worker import make_controller
from tests.chaos.scripted import outcome_of

CAPACITY = 4


def specs(evaluations: int, seed: int) -> dict[str, dict[str, Any]]:
    """The documents by name; each has a seed of its own, and so shares no training with the others."""
    common = {
        "space": "falsr",
        "dataset": {"train": "photos", "train_limit": 3, "validation_crop": 32},
        "objectives": ["psnr", "mult_adds"],
        "population": 8,
        "budget": {"evaluations": evaluations},
    }
    ordered = {"order": "ordered", "lag": 6}
    model = {"surrogate_after": 16, "surrogate_children": 20, "surrogate_refit": 16}
    own: dict[str, dict[str, Any]] = {
        "plain": {"engine": {**ordered, "surrogate": False}, "front_seeds": 2},
        "rungs": {
            "engine": {**ordered, "surrogate": False},
            "recipe": {"name": "default", "steps": 240, "rungs": 2},
            "front_seeds": 1,
            "priority": 10,
        },
        "model": {"engine": {**ordered, **model}, "front_seeds": 1, "priority": -5},
    }
    return {
        name: {**common, "name": name, "seed": 1000 * seed + number, **document}
        for number, (name, document) in enumerate(own.items())
    }


@dataclass(frozen=True)
class Course:
    """What a search came to.

    Attributes:
        search: As it ended.
        log: Its candidates, by ordinal.
        front: Its final front.
    """

    search: Search
    log: list[Candidate]
    front: Front

    @property
    def proposals(self) -> list[tuple[Any, ...]]:
        """What its engine proposed, in order, and what survived."""
        return proposals(candidate for candidate in self.log if candidate.replicate == 0)

    @property
    def outcomes(self) -> Mapping[tuple[Any, ...], tuple[Any, ...]]:
        """What was told of each training: its figures, or how it failed."""
        return {_identity(candidate): _figures(candidate) for candidate in self.log}

    @property
    def members(self) -> list[tuple[Any, ...]]:
        """Who is on the front, how good, and from how many seeds that is known."""
        return [(*_identity(m), *_figures(m), self.front.seeds_of(m)) for m in self.front.members]


def course_of(store: Store, settings: Settings, search_id: str) -> Course:
    """What a stored search came to."""
    service = Service(store, settings)
    log = service.candidates(search_id, limit=None)
    return Course(service.search(search_id), log, service.front(search_id))


def undisturbed(documents: Iterable[Mapping[str, Any]], home: Path, images_root: Path) -> tuple[dict[str, Course], int]:
    """What searches come to in one controller that nobody kills, by name; and how many trainings that takes."""
    store, settings, trained = MemoryStore(), Settings(home=home, images_root=images_root), list[str]()

    def train(job: Job) -> Outcome:
        trained.append(job.key)
        return outcome_of(job)

    executor = ScriptedExecutor(train, capacity=CAPACITY, order=np.random.default_rng(0))
    service = Service(store, settings)
    searches = [service.submit(document) for document in documents]
    controller = make_controller(store, executor, settings)
    while not all(service.search(search.id).state.ended for search in searches):
        controller.step()
    controller.close()
    courses = {search.spec.name: course_of(store, settings, search.id) for search in searches}
    assert all(course.search.state is SearchState.COMPLETED for course in courses.values())
    return courses, len(trained)


def _identity(candidate: Candidate) -> tuple[Any, ...]:
    return str(candidate.genotype), candidate.rung, candidate.replicate


def _figures(candidate: Candidate) -> tuple[Any, ...]:
    evaluation = candidate.evaluation
    assert evaluation is not None, f"{candidate.id} has no outcome"
    return candidate.state, candidate.violation, evaluation.failure_kind, tuple(sorted(evaluation.scores.items()))
