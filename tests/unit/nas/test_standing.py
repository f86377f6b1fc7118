"""What is kept of a search is what a look at all of it would find, after every single change of it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.recipe import Recipe
from nas.following import Following
from nas.fronts import find_front
from nas.objectives import Objective
from nas.records import Candidate, CandidateId, LedgerRow, Search, SearchId
from nas.spec import SearchSpec
from nas.standing import Document, Standing
from nas.statistics.summary import account_of, statistics
from nas.store.base import Lease, NotFound
from nas.store.memory import MemoryStore
from nas.testing.builders import START, make_candidate, make_evaluation, make_genotype, make_progress, make_search, told

REFERENCE = {"psnr": 28.0, "params": 1000.0}
CHOICES = ((), ("psnr",), ("params", "psnr"), ("latency_ms", "psnr"), ("ssim", "fsds", "mult_adds"))
"""Objectives: the search's own, and others."""


class Scene:
    """A running search of two rungs in a store in memory, and what is done to it."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        spec = SearchSpec.model_validate({"dataset": {"train": "train"}, "objectives": ["psnr", "params"]})
        spec = spec.model_copy(update={"recipe": Recipe(steps=200, rungs=2)})
        self.id = self.store.add_search(make_search(spec=spec, reference_point=REFERENCE)).id
        lease = self.store.claim_search("controller", at=START, lease_s=60.0)
        assert lease is not None
        self.lease: Lease = lease
        self.standing = Standing(self.store, self.id)
        self.asked = self.told = 0

    @property
    def search(self) -> Search:
        return self.store.search(self.id)

    def ask(self, network: int, rung: int, replicate: int, **fields: Any) -> Candidate:
        operator = "promotion" if rung else "random"
        candidate = make_candidate(
            self.id,
            self.asked,
            genotype=make_genotype(network),
            rung=rung,
            replicate=replicate,
            operator=operator,
            **fields,
        )
        self.store.record_ask(self.lease, candidate)
        self.asked += 1
        return candidate

    def tell(self, candidate: Candidate, *, violation: float | None = 0.0, **fields: Any) -> None:
        evaluation = make_evaluation(candidate, **fields)
        violation = None if evaluation.failure_kind else violation
        known = told(candidate, evaluation, self.told, violation=violation)
        self.told += 1
        self.store.record_tell(self.lease, known, evaluation, make_progress(self.told))

    def fetch(self, row: LedgerRow) -> Candidate:
        return self.store.candidate(CandidateId(f"{self.id}-{row.ordinal}"))

    def check(self) -> None:
        """Whatever is asked of the standing is what the whole ledger gives."""
        search, ledger = self.search, self.store.ledger(self.id)
        for names, feasible_only in itertools.product(CHOICES, (True, False)):
            chosen = tuple(map(Objective.of, names))
            whole = find_front(search, ledger, chosen, fetch=self.fetch, feasible_only=feasible_only)
            assert self.standing.front(chosen, feasible_only=feasible_only) == whole
            cloud = self.standing.cloud(1, chosen, feasible_only=feasible_only)
            assert set(cloud.ordinal[cloud.front].tolist()) == {member.ordinal for member in whole.members}
        assert self.standing.statistics(START).model_dump() == statistics(search, ledger, START).model_dump()
        assert self.standing.course() == account_of(search, ledger).course()


few = st.integers(0, 3)
outcomes = st.fixed_dictionaries(
    {
        "psnr_db": st.integers(29, 33).map(float),
        "ssim": st.none() | st.sampled_from([0.8, 0.9]),
        "latency_ms": st.none() | st.sampled_from([1.0, 2.0]),
    }
) | st.just({"failure_kind": "diverged"})


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 1)),
            st.sampled_from([300, 400, 500]),
            outcomes,
            st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5]),
            st.sampled_from([None, True, False]),
            few,
        ),
        max_size=9,
        unique_by=lambda step: step[0],
    )
)
def test_a_standing_says_what_the_whole_ledger_says_after_every_tell(steps: list[Any]) -> None:
    """Outcomes come late, so that their order is another than that of the asks; marks of survival come later still."""
    scene, flying, marks = Scene(), list[Any](), dict[Any, bool]()
    for training, params, outcome, violation, mark, wait in steps:
        flying.append((scene.ask(*training, params=params), outcome, violation, mark))
        while len(flying) > wait:
            candidate, found, broken, survived = flying.pop()
            scene.tell(candidate, violation=broken, **found)
            scene.check()
            if survived is not None:
                marks[candidate.id] = survived
        if len(marks) > 1:
            scene.store.record_survival(scene.lease, marks)
            marks.clear()
    scene.store.record_survival(scene.lease, marks)
    scene.check()


@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_outcomes_are_looked_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By pages, and from the beginning: the front is the same as of all of them at once."""
    rng, scene = np.random.default_rng(seed), Scene()
    for number in range(1000):
        psnr_db, params = 30.0 + round(float(rng.normal()), 1), int(rng.integers(300, 400))
        scene.tell(scene.ask(number, 1, 0, params=params), psnr_db=psnr_db, violation=float(rng.random() < 0.1))
        if number == 500:
            scene.check()
    scene.check()
    monkeypatch.setattr("nas.standing.PAGE", 100)
    reads = Counting(scene.store)
    scene.standing = Standing(reads, scene.id)
    scene.standing.front()
    read = reads.members
    scene.check()
    assert reads.rows == 1000
    assert reads.members - read < 30  # the members of most fronts are at hand from the first look on


class Counting:
    """A store whose reads are counted."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.rows = self.members = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        rows = self._store.told_rows(search_id, after=after, limit=limit)
        self.rows += len(rows)
        return rows

    def candidates(
        self, search_id: SearchId, *, limit: int | None = 100, ordinals: Collection[int] | None = None
    ) -> list[Candidate]:
        found = self._store.candidates(search_id, limit=limit, ordinals=ordinals)
        self.members += len(found)
        return found


def test_only_what_is_new_is_read() -> None:
    scene = Scene()
    reads = Counting(scene.store)
    standing = Standing(reads, scene.id)
    for number in range(5):
        candidate = scene.ask(number, 1, 0, params=500 - number)
        scene.tell(candidate, psnr_db=30.0 - number)
        scene.store.record_survival(scene.lease, {candidate.id: True})
        assert len(standing.front().members) == number + 1
        standing.front()
    assert (reads.rows, reads.members) == (5, 5)


def test_a_mark_of_survival_is_seen_wherever_it_is_shown() -> None:
    """However late it comes, and nothing else is read again."""
    scene = Scene()
    candidate = scene.ask(0, 1, 0)
    scene.tell(candidate, psnr_db=30.0)
    assert scene.standing.front().members[0].survived is None
    before = scene.standing.document("front", lambda: repr(scene.standing.front().members).encode())
    scene.store.record_survival(scene.lease, {candidate.id: True})
    after = scene.standing.document("front", lambda: repr(scene.standing.front().members).encode())
    assert scene.standing.front().members[0].survived is True
    assert scene.standing.statistics(START).operators[0].survived == 1
    assert before.etag != after.etag


# -- documents ---------------------------------------------------------------------------------------------------------


def test_a_document_is_made_once_until_anything_changes() -> None:
    scene, made = Scene(), itertools.count()

    def document(body: bytes = b"same") -> Document:
        return scene.standing.document("name", lambda: (next(made), body)[1])

    first = document()
    assert document() is first
    scene.ask(0, 0, 0)
    assert document() == first  # made again, with the same bytes and so the same tag
    assert next(made) == 2
    scene.ask(1, 0, 0)
    assert document(b"other").etag != first.etag


def test_documents_that_were_made_long_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.standing.KEPT_BYTES", 10)
    scene, made = Scene(), list[str]()

    def document(name: str, size: int) -> None:
        scene.standing.document(name, lambda: (made.append(name), b"." * size)[1])

    for name, size in (("a", 4), ("b", 6), ("a", 4), ("large", 50), ("large", 50), ("a", 4)):
        document(name, size)
    assert made == ["a", "b", "large", "a"]


def test_while_one_looks_others_have_what_was_there_a_moment_ago() -> None:
    """And who has nothing waits."""
    scene, looking, go_on = Scene(), threading.Event(), threading.Event()
    old = scene.standing.document("front", lambda: b"old")
    scene.ask(0, 0, 0)

    def slowly() -> bytes:
        looking.set()
        assert go_on.wait(30)
        return b"new"

    found: dict[str, Document] = {}

    def ask(name: str, body: bytes) -> threading.Thread:
        make = slowly if body == b"new" else lambda: body
        asking = threading.Thread(target=lambda: found.update({name: scene.standing.document(name, make)}))
        asking.start()
        return asking

    first = ask("front", b"new")
    assert looking.wait(30)
    assert scene.standing.document("front", lambda: b"never made") == old
    second = ask("other", b"other")
    go_on.set()
    first.join(30)
    second.join(30)
    assert {name: one.body for name, one in found.items()} == {"front": b"new", "other": b"other"}
    assert scene.standing.document("front", lambda: b"never made").body == b"new"


def test_what_another_thread_made_meanwhile_is_not_made_again() -> None:
    """Of many that ask for one document at once, one makes it."""
    scene, making, go_on, made = Scene(), threading.Event(), threading.Event(), itertools.count()
    found: list[Document] = []

    def slowly() -> bytes:
        next(made)
        making.set()
        assert go_on.wait(30)
        return b"page"

    asking = [threading.Thread(target=lambda: found.append(scene.standing.document("page", slowly))) for _ in range(4)]
    asking[0].start()
    assert making.wait(30)
    for thread in asking[1:]:
        thread.start()
    scene.ask(0, 0, 0)  # those who wait may have looked before it or after it
    go_on.set()
    for thread in asking:
        thread.join(30)
    assert {document.body for document in found} == {b"page"}
    assert next(made) <= 2


def test_many_threads_are_told_the_same() -> None:
    scene = Scene()
    following = Following(scene.store)
    for number in range(50):
        scene.tell(scene.ask(number, 1, 0, params=500 - number), psnr_db=30.0 - number / 10)
    found: list[Any] = []

    def ask() -> None:
        standing = following.of(scene.id)
        found.append((standing, standing.front(), standing.document("d", lambda: repr(standing.front()).encode())))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 8
    assert len({id(standing) for standing, _, _ in found}) == 1
    assert len({document.etag for _, _, document in found}) == 1
    assert all(len(front.members) == 50 for _, front, _ in found)


# -- which searches ----------------------------------------------------------------------------------------------------


def test_searches_that_nobody_asks_for_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """By how many there are, and by how many rows; the latest one stays whatever its size."""
    store = MemoryStore()
    names = [store.add_search(make_search(f"0000000{n}")).id for n in range(3)]
    following = Following(store)
    first, second, _ = kept = [following.of(name) for name in names]
    assert [following.of(name) for name in names] == kept
    monkeypatch.setattr("nas.following.SEARCHES", 2)
    following.of(store.add_search(make_search("00000009")).id)
    assert following.of(names[0]) is not first
    assert following.of(names[1]) is not second


def test_a_search_that_has_grown_makes_others_go_when_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody need ask for another one first."""
    scene = Scene()
    following = Following(scene.store)
    other = scene.store.add_search(make_search("00000009")).id
    forgotten, growing = following.of(other), following.of(scene.id)
    for number in range(3):
        scene.tell(scene.ask(number, 1, 0))
    growing.front()
    monkeypatch.setattr("nas.following.ROWS", 2)
    assert following.of(scene.id) is growing
    assert following.of(other) is not forgotten


def test_a_search_that_is_not_there_is_not_followed() -> None:
    following = Following(MemoryStore())
    with pytest.raises(NotFound):
        following.of(SearchId("00000001"))


def test_a_document_of_outcomes_is_made_anew_for_outcomes_alone() -> None:
    """And for marks of survival."""
    scene, made = Scene(), itertools.count()

    def document() -> Document:
        return scene.standing.document("front", lambda: str(next(made)).encode(), of_outcomes=True)

    first, candidate = document(), scene.ask(0, 1, 0)
    assert document() is first
    scene.tell(candidate)
    assert document().body == b"1"
    scene.store.record_survival(scene.lease, {candidate.id: True})
    assert document().body == b"2"


def test_a_piece_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.standing.MEMBERS", 2)
    standing, made = Scene().standing, itertools.count()
    assert [standing.piece(key, lambda: next(made)) for key in "aabbaca"] == [0, 0, 1, 1, 0, 2, 3]
