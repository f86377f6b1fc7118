"""Searches that controllers ran are derived again from their logs and their bundles, whatever happened to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from evaluator.testing import ScriptedExecutor
from nas.breeding import engine_of
from nas.bundles import open_bundle, pack
from nas.cli_replay import replay as replay_verb
from nas.console import Verbs
from nas.records import Action, Candidate, CandidateState, Search, SearchId, SearchState
from nas.replaying import Difference, replay
from nas.spec import BudgetSpec
from nas.store.memory import MemoryStore
from nas.testing import START, make_search, make_tiny_spec
from nas.testing.controllers import by_steps_or_diverged, make_controller
from search_space.spaces import get_space

SURROGATE = {"surrogate_after": 12, "surrogate_children": 10, "surrogate_refit": 6}
PLAIN = {"surrogate": False}
RUNGS = {"name": "default", "steps": 240, "rungs": 3}


class Story:
    """A search in a store, and the controllers that advance it."""

    def __init__(self, **changes: Any) -> None:
        self.spec = make_tiny_spec(**{"budget": {"evaluations": 24}, "engine": PLAIN} | changes)
        self.store = MemoryStore()
        self.id = SearchId("a")
        self.add(self.id)

    def add(self, search_id: SearchId) -> None:
        self.store.add_search(make_search(search_id, spec=self.spec))

    @property
    def search(self) -> Search:
        return self.store.search(self.id)

    @property
    def log(self) -> list[Candidate]:
        return self.store.candidates(self.id, limit=None)

    def play(self, *, until: int = 10_000, workers: int = 6) -> Story:
        """Let a new controller go on until the search has ended, or so many networks were asked for."""
        executor = ScriptedExecutor(by_steps_or_diverged, capacity=workers, order=lambda job: job.seed)
        controller = make_controller(self.store, executor)
        while not self.search.state.ended and len(self.log) < until:
            controller.step()
        if not self.search.state.ended:
            controller.close()
        return self

    def extend(self, evaluations: int) -> Story:
        budget = BudgetSpec.model_validate({"evaluations": evaluations})
        self.store.extend_search(self.id, budget, at=START)
        return self

    def fail_and_resume(self) -> Story:
        lease = self.store.claim_search("another", at=START, lease_s=30)
        assert lease is not None
        self.store.end_search(lease, SearchState.FAILED, at=START, reason="its disk was full")
        self.store.move_search(self.id, SearchState.QUEUED, at=START, action=Action.RESUME)
        return self

    def again(self) -> Story:
        """The same search once more: every outcome is known."""
        self.id = SearchId("b")
        self.add(self.id)
        return self


def extended_while_confirming() -> Story:
    story = Story().play()
    assert story.log[-1].replicate
    return story.extend(40).play()


STORIES: dict[str, Callable[[], Story]] = {
    "plain": lambda: Story().play(),
    "surrogate and rungs": lambda: Story(engine=SURROGATE, recipe=RUNGS, budget={"evaluations": 48}).play(),
    "three seeds": lambda: Story(front_seeds=3).play(),
    "ordered": lambda: Story(engine={**SURROGATE, "order": "ordered", "lag": 6}, recipe=RUNGS).play(),
    "ordered, generational": lambda: Story(engine={"name": "falsr", "order": "ordered", "lag": 3}).play(),
    "ordered, extended": lambda: Story(engine={**PLAIN, "order": "ordered", "lag": 4}).play().extend(40).play(),
    "cached": lambda: Story().play().again().play(workers=3),
    "extended": extended_while_confirming,
    "taken over": lambda: Story(engine=SURROGATE).play(until=9).play(until=17, workers=2).play(),
    "resumed after it failed": lambda: Story().play(until=14).fail_and_resume().play(),
    "under way": lambda: Story().play(until=14),
}


@cache
def told(name: str) -> Story:
    return STORIES[name]()


@pytest.mark.parametrize("name", STORIES)
def test_what_was_proposed_is_proposed_again_from_the_log_and_from_a_bundle(name: str, tmp_path: Path) -> None:
    story = told(name)
    result = replay(story.search, story.log, engine_of(story.search))
    assert result.difference is None
    assert result.asks == len(story.log)
    path = tmp_path / "bundle.zip"
    path.write_bytes(b"".join(pack(story.store, story.id, at=START)))
    with open_bundle(path) as bundle:
        log = list(bundle.candidates())
    assert log == story.log
    assert replay(bundle.search, log, engine_of(bundle.search)).identical


def test_the_stories_are_what_they_are_called() -> None:
    log = {name: told(name).log for name in STORIES}
    assert {c.replicate for c in log["three seeds"]} == {0, 1, 2}
    assert {c.rung for c in log["surrogate and rungs"]} == {0, 1, 2}
    assert "screened" in {c.arm for c in log["surrogate and rungs"]}
    assert any(c.state == "failed" for c in log["plain"])
    assert sum(c.cached for c in log["cached"]) > 6
    confirmed = [c.ordinal for c in log["extended"] if c.replicate]
    assert any(not c.replicate for c in log["extended"][min(confirmed) :])
    assert any(c.state == "evaluating" for c in log["under way"])
    kinds = [event.kind for event in told("resumed after it failed").store.events(SearchId("a"))]
    assert "revived" in kinds


# -- what differs ------------------------------------------------------------------------------------------------------


def differs(story: Story, log: Sequence[Candidate]) -> Difference:
    difference = replay(story.search, log, engine_of(story.search)).difference
    assert difference is not None
    return difference


def changed(log: Sequence[Candidate], ordinal: int, **fields: Any) -> list[Candidate]:
    return [replace(c, **fields) if c.ordinal == ordinal else c for c in log]


def test_a_confirmation_of_another_network_or_seed_differs() -> None:
    story = told("three seeds")
    first = next(c for c in story.log if c.replicate)
    other = next(c.genotype for c in story.log if c.genotype != first.genotype)
    network = differs(story, changed(story.log, first.ordinal, genotype=other))
    assert network.ordinal == first.ordinal
    assert "genotype" in network.parts
    seed = differs(story, changed(story.log, first.ordinal, replicate=3 - first.replicate))
    assert (seed.ordinal, seed.parts) == (first.ordinal, ("replicate",))


def test_a_confirmation_that_nothing_asked_for_differs() -> None:
    story = told("plain")
    last = story.log[-1]
    more = replace(last, ordinal=last.ordinal + 1, replicate=5)
    difference = differs(story, [*story.log, more])
    assert (difference.ordinal, difference.proposed) == (more.ordinal, None)


@pytest.mark.parametrize("name", ["ordered", "ordered, generational"])
@pytest.mark.parametrize("by", [-1, 1])
def test_an_ask_at_another_place_than_its_lag_says_differs(name: str, by: int) -> None:
    story = told(name)
    asked = next(c for c in story.log[12:] if not c.replicate)
    difference = differs(story, changed(story.log, asked.ordinal, tells_before=asked.tells_before + by))
    assert asked.ordinal <= difference.ordinal <= asked.ordinal + 1
    assert "tells_before" in difference.parts


def test_a_missing_outcome_is_noticed_where_it_should_have_been_told() -> None:
    story = told("plain")
    lost = next(c for c in story.log if c.told_ordinal == 2)
    without = changed(story.log, lost.ordinal, told_ordinal=None, evaluation=None)
    difference = differs(story, without)
    assert "tells_before" in difference.parts
    assert difference.proposed is not None
    assert difference.recorded.tells_before == difference.proposed.tells_before + 1


# -- the verb on a bundle ----------------------------------------------------------------------------------------------


@pytest.fixture
def verb() -> Callable[..., Any]:
    app = typer.Typer(cls=Verbs)
    app.command()(replay_verb)
    app.callback()(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["replay", *map(str, arguments)])


class Edited:
    """A store of which somebody has changed one network."""

    def __init__(self, story: Story, ordinal: int) -> None:
        self._store = story.store
        rng = np.random.default_rng(0)
        known = {c.genotype for c in story.log}
        others = (get_space("tiny").sample(rng) for _ in iter(int, 1))
        other = next(genotype for genotype in others if genotype not in known)
        lost = {"evaluation": None, "told_ordinal": None, "state": CandidateState.EVALUATING}
        self._log = changed(story.log, ordinal, genotype=other, **lost)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def candidates(self, search_id: str, *, after: int, limit: int) -> list[Candidate]:
        return [c for c in self._log if c.ordinal > after][:limit]


@pytest.mark.parametrize("name", ["none.zip", "folder/none"])
def test_the_verb_says_that_a_file_is_not_there(verb: Callable[..., Any], tmp_path: Path, name: str) -> None:
    refused = verb(tmp_path / name)
    assert refused.exit_code == 2
    assert f"no such file: {tmp_path / name}" in refused.stderr


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[[Any], Path]:
    def write(store: Any) -> Path:
        path = tmp_path / "search-a.zip"
        path.write_bytes(b"".join(pack(store, SearchId("a"), at=START)))
        return path

    return write


def test_the_verb_replays_a_bundle_and_tells_what_is_not_as_it_was(
    verb: Callable[..., Any], bundle: Callable[[Any], Path]
) -> None:
    path = bundle(told("plain").store)
    result = verb(path)
    assert result.exit_code == 0, result.output
    assert f"all {len(told('plain').log)} proposals are the same" in result.output
    assert "environment   not recorded" in result.output


def test_the_verb_names_the_first_network_that_was_changed(
    verb: Callable[..., Any], bundle: Callable[[Any], Path]
) -> None:
    path = bundle(Edited(told("plain"), 20))
    result = verb(path, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["difference"]["ordinal"] == 20
    assert found["difference"]["parts"] == ["genotype"]
    assert found["difference"]["recorded"]["genotype"] != found["difference"]["proposed"]["genotype"]
    assert "recorded costs are not those" in found["difference"]["cause"]


def test_the_verb_refuses_what_is_no_bundle_and_a_search_that_waits(
    verb: Callable[..., Any], bundle: Callable[[Any], Path], tmp_path: Path
) -> None:
    nothing = verb(tmp_path / "nothing.zip")
    assert nothing.exit_code == 2
    assert "no such file" in nothing.output
    broken = tmp_path / "broken.zip"
    broken.write_bytes(bundle(told("plain").store).read_bytes()[:-100])
    assert "hint: Fetch the bundle again" in verb(broken).output
    assert "this one is queued" in verb(bundle(Story().store)).output
