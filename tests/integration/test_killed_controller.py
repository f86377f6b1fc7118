"""Controllers that are killed, in processes of their own over one SQLite file: the search stays what it was."""

from __future__ import annotations

import math
import multiprocessing
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluator.executor import Job
from evaluator.outcome import Outcome
from evaluator.testing import ScriptedExecutor
from nas.breeding import engine_of
from nas.leases import Leasing
from nas.records import Candidate, Search, SearchId, SearchState
from nas.replaying import replay
from nas.service import utc_now
from nas.spec import SearchSpec
from nas.states import StateShelf
from nas.store.base import Store
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing.controllers import by_steps_or_diverged, make_controller, proposals

KILLS = 20
LAST = 0.9
"""The last of them comes by this share of the search."""

ID = SearchId("a")
SPEC = {
    "space": "falsr",
    "dataset": {"train": "photos"},
    "population": 12,
    "budget": {"evaluations": 80},
    "objectives": ["psnr", "mult_adds"],
    "recipe": {"name": "default", "steps": 240, "rungs": 2},
    "engine": {"surrogate_after": 24, "surrogate_children": 20, "surrogate_refit": 24},
}


def advance(store: Store, home: Path) -> None:
    """Run a controller until the search ends, and note every training in a file."""
    home.mkdir(exist_ok=True)

    def noted(job: Job) -> Outcome:
        with (home / "trained").open("a") as file:
            file.write(f"{job.key}\n")
        return by_steps_or_diverged(job)

    controller = make_controller(
        store,
        ScriptedExecutor(noted, capacity=8, order=lambda job: job.seed),
        states=StateShelf(home / "states", 2**20),
        leasing=Leasing(owner="a controller", lease_s=0.1, max_active=1),
        clock=utc_now,
        wait=time.sleep,
        poll_s=0.01,
    )
    while not store.search(ID).state.ended:
        controller.step()


def live(url: str, home: Path) -> None:
    """What a process does that may be killed."""
    advance(open_store(url), home)


def submit(store: Store) -> None:
    spec = SearchSpec.model_validate(SPEC)
    store.add_search(Search(id=ID, spec=spec, state=SearchState.QUEUED, created_at=utc_now()))


def outcomes(log: list[Candidate]) -> dict[int, tuple[Any, ...]]:
    """What is recorded of everything that was told, by ordinal."""
    return {c.ordinal: (c.told_ordinal, c.violation, c.evaluation) for c in log if c.told_ordinal is not None}


class Killer:
    """Starts controllers, and kills them.

    Args:
        home: Folder of the database and of what controllers write beside it.
    """

    def __init__(self, home: Path) -> None:
        self._home, self._url = home, f"sqlite:///{home / 'srnas.sqlite'}"
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload([__name__])  # so that each of them begins in a moment
        self.store = open_store(self._url)
        submit(self.store)

    @property
    def log(self) -> list[Candidate]:
        return self.store.candidates(ID, limit=None)

    @property
    def trained(self) -> list[str]:
        """The address of every training so far."""
        noted = self._home / "trained"
        return noted.read_text().split() if noted.exists() else []

    def let_live(self, steps: float) -> int | None:
        """Run a controller until so many asks and tells are recorded, or the search has ended; its exit status."""
        process = self._processes.Process(target=live, args=(self._url, self._home))
        process.start()
        while process.is_alive() and self._steps < steps:
            process.join(timeout=0.001)
        if process.is_alive():
            process.kill()
        process.join()
        return process.exitcode

    @property
    def _steps(self) -> int:
        reached = self.store.search(ID).progress
        return 2 * reached.evaluated + reached.in_flight


@pytest.mark.slow
def test_a_search_whose_controllers_are_killed_is_the_same_search(tmp_path: Path) -> None:
    whole, killer, rng = MemoryStore(), Killer(tmp_path), np.random.default_rng(0)
    submit(whole)
    advance(whole, tmp_path / "whole")

    steps = 2 * whole.search(ID).progress.evaluated
    lives = []
    for moment in np.sort(rng.integers(0, int(LAST * steps), size=KILLS)).tolist():
        assert killer.let_live(moment) == -signal.SIGKILL
        lives.append((outcomes(killer.log), len(killer.trained)))
    assert killer.let_live(math.inf) == 0

    ended, log = killer.store.search(ID), killer.log
    assert ended.state is SearchState.COMPLETED
    assert {c.rung for c in log} == {0, 1}
    assert {c.arm for c in log} == {"", "screened", "control"}
    assert proposals(log) == proposals(whole.candidates(ID, limit=None))
    assert ended.progress.hypervolume == whole.search(ID).progress.hypervolume
    assert replay(ended, log, engine_of(ended)).identical
    for recorded, trainings in lives:
        assert recorded.items() <= outcomes(log).items()
        known = {evaluation.key for _, _, evaluation in recorded.values()}
        assert not known & set(killer.trained[trainings:])
