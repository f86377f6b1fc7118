"""What every store promises about tokens and the audit; a part of `StoreContract`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from ..records import Action, Role, SearchState, TokenId
from ..spec import BudgetSpec
from ..store.base import AlreadyStored, Lease, NotFound, Store
from .builders import (
    START,
    make_artifact,
    make_candidate,
    make_dataset,
    make_evaluation,
    make_progress,
    make_search,
    make_token,
    told,
)
from .search_promises import ID, LATER, SOON, bring_to

TOKEN = make_token().id


class Wish(NamedTuple):
    """A verb that a person triggers, and what the audit says of it."""

    verb: Callable[[Store], object]
    action: str
    subject: str
    detail: dict[str, Any]


BUDGET = BudgetSpec.model_validate({"evaluations": 9})

STEERING = [
    Wish(
        lambda store: store.move_search(ID, SearchState.PAUSED, at=LATER, action=Action.PAUSE, by="anna"),
        *("search.pause", ID, {}),
    ),
    Wish(
        lambda store: store.move_search(ID, SearchState.CANCELLED, at=LATER, action=Action.CANCEL, by="anna"),
        *("search.cancel", ID, {}),
    ),
    Wish(
        lambda store: store.set_parallelism(ID, 2, at=LATER, by="anna"),
        *("search.change", ID, {"parallelism": 2}),
    ),
    Wish(
        lambda store: store.set_priority(ID, -3, at=LATER, by="anna"),
        *("search.change", ID, {"priority": -3}),
    ),
    Wish(
        lambda store: store.extend_search(ID, BUDGET, at=LATER, by="anna"),
        *("search.extend", ID, {"budget": BUDGET.model_dump(mode="json")}),
    ),
]
"""What is done with a search that is there; legal while it runs, and refused once it is cancelled."""

ADDING = [
    Wish(
        lambda store: store.add_search(make_search("00000002", owner="anna", created_at=LATER)),
        *("search.submit", "00000002", {"name": "search 00000002", "cloned_from": None}),
    ),
    Wish(
        lambda store: store.add_search(make_search("00000003", owner="anna", created_at=LATER, cloned_from=ID)),
        *("search.clone", "00000003", {"name": "search 00000003", "cloned_from": ID}),
    ),
    Wish(
        lambda store: store.add_dataset(make_dataset(created_at=LATER)),
        *("dataset.add", "photos", {"kind": "folder", "folder": "sets/photos", "images": 200}),
    ),
    Wish(
        lambda store: store.add_token(make_token(created_at=LATER, created_by="anna")),
        *("token.create", TOKEN, {"name": "anna", "role": "submitter"}),
    ),
]
"""What can be done once: the second time it is refused."""

REMOVING = [
    Wish(
        lambda store: store.remove_dataset("photos", at=LATER, by="anna"),
        *("dataset.remove", "photos", {"kind": "folder", "folder": "sets/photos"}),
    ),
    Wish(
        lambda store: store.revoke_token(TOKEN, at=LATER, by="anna"),
        *("token.revoke", TOKEN, {"name": "anna", "role": "submitter"}),
    ),
]
"""What ends something; the second time nothing is done."""


class AccessPromises:
    """Tokens, and who has done what."""

    # -- tokens ------------------------------------------------------------------------------------------------------

    def test_a_token_comes_back_as_it_was_made(self, store: Store) -> None:
        """Every field, whatever its role; the oldest first."""
        tokens = [
            make_token(f"0000000{minute}", role=role, created_at=START - timedelta(minutes=minute), name="“anna”")
            for minute, role in enumerate(Role)
        ]
        tokens.append(make_token("00000009", expires_at=LATER, revoked_at=SOON))
        for token in tokens:
            store.add_token(token)
            assert store.token(token.id) == token
        assert [token.id for token in store.tokens()] == ["00000002", "00000001", "00000000", "00000009"]

    def test_an_id_of_a_token_is_taken_once(self, store: Store) -> None:
        """The first one stays; a name may be taken often."""
        store.add_token(make_token())
        with pytest.raises(AlreadyStored):
            store.add_token(make_token(role=Role.ADMIN))
        store.add_token(make_token("00000002"))
        assert store.token(TOKEN) == make_token()

    def test_a_revoked_token_stays_and_keeps_its_time(self, store: Store) -> None:
        """Whoever revokes it later; an unknown one is not found."""
        store.add_token(make_token())
        revoked = store.revoke_token(TOKEN, at=SOON, by="ben")
        assert revoked == make_token(revoked_at=SOON) == store.token(TOKEN)
        assert store.revoke_token(TOKEN, at=LATER, by="ben") == revoked
        with pytest.raises(NotFound):
            store.token(TokenId("ffffffff"))
        with pytest.raises(NotFound):
            store.revoke_token(TokenId("ffffffff"), at=LATER)

    # -- the audit ---------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("wish", STEERING, ids=lambda wish: wish.action)
    def test_whoever_steers_a_search_is_written_down(self, store: Store, wish: Wish) -> None:
        """In one entry."""
        bring_to(store, SearchState.RUNNING)
        assert self._entries(store, wish.verb) == [(LATER, "anna", wish.action, wish.subject, wish.detail)]

    def test_whoever_resumes_a_search_is_written_down(self, store: Store) -> None:
        """Be it that it failed, and that candidates are revived."""
        _, lease = bring_to(store, SearchState.RUNNING)
        assert lease is not None
        store.record_ask(lease, make_candidate())
        store.end_search(lease, SearchState.FAILED, at=SOON)
        entries = self._entries(
            store, lambda store: store.move_search(ID, SearchState.QUEUED, at=LATER, action=Action.RESUME, by="anna")
        )
        assert entries == [(LATER, "anna", "search.resume", ID, {})]

    @pytest.mark.parametrize("wish", STEERING, ids=lambda wish: wish.action)
    def test_a_refused_wish_leaves_no_trace(self, store: Store, wish: Wish) -> None:
        """Neither where it makes no sense, nor where there is nothing to do it to."""
        assert self._entries(store, wish.verb) == []
        bring_to(store, SearchState.CANCELLED)
        assert self._entries(store, wish.verb) == []

    @pytest.mark.parametrize("wish", ADDING, ids=lambda wish: wish.action)
    def test_whoever_adds_something_is_written_down_once(self, store: Store, wish: Wish) -> None:
        """The second time it is refused."""
        assert self._entries(store, wish.verb) == [(LATER, "anna", wish.action, wish.subject, wish.detail)]
        assert self._entries(store, wish.verb) == []

    @pytest.mark.parametrize("wish", REMOVING, ids=lambda wish: wish.action)
    def test_whoever_ends_something_is_written_down_once(self, store: Store, wish: Wish) -> None:
        """The second time there is nothing to end."""
        assert self._entries(store, wish.verb) == []
        store.add_dataset(make_dataset())
        store.add_token(make_token())
        assert self._entries(store, wish.verb) == [(LATER, "anna", wish.action, wish.subject, wish.detail)]
        assert self._entries(store, wish.verb) == []

    def test_whoever_asks_for_a_file_is_written_down_once(self, store: Store, lease: Lease) -> None:
        """Who gets one that was asked for before has changed nothing; nor has who names no candidate."""
        store.record_ask(lease, make_candidate())
        artifact = make_artifact(created_at=LATER)
        entries = self._entries(store, lambda store: store.add_artifact(artifact, by="anna"))
        assert entries == [(LATER, "anna", "artifact.request", artifact.candidate_id, {"format": "onnx"})]
        assert self._entries(store, lambda store: store.add_artifact(artifact, by="ben")) == []
        assert self._entries(store, lambda store: store.add_artifact(make_artifact("b", "none"), by="ben")) == []

    def test_what_no_person_does_is_not_in_the_audit(self, store: Store, lease: Lease) -> None:
        """A controller's work is in the log of its search."""
        before = store.audit()
        candidate, evaluation = make_candidate(), make_evaluation()
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress())
        store.record_survival(lease, {candidate.id: True})
        store.record_event(lease, "noted", {}, at=LATER)
        store.move_search(ID, SearchState.PAUSED, at=LATER)
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        assert store.audit() == before

    def test_the_audit_is_numbered_without_gaps_and_read_page_by_page(self, store: Store) -> None:
        """In the order of the changes, also when many people make them at once."""

        def add(number: int) -> None:
            store.add_token(make_token(f"{number:08x}"))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(12)))
        entries = store.audit()
        assert [entry.ordinal for entry in entries] == list(range(1, 13))
        assert {entry.subject for entry in entries} == {f"{number:08x}" for number in range(12)}
        assert store.audit(after=3, limit=2) == entries[3:5]
        assert store.audit(after=12) == []

    def test_the_digest_of_a_token_is_in_no_entry(self, store: Store) -> None:
        """An audit is shown to people."""
        store.add_token(make_token())
        store.revoke_token(TOKEN, at=LATER, by="anna")
        assert make_token().digest not in str(store.audit())

    @staticmethod
    def _entries(store: Store, verb: Callable[[Store], object]) -> list[tuple[Any, ...]]:
        """What a verb, refused or not, adds to the audit, without the numbers."""
        before = store.audit()
        with contextlib.suppress(NotFound, AlreadyStored, ValueError):
            verb(store)
        after = store.audit()
        assert after[: len(before)] == before
        return [(e.at, e.who, e.action, e.subject, e.detail) for e in after[len(before) :]]
