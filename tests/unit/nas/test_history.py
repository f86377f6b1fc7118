"""A search is the same search whenever its controller dies, and told in order, however its trainings are timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache, wraps
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.testing import ScriptedExecutor
from nas import history
from nas.breeding import engine_of
from nas.controller import Controller
from nas.engine.base import Engine
from nas.options import EngineOptions
from nas.records import Candidate, Search, SearchId, SearchState
from nas.replaying import replay
from nas.store.memory import MemoryStore
from nas.testing import make_candidate, make_tiny_spec
from nas.testing.controllers import by_steps_or_diverged, make_controller, proposals

SURROGATE = {"surrogate_after": 12, "surrogate_children": 10, "surrogate_refit": 6}
PLAIN = {"surrogate": False}
RUNGS = {"name": "default", "steps": 240, "rungs": 3}

KINDS: dict[str, dict[str, Any]] = {
    "surrogate": {"engine": SURROGATE},
    "rungs": {"engine": PLAIN, "recipe": RUNGS},
    "surrogate and rungs": {"engine": SURROGATE, "recipe": RUNGS},
    "generational": {"engine": {**PLAIN, "mode": "generational"}},
    "generational, surrogate and rungs": {"engine": {**SURROGATE, "mode": "generational"}, "recipe": RUNGS},
    "falsr": {"engine": "falsr"},
}


# -- a search whose controllers die ------------------------------------------------------------------------------------


class Died(BaseException):
    """A controller is gone, as when its process is killed: nothing catches this."""


@dataclass(frozen=True)
class Death:
    """When a controller dies: at its n-th deed of a kind, before it or right after."""

    deed: Literal["write", "tell"]
    number: int
    before: bool


WRITES = (
    "claim_search",
    "renew_lease",
    "begin_search",
    "end_search",
    "release_lease",
    "record_ask",
    "record_tell",
    "record_survival",
    "record_event",
)


class Fate:
    """Counts the deeds of a controller, and ends it."""

    def __init__(self, death: Death | None) -> None:
        self._death, self._done = death, 0

    def bound(self, deed: str, verb: Callable[..., Any]) -> Callable[..., Any]:
        """A verb that may be the last."""

        @wraps(verb)
        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._meet(deed, before=True)
            result = verb(*args, **kwargs)
            self._meet(deed, before=False)
            return result

        return mortal

    def _meet(self, deed: str, *, before: bool) -> None:
        death = self._death
        if death is None or death.deed != deed:
            return
        self._done += before
        if self._done == death.number and death.before == before:
            raise Died


class MortalStore:
    """A store whose writes may be the last of its controller."""

    def __init__(self, store: MemoryStore, fate: Fate) -> None:
        self._store, self._fate = store, fate

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._store, name)
        return self._fate.bound("write", verb) if name in WRITES else verb


class Theatre:
    """A store with one search, and the controllers that advance it one after the other."""

    def __init__(self, **changes: Any) -> None:
        self.store = MemoryStore()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.id = SearchId("a")
        spec = make_tiny_spec(**{"budget": {"evaluations": 32}} | changes)
        self.store.add_search(Search(id=self.id, spec=spec, state=SearchState.QUEUED, created_at=self.now))

    @property
    def search(self) -> Search:
        return self.store.search(self.id)

    @property
    def log(self) -> list[Candidate]:
        return self.store.candidates(self.id, limit=None)

    def play(self, executor: ScriptedExecutor, death: Death | None = None) -> Theatre:
        """Let a controller go on with the search until it ends or the controller dies."""
        fate = Fate(death)
        controller = self._controller(executor, fate)
        with suppress(Died):
            while not self.search.state.ended:
                controller.step()
        self.now += timedelta(seconds=31)  # a lost lease runs out
        return self

    def _controller(self, executor: ScriptedExecutor, fate: Fate) -> Controller:
        def mortal_engine(search: Search) -> Engine:
            engine = engine_of(search)
            engine.tell = fate.bound("tell", engine.tell)  # type: ignore[method-assign]
            return engine

        store = MortalStore(self.store, fate)  # a store by its attributes
        return make_controller(store, executor, build_engine=mortal_engine, clock=lambda: self.now)  # type: ignore[arg-type]


def eight_in_flight() -> ScriptedExecutor:
    """Trainings end out of order, and in the same order when they are started again."""
    return ScriptedExecutor(by_steps_or_diverged, capacity=8, order=lambda job: job.seed)


@cache
def undisturbed(kind: str) -> Theatre:
    return Theatre(**KINDS[kind]).play(eight_in_flight())


deaths = st.lists(
    st.builds(
        Death,
        deed=st.sampled_from(["write", "write", "tell"]),
        number=st.integers(1, 80),
        before=st.booleans(),
    ),
    min_size=1,
    max_size=2,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(deaths=deaths)
@settings(max_examples=12, deadline=None)  # for each of six kinds, and others every time
def test_a_search_is_the_same_whenever_its_controllers_die(kind: str, deaths: list[Death]) -> None:
    disturbed, whole = Theatre(**KINDS[kind]), undisturbed(kind)
    for death in deaths:
        disturbed.play(eight_in_flight(), death)
    disturbed.play(eight_in_flight())
    assert disturbed.search.state is SearchState.COMPLETED
    assert proposals(disturbed.log) == proposals(whole.log)
    assert disturbed.search.progress == whole.search.progress
    assert replay(disturbed.search, disturbed.log, engine_of(disturbed.search)).identical


def test_the_searches_that_are_disturbed_use_what_they_are_named_after() -> None:
    arms = {kind: {c.arm for c in undisturbed(kind).log} for kind in KINDS}
    rungs = {kind: {c.rung for c in undisturbed(kind).log if not c.replicate} for kind in KINDS}
    for kind in KINDS:
        assert ("screened" in arms[kind]) == ("surrogate" in kind)
        assert rungs[kind] == ({0, 1, 2} if "rungs" in kind else {0})


# -- told in order -----------------------------------------------------------------------------------------------------


@cache
def calm(kind: str) -> Theatre:
    return Theatre(**in_order(kind)).play(ScriptedExecutor(by_steps_or_diverged, capacity=1))


def in_order(kind: str) -> dict[str, Any]:
    engine = {**KINDS[kind]["engine"], "order": "ordered", "lag": 6}
    return {**KINDS[kind], "engine": engine}


@pytest.mark.parametrize("kind", ["surrogate", "rungs", "surrogate and rungs"])
def test_told_in_order_one_worker_leaves_a_search_no_choice(kind: str) -> None:
    again = Theatre(**in_order(kind)).play(ScriptedExecutor(by_steps_or_diverged, capacity=1))
    assert asked(again) == asked(calm(kind))
    assert replay(again.search, again.log, engine_of(again.search)).identical


@pytest.mark.parametrize("kind", ["surrogate", "rungs", "surrogate and rungs"])
@pytest.mark.parametrize("workers", [2, 8])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6, deadline=None)
def test_told_in_order_a_search_is_the_same_for_any_arrival_and_number_of_workers(
    kind: str, workers: int, seed: int
) -> None:
    jumbled = ScriptedExecutor(by_steps_or_diverged, capacity=workers, order=np.random.default_rng(seed))
    hectic = Theatre(**in_order(kind)).play(jumbled)
    assert asked(hectic) == asked(calm(kind))
    assert replay(hectic.search, hectic.log, engine_of(hectic.search)).identical


@pytest.mark.parametrize("kind", ["surrogate and rungs"])
@given(seed=st.integers(0, 2**32 - 1), deaths=deaths)
@settings(max_examples=8, deadline=None)
def test_told_in_order_a_search_is_the_same_whoever_dies_and_whatever_arrives_first(
    kind: str, seed: int, deaths: list[Death]
) -> None:
    rng = np.random.default_rng(seed)
    hectic = Theatre(**in_order(kind))
    for death in (*deaths, None):
        hectic.play(ScriptedExecutor(by_steps_or_diverged, capacity=8, order=rng), death)
    assert asked(hectic) == asked(calm(kind))


def asked(theatre: Theatre) -> list[tuple[Any, ...]]:
    """What the engine proposed; trainings that confirm the front come at its end, in the order of arrival."""
    return proposals([c for c in theatre.log if not c.replicate])


# -- the order itself --------------------------------------------------------------------------------------------------


@st.composite
def logs(draw: st.DrawFn) -> list[Candidate]:
    """Logs of asks and tells in any order that can happen, some candidates in flight at the end."""
    log: list[Candidate] = []
    waiting: list[int] = []
    tells = 0
    for _ in range(draw(st.integers(0, 30))):
        if waiting and draw(st.booleans()):
            ordinal = waiting.pop(draw(st.integers(0, len(waiting) - 1)))
            log[ordinal] = replace(log[ordinal], told_ordinal=tells)
            tells += 1
        else:
            replicate = int(draw(st.integers(0, 9)) == 0)
            waiting.append(len(log))
            log.append(make_candidate(ordinal=len(log), tells_before=tells, replicate=replicate))
    return log


def steps_of(log: list[Candidate], options: EngineOptions) -> Iterator[tuple[str, int]]:
    for step in history.history(log, options):
        yield ("asked" if isinstance(step, history.Asked) else "told"), step.candidate.ordinal


@given(log=logs(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_as_they_arrived_outcomes_stand_between_the_asks_that_they_stood_between(
    log: list[Candidate], seed: int
) -> None:
    shuffled = [log[i] for i in np.random.default_rng(seed).permutation(len(log))]
    steps = list(steps_of(shuffled, EngineOptions()))
    mine = [c for c in log if not c.replicate]
    assert [ordinal for what, ordinal in steps if what == "asked"] == [c.ordinal for c in mine]
    told = sorted((c for c in mine if c.told_ordinal is not None), key=lambda c: c.told_ordinal or 0)
    assert [ordinal for what, ordinal in steps if what == "told"] == [c.ordinal for c in told]
    for candidate in mine:
        before = {ordinal for what, ordinal in steps[: steps.index(("asked", candidate.ordinal))] if what == "told"}
        assert before == {c.ordinal for c in told if (c.told_ordinal or 0) < candidate.tells_before}


@given(log=logs(), lag=st.integers(1, 6))
@settings(deadline=None)
def test_in_order_every_ask_sees_the_outcomes_that_it_was_recorded_with(log: list[Candidate], lag: int) -> None:
    mine = [c for c in log if not c.replicate]
    for number, each in enumerate(mine):
        known = max(0, number - lag + 1)
        log[log.index(each)] = replace(each, tells_before=known)
    steps = list(steps_of(log, EngineOptions(order="ordered", lag=lag)))
    ordinals = [c.ordinal for c in mine]
    for number, ordinal in enumerate(ordinals):
        before = [other for what, other in steps[: steps.index(("asked", ordinal))] if what == "told"]
        assert before == ordinals[: max(0, number - lag + 1)]


@given(log=logs(), lag=st.integers(1, 6))
@settings(deadline=None)
def test_an_ask_waits_for_outcomes_that_are_due(log: list[Candidate], lag: int) -> None:
    options = EngineOptions(order="ordered", lag=lag)
    untold = [c for c in log if not c.replicate]
    wanted = untold[: max(0, len(untold) - lag + 1)]
    due = history.due(untold, len(untold), options)
    if any(c.told_ordinal is None for c in wanted):
        assert due is None
    else:
        assert due == wanted
    assert history.due(untold, len(untold), EngineOptions()) == ()
