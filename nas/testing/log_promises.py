"""What every store promises about candidates and their outcomes; a part of `StoreContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from ..objectives import Prediction
from ..records import Candidate, CandidateId, CandidateState, SearchState
from ..store.base import AlreadyStored, Lease, LeaseLost, NotFound, Store
from .builders import make_candidate, make_evaluation, make_genotype, make_progress, make_search, told
from .search_promises import ID, LATER, SOON, claim


class LogPromises:
    """The log of a search."""

    @pytest.fixture
    def lease(self, store: Store) -> Lease:
        """The lease of a running search."""
        store.add_search(make_search())
        return claim(store)

    # -- asking ----------------------------------------------------------------------------------------------------

    def test_an_asked_candidate_comes_back_and_is_counted(self, store: Store, lease: Lease) -> None:
        """Every field; its event names it."""
        expected = {"psnr": Prediction(mean=30.5, std=0.1 + 0.2), "fsds": Prediction(mean=40.0, std=float("inf"))}
        candidate = make_candidate(
            ordinal=7, tells_before=3, operator="initial", rung=2, replicate=1, arm="control", predicted=expected
        )
        candidate = replace(candidate, latency_ms=12.25)
        store.record_ask(lease, candidate)
        assert store.candidate(candidate.id) == candidate
        assert store.candidates(ID) == [candidate]
        assert store.search(ID).progress.in_flight == 1
        event = store.events(ID)[-1]
        assert (event.kind, event.at) == ("asked", candidate.asked_at)
        assert event.detail == {
            "candidate": candidate.id,
            "ordinal": 7,
            "operator": "initial",
            "arm": "control",
            "rung": 2,
            "replicate": 1,
        }

    @pytest.mark.parametrize(
        "second",
        [
            make_candidate(ordinal=0, genotype=make_genotype(5), id=CandidateId("other")),
            make_candidate(ordinal=5, genotype=make_genotype(0)),
            make_candidate(ordinal=5, id=CandidateId("00000001-0")),
        ],
        ids=["ordinal", "training", "id"],
    )
    def test_an_ordinal_a_training_and_an_id_are_asked_once(
        self, store: Store, lease: Lease, second: Candidate
    ) -> None:
        """A repeated one is refused and changes nothing."""
        store.record_ask(lease, make_candidate())
        before = store.search(ID), store.events(ID), store.candidates(ID)
        with pytest.raises(AlreadyStored):
            store.record_ask(lease, second)
        assert (store.search(ID), store.events(ID), store.candidates(ID)) == before

    def test_two_searches_may_ask_about_one_genotype(self, store: Store, lease: Lease) -> None:
        """Uniqueness holds within a search."""
        store.record_ask(lease, make_candidate())
        store.add_search(make_search("00000002"))
        store.record_ask(claim(store), make_candidate("00000002"))
        assert len(store.candidates(ID)) == 1

    def test_only_a_candidate_in_flight_is_asked(self, store: Store, lease: Lease) -> None:
        """One with an outcome is a mistake of the caller's."""
        candidate = make_candidate()
        with pytest.raises(ValueError, match="not in flight"):
            store.record_ask(lease, told(candidate, make_evaluation(candidate)))

    @pytest.mark.parametrize("state", [SearchState.PAUSED, SearchState.QUEUED, SearchState.CANCELLED])
    def test_nothing_is_asked_unless_the_search_is_running(
        self, store: Store, lease: Lease, state: SearchState
    ) -> None:
        """A pause takes effect at once."""
        store.move_search(ID, state, at=SOON)
        with pytest.raises(LeaseLost):
            store.record_ask(lease, make_candidate())

    # -- telling ---------------------------------------------------------------------------------------------------

    def test_a_told_candidate_comes_back_with_its_outcome(self, store: Store, lease: Lease) -> None:
        """The progress of the search and the event are recorded with it."""
        candidate = make_candidate()
        evaluation = make_evaluation(candidate)
        told_form = told(candidate, evaluation, violation=float("inf"), survived=False, hypervolume=2.5)
        progress = make_progress()
        store.record_ask(lease, candidate)
        store.record_tell(lease, told_form, evaluation, progress)
        assert store.candidate(candidate.id) == told_form
        assert store.evaluation(evaluation.key) == evaluation
        assert store.search(ID).progress == progress
        event = store.events(ID)[-1]
        assert (event.kind, event.at) == ("told", told_form.told_at)
        assert event.detail == {
            "candidate": candidate.id,
            "ordinal": 0,
            "operator": "random",
            "arm": "screened",
            "rung": 0,
            "replicate": 0,
            "told_ordinal": 0,
            "state": "scored",
            "cached": False,
            "violation": None,
            "hypervolume": 2.5,
            **evaluation.scores,
        }

    def test_a_failure_is_an_outcome(self, store: Store, lease: Lease) -> None:
        """With its kind; it has no figures."""
        candidate = make_candidate()
        evaluation = make_evaluation(candidate, failure_kind="diverged", failure_message="loss > 4")
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress(failed=1))
        assert store.candidate(candidate.id) == told(candidate, evaluation)
        assert store.evaluation(evaluation.key) == evaluation
        assert store.events(ID)[-1].detail["failure_kind"] == "diverged"

    def test_an_evaluation_is_written_once(self, store: Store, lease: Lease) -> None:
        """The first outcome of an address is everybody's."""
        first, second = make_candidate(ordinal=0), make_candidate(ordinal=1, evaluation_key="elsewhere")
        outcome = make_evaluation(first, key="shared")
        other = replace(outcome, psnr_db=99.0, device="another")
        for candidate in (first, second):
            store.record_ask(lease, candidate)
        store.record_tell(lease, told(first, outcome, 0), outcome, make_progress())
        store.record_tell(lease, told(second, other, 1, cached=True), other, make_progress(2, cached=1))
        assert store.evaluation("shared") == outcome
        kept = store.candidate(second.id)
        assert (kept.evaluation, kept.evaluation_key, kept.cached) == (outcome, "shared", True)
        assert store.events(ID)[-1].detail["psnr_db"] == outcome.psnr_db

    def test_a_candidate_in_flight_has_no_outcome(self, store: Store, lease: Lease) -> None:
        """Even when one is known under its address."""
        first, second = make_candidate(ordinal=0), make_candidate(ordinal=1, evaluation_key="shared")
        outcome = make_evaluation(first, key="shared")
        for candidate in (first, second):
            store.record_ask(lease, candidate)
        store.record_tell(lease, told(first, outcome), outcome, make_progress())
        assert store.candidate(second.id).evaluation is None
        assert store.candidates(ID)[1].evaluation is None

    def test_a_figure_that_is_not_a_number_is_unknown(self, store: Store, lease: Lease) -> None:
        """Infinity is a number, for this purpose, and a loss may be anything."""
        candidate = make_candidate()
        curve = ((1, float("inf")), (2, 0.5))
        nan = float("nan")
        evaluation = make_evaluation(candidate, psnr_db=float("inf"), fsds_db=nan, loss_curve=curve)
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation, hypervolume=nan), evaluation, make_progress())
        assert store.evaluation(evaluation.key) == replace(evaluation, fsds_db=None)
        assert store.candidate(candidate.id).hypervolume is None

    def test_telling_changes_only_what_an_outcome_changes(self, store: Store, lease: Lease) -> None:
        """What was asked stays, and the event says so."""
        candidate = make_candidate(ordinal=2)
        evaluation = make_evaluation(candidate)
        store.record_ask(lease, candidate)
        forged = told(replace(candidate, genotype=make_genotype(9), tells_before=4, rung=3, arm="control"), evaluation)
        store.record_tell(lease, forged, evaluation, make_progress())
        assert store.candidate(candidate.id) == told(candidate, evaluation)
        assert (store.events(ID)[-1].detail["rung"], store.events(ID)[-1].detail["arm"]) == (0, "screened")

    def test_a_candidate_is_told_once(self, store: Store, lease: Lease) -> None:
        """The second time it is not in flight; nor was one that nobody asked for."""
        candidate = make_candidate()
        evaluation = make_evaluation(candidate)
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress())
        before = store.search(ID), store.events(ID), store.candidates(ID)
        for wrong in (candidate, make_candidate(ordinal=1), make_candidate("00000002")):
            other = make_evaluation(wrong, key="other")
            with pytest.raises(NotFound):
                store.record_tell(lease, told(wrong, other, 1), other, make_progress(2))
        assert (store.search(ID), store.events(ID), store.candidates(ID)) == before
        assert store.evaluation("other") is None

    def test_a_told_ordinal_is_taken_once(self, store: Store, lease: Lease) -> None:
        """All or nothing: the outcome of the second is not stored either."""
        first, second = make_candidate(ordinal=0), make_candidate(ordinal=1)
        for candidate in (first, second):
            store.record_ask(lease, candidate)
        store.record_tell(lease, told(first, make_evaluation(first)), make_evaluation(first), make_progress())
        before = store.search(ID), store.events(ID), store.candidates(ID)
        with pytest.raises(AlreadyStored):
            store.record_tell(lease, told(second, make_evaluation(second)), make_evaluation(second), make_progress(2))
        assert (store.search(ID), store.events(ID), store.candidates(ID)) == before
        assert store.evaluation(second.evaluation_key) is None

    def test_only_an_outcome_is_told(self, store: Store, lease: Lease) -> None:
        """One still in flight is a mistake of the caller's."""
        candidate = make_candidate()
        store.record_ask(lease, candidate)
        with pytest.raises(ValueError, match="without an outcome"):
            store.record_tell(lease, candidate, make_evaluation(candidate), make_progress())

    @pytest.mark.parametrize("state", [SearchState.PAUSED, SearchState.QUEUED])
    def test_what_was_in_flight_may_be_told_after_a_pause(self, store: Store, lease: Lease, state: SearchState) -> None:
        """Its training is not thrown away."""
        candidate = make_candidate()
        store.record_ask(lease, candidate)
        store.move_search(ID, state, at=SOON)
        store.record_tell(
            lease, told(candidate, make_evaluation(candidate)), make_evaluation(candidate), make_progress()
        )
        assert store.candidate(candidate.id).feasible

    def test_nothing_is_told_to_a_search_that_has_ended(self, store: Store, lease: Lease) -> None:
        """A cancelled search stays as it was."""
        candidate = make_candidate()
        store.record_ask(lease, candidate)
        store.move_search(ID, SearchState.CANCELLED, at=SOON)
        with pytest.raises(LeaseLost):
            store.record_tell(
                lease, told(candidate, make_evaluation(candidate)), make_evaluation(candidate), make_progress()
            )

    # -- the rest of the log ---------------------------------------------------------------------------------------

    def test_candidates_in_flight_are_abandoned_with_their_search(self, store: Store, lease: Lease) -> None:
        """When it ends and not before; those that were told stay."""
        told_one, *flying = (make_candidate(ordinal=ordinal) for ordinal in range(3))
        for candidate in (told_one, *flying):
            store.record_ask(lease, candidate)
        evaluation = make_evaluation(told_one)
        store.record_tell(lease, told(told_one, evaluation), evaluation, make_progress(in_flight=2))
        store.move_search(ID, SearchState.PAUSED, at=LATER)
        assert store.search(ID).progress.in_flight == 2
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        states = [candidate.state for candidate in store.candidates(ID)]
        assert states == [CandidateState.SCORED, CandidateState.ABANDONED, CandidateState.ABANDONED]
        assert store.search(ID).progress == make_progress(in_flight=0)
        abandoned, cancelled = store.events(ID)[-2:]
        assert (abandoned.kind, abandoned.detail) == ("abandoned", {"candidates": ["00000001-1", "00000001-2"]})
        assert cancelled.kind == "cancelled"

    def test_a_failed_search_abandons_too(self, store: Store, lease: Lease) -> None:
        """In the same transaction, so that nothing is in flight for ever."""
        store.record_ask(lease, make_candidate())
        assert store.end_search(lease, SearchState.FAILED, at=LATER).progress.in_flight == 0
        assert [candidate.state for candidate in store.candidates(ID)] == [CandidateState.ABANDONED]

    def test_candidates_are_read_page_by_page(self, store: Store, lease: Lease) -> None:
        """By ordinal, whatever the order of the asks."""
        for ordinal in (3, 0, 2, 1, 4):
            store.record_ask(lease, make_candidate(ordinal=ordinal))

        def ordinals(*, after: int = -1, limit: int | None = None) -> list[int]:
            return [candidate.ordinal for candidate in store.candidates(ID, after=after, limit=limit)]

        assert ordinals() == [0, 1, 2, 3, 4]
        assert ordinals(limit=2) == [0, 1]
        assert ordinals(after=1, limit=2) == [2, 3]
        assert ordinals(after=4) == []

    def test_an_unknown_candidate_is_not_found(self, store: Store) -> None:
        """An unknown address holds nothing."""
        with pytest.raises(NotFound):
            store.candidate(CandidateId("00000001-0"))
        assert store.evaluation("nowhere") is None

    def test_threads_write_one_log_without_gaps(self, store: Store, lease: Lease) -> None:
        """While others read it."""

        def write(first: int) -> None:
            for ordinal in range(first, first + 6):
                store.record_ask(lease, make_candidate(ordinal=ordinal))
                assert store.candidate(CandidateId(f"{ID}-{ordinal}")).ordinal == ordinal
                store.renew_lease(lease, at=SOON + timedelta(seconds=ordinal), lease_s=60.0)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, (0, 10, 20, 30)))
        assert [event.ordinal for event in store.events(ID)] == list(range(1, 27))
        assert store.search(ID).progress.in_flight == 24
