"""What every store promises about what people do with a search; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..records import ACTIONS, TRANSITIONS, Action, CandidateState, IllegalAction, IllegalTransition, SearchState
from ..spec import BudgetSpec
from ..store.base import Lease, LeaseLost, NotFound, Store
from .builders import make_candidate, make_evaluation, make_progress, make_report, make_search, told
from .ledger_promises import tell
from .search_promises import ID, LATER, SOON, bring_to, claim

LEADS_TO = {
    Action.PAUSE: SearchState.PAUSED,
    Action.RESUME: SearchState.QUEUED,
    Action.CANCEL: SearchState.CANCELLED,
}
"""The actions that are moves, and where they lead."""

SMALLER = BudgetSpec.model_validate({})
LARGER = BudgetSpec.model_validate({"evaluations": 250, "wall_time_s": 60.5})


class ActionPromises:
    """Pausing, resuming, cancelling, extending and ranking."""

    @pytest.mark.parametrize("state", SearchState)
    @pytest.mark.parametrize("action", LEADS_TO)
    def test_an_action_is_made_where_it_makes_sense(self, store: Store, state: SearchState, action: Action) -> None:
        """As the table says; a refused one changes nothing, and says what can be done."""
        before, _ = bring_to(store, state)
        events = store.events(ID)
        if state in ACTIONS[action]:
            moved = store.move_search(ID, LEADS_TO[action], at=LATER, reason="asked", action=action, by="anna")
            assert moved == store.search(ID)
            assert moved.state is LEADS_TO[action]
            assert store.events(ID)[-1].kind == LEADS_TO[action]
            return
        with pytest.raises(IllegalAction, match=f"is {state}: to {action}") as caught:
            store.move_search(ID, LEADS_TO[action], at=LATER, action=action, by="anna")
        assert (caught.value.action, caught.value.state) == (action, state)
        assert (store.search(ID), store.events(ID)) == (before, events)

    def test_an_action_does_not_widen_what_is_legal(self, store: Store) -> None:
        """The move itself must be in the table of transitions."""
        before, _ = bring_to(store, SearchState.QUEUED)
        assert SearchState.FAILED not in TRANSITIONS[SearchState.QUEUED]
        with pytest.raises(IllegalTransition):
            store.move_search(ID, SearchState.FAILED, at=LATER, action=Action.CANCEL, by="anna")
        assert store.search(ID) == before

    # -- taking up what had ended ------------------------------------------------------------------------------------

    @pytest.mark.parametrize("way", ["resumed", "extended"])
    def test_what_was_given_up_is_in_flight_again(self, store: Store, lease: Lease, way: str) -> None:
        """In the order of the asks, each as it was asked; what has an outcome keeps it."""
        done = tell(store, lease, make_candidate(ordinal=2), 0)
        flying = [make_candidate(ordinal=ordinal) for ordinal in (3, 0, 1)]
        for candidate in flying:
            store.record_ask(lease, candidate)
        store.end_search(lease, SearchState.FAILED if way == "resumed" else SearchState.COMPLETED, at=SOON)
        assert store.search(ID).progress.in_flight == 0
        if way == "resumed":
            again = store.move_search(ID, SearchState.QUEUED, at=LATER, action=Action.RESUME, by="anna")
        else:
            again = store.extend_search(ID, LARGER, at=LATER, by="anna")
        assert (again.state, again.progress.in_flight, again.finished_at) == (SearchState.QUEUED, 3, None)
        by_ordinal = sorted([*flying, done], key=lambda candidate: candidate.ordinal)
        assert store.candidates(ID) == by_ordinal
        revived = next(event for event in store.events(ID) if event.kind == "revived")
        assert (revived.at, revived.detail) == (LATER, {"candidates": [f"{ID}-{ordinal}" for ordinal in (0, 1, 3)]})

    def test_who_takes_a_revived_search_up_tells_what_is_in_flight(self, store: Store, lease: Lease) -> None:
        """And nobody under the lease of before."""
        candidate, evaluation = make_candidate(), make_evaluation()
        store.record_ask(lease, candidate)
        store.end_search(lease, SearchState.FAILED, at=SOON)
        outcome = told(candidate, evaluation)
        with pytest.raises(LeaseLost):
            store.record_tell(lease, outcome, evaluation, make_progress())
        store.move_search(ID, SearchState.QUEUED, at=SOON)
        with pytest.raises(LeaseLost):
            store.record_tell(lease, outcome, evaluation, make_progress())
        second = claim(store, "controller-2")
        store.record_workers("controller-2", [], [make_report(second, candidate)], at=LATER, lease_s=60.0)
        assert store.events(ID)[-1].kind == "training_progress"
        store.record_tell(second, outcome, evaluation, make_progress())
        assert store.candidate(candidate.id) == outcome

    def test_a_search_that_gave_nothing_up_revives_nothing(self, store: Store, lease: Lease) -> None:
        """Nor says so."""
        tell(store, lease, make_candidate(), 0)
        store.end_search(lease, SearchState.FAILED, at=SOON)
        store.move_search(ID, SearchState.QUEUED, at=LATER)
        assert "revived" not in {event.kind for event in store.events(ID)}

    def test_a_search_fails_and_is_taken_up_again_and_again(self, store: Store, lease: Lease) -> None:
        """What is in flight is given up and revived each time."""
        store.record_ask(lease, make_candidate(ordinal=0))
        for ordinal in (1, 2):
            store.end_search(lease, SearchState.FAILED, at=LATER)
            states = {candidate.state for candidate in store.candidates(ID)}
            assert states == {CandidateState.ABANDONED}
            store.move_search(ID, SearchState.QUEUED, at=LATER)
            lease = claim(store)
            store.record_ask(lease, make_candidate(ordinal=ordinal))
            assert store.search(ID).progress.in_flight == ordinal + 1

    # -- more budget -------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", SearchState)
    def test_a_search_is_given_more_budget_where_that_makes_sense(self, store: Store, state: SearchState) -> None:
        """A completed one is queued again, any other stays what it is; nothing else of its spec changes."""
        before, _ = bring_to(store, state)
        events = store.events(ID)
        if state not in ACTIONS[Action.EXTEND]:
            with pytest.raises(IllegalAction, match="to extend it takes one that is"):
                store.extend_search(ID, LARGER, at=LATER, by="anna")
            assert (store.search(ID), store.events(ID)) == (before, events)
            return
        extended = store.extend_search(ID, LARGER, at=LATER, by="anna")
        assert extended == store.search(ID)
        spec = before.spec.model_copy(update={"budget": LARGER})
        if state is SearchState.COMPLETED:
            before = replace(before, state=SearchState.QUEUED, finished_at=None, reason="")
        assert extended == replace(before, spec=spec)
        event = store.events(ID)[-1]
        assert (event.kind, event.at, event.detail["was"]) == ("extended", LATER, state)
        assert event.detail["before"] == SMALLER.model_dump(mode="json")
        assert event.detail["budget"] == LARGER.model_dump(mode="json")

    def test_an_extended_search_is_claimed_again(self, store: Store) -> None:
        """Its reason is gone, its start stays."""
        _, lease = bring_to(store, SearchState.RUNNING)
        assert lease is not None
        store.end_search(lease, SearchState.COMPLETED, at=LATER, reason="the budget is spent")
        extended = store.extend_search(ID, LARGER, at=LATER)
        assert (extended.state, extended.reason, extended.finished_at) == (SearchState.QUEUED, "", None)
        assert claim(store, "controller-2").token == 2
        assert store.search(ID).started_at == SOON

    def test_a_search_ends_for_the_budget_that_was_spent_and_no_other(self, store: Store, lease: Lease) -> None:
        """One that was given another meanwhile goes back into the queue, what is in flight with it, in one step."""
        store.record_ask(lease, make_candidate())
        store.extend_search(ID, LARGER, at=SOON)
        queued = store.end_search(lease, SearchState.COMPLETED, at=LATER, reason="it is spent", present=SMALLER)
        assert queued == store.search(ID)
        assert (queued.state, queued.finished_at, queued.progress.in_flight) == (SearchState.QUEUED, None, 1)
        event = store.events(ID)[-1]
        assert (event.kind, event.detail) == ("queued", {"was": "running", "reason": "it was given more budget"})
        with pytest.raises(LeaseLost):
            store.end_search(lease, SearchState.COMPLETED, at=LATER, present=LARGER)
        ended = store.end_search(claim(store), SearchState.COMPLETED, at=LATER, reason="it is spent", present=LARGER)
        assert (ended.state, ended.reason) == (SearchState.COMPLETED, "it is spent")

    def test_a_paused_search_with_another_budget_stays_paused(self, store: Store, lease: Lease) -> None:
        """Who paused it was quicker than who would end it."""
        store.move_search(ID, SearchState.PAUSED, at=SOON)
        extended = store.extend_search(ID, LARGER, at=SOON)
        with pytest.raises(IllegalTransition):
            store.end_search(lease, SearchState.COMPLETED, at=LATER, present=SMALLER)
        assert store.search(ID) == extended

    # -- priority ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", SearchState)
    def test_a_search_that_has_not_ended_takes_another_priority(self, store: Store, state: SearchState) -> None:
        """Nothing else changes, and each change bears its event."""
        before, _ = bring_to(store, state)
        events = store.events(ID)
        if state not in ACTIONS[Action.CHANGE]:
            with pytest.raises(IllegalAction, match="to change it takes one that is"):
                store.set_priority(ID, 5, at=LATER, by="anna")
            assert (store.search(ID), store.events(ID)) == (before, events)
            return
        for was, priority in ((0, 5), (5, -100)):
            changed = store.set_priority(ID, priority, at=LATER, by="anna")
            assert changed == store.search(ID) == replace(before, priority=priority)
            event = store.events(ID)[-1]
            assert (event.kind, event.at) == ("priority", LATER)
            assert event.detail == {"was": was, "priority": priority}

    def test_an_unknown_search_is_steered_by_nobody(self, store: Store) -> None:
        """Refused by each verb."""
        store.add_search(make_search("00000002"))
        with pytest.raises(NotFound):
            store.move_search(ID, SearchState.PAUSED, at=LATER, action=Action.PAUSE)
        with pytest.raises(NotFound):
            store.set_priority(ID, 1, at=LATER)
        with pytest.raises(NotFound):
            store.extend_search(ID, LARGER, at=LATER)
