"""What every store promises about rungs, replicates, survival and the ledger; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..objectives import Prediction
from ..records import Candidate, CandidateId, CandidateState, LedgerRow, SearchState
from ..store.base import AlreadyStored, Lease, LeaseLost, NotFound, Store
from .builders import make_candidate, make_evaluation, make_genotype, make_progress, make_search, told
from .search_promises import ID, LATER


def tell(store: Store, lease: Lease, candidate: Candidate, told_ordinal: int, **fields: object) -> Candidate:
    """Ask about a candidate and tell its success; what is stored of it."""
    evaluation = make_evaluation(candidate)
    store.record_ask(lease, candidate)
    progress = make_progress(told_ordinal + 1)
    store.record_tell(lease, told(candidate, evaluation, told_ordinal, **fields), evaluation, progress)
    return store.candidate(candidate.id)


def narrow(candidate: Candidate) -> LedgerRow:
    """The ledger's row of a candidate, by its definition."""
    outcome = candidate.evaluation
    spent = make_evaluation(steps=0, train_s=0, validate_s=0) if outcome is None or candidate.cached else outcome
    scores: dict[str, float] = {"params": candidate.params, "mult_adds": candidate.mult_adds}
    if candidate.latency_ms is not None:
        scores["latency_ms"] = candidate.latency_ms
    return LedgerRow(
        ordinal=candidate.ordinal,
        told_ordinal=candidate.told_ordinal,
        asked_at=candidate.asked_at,
        told_at=candidate.told_at,
        genotype_digest=candidate.genotype.digest,
        state=candidate.state,
        operator=candidate.operator,
        arm=candidate.arm,
        rung=candidate.rung,
        replicate=candidate.replicate,
        cached=candidate.cached,
        violation=candidate.violation,
        survived=candidate.survived,
        hypervolume=candidate.hypervolume,
        predicted=candidate.predicted,
        scores=scores | (outcome.scores if outcome else {}),
        steps=spent.steps,
        train_s=spent.train_s,
        validate_s=spent.validate_s,
    )


class LedgerPromises:
    """One genotype trained several times, and what became of each training."""

    # -- rungs and replicates --------------------------------------------------------------------------------------

    def test_a_genotype_has_a_row_for_each_rung_and_replicate(self, store: Store, lease: Lease) -> None:
        """Each with its own steps, outcome and numbers."""
        genotype = make_genotype(7)
        trainings = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]
        stored = [
            tell(
                store,
                lease,
                make_candidate(ordinal=n, genotype=genotype, rung=rung, replicate=replicate, steps=100 * 2**rung),
                n,
            )
            for n, (rung, replicate) in enumerate(trainings)
        ]
        assert store.candidates(ID) == stored
        assert [(candidate.rung, candidate.replicate) for candidate in stored] == trainings
        assert [candidate.steps for candidate in stored] == [100, 200, 400, 400, 400]
        assert len({candidate.evaluation_key for candidate in stored}) == 5
        assert {event.detail["rung"] for event in store.events(ID) if event.kind == "told"} == {0, 1, 2}

    @pytest.mark.parametrize("replicate", [0, 1])
    def test_a_genotype_is_asked_once_at_a_rung_and_replicate(self, store: Store, lease: Lease, replicate: int) -> None:
        """A repeated one is refused and changes nothing."""
        genotype = make_genotype(7)
        store.record_ask(lease, make_candidate(genotype=genotype, rung=1, replicate=replicate))
        before = store.search(ID), store.events(ID), store.candidates(ID)
        with pytest.raises(AlreadyStored):
            store.record_ask(lease, make_candidate(ordinal=1, genotype=genotype, rung=1, replicate=replicate))
        assert (store.search(ID), store.events(ID), store.candidates(ID)) == before

    # -- survival --------------------------------------------------------------------------------------------------

    def test_survival_is_marked_and_may_be_marked_anew(self, store: Store, lease: Lease) -> None:
        """Nothing else of a candidate changes, and no event is appended."""
        first, second, third = (tell(store, lease, make_candidate(ordinal=n), n) for n in range(3))
        before = store.search(ID), store.events(ID)
        assert first.survived is None
        store.record_survival(lease, {first.id: True, second.id: False})
        assert store.candidates(ID) == [replace(first, survived=True), replace(second, survived=False), third]
        store.record_survival(lease, {first.id: False})
        store.record_survival(lease, {})
        assert [candidate.survived for candidate in store.candidates(ID)] == [False, False, None]
        assert (store.search(ID), store.events(ID)) == before

    @pytest.mark.parametrize("wrong", ["00000001-1", "00000001-9", "00000002-0"])
    def test_only_told_candidates_of_the_search_are_marked(self, store: Store, lease: Lease, wrong: str) -> None:
        """One in flight, an unknown one and another search's are not; then none is marked."""
        stored = tell(store, lease, make_candidate(), 0)
        store.record_ask(lease, make_candidate(ordinal=1))
        store.add_search(make_search("00000002"))
        other = store.claim_search("controller-2", at=LATER, lease_s=60.0, only=make_search("00000002").id)
        assert other is not None
        tell(store, other, make_candidate("00000002"), 0)
        with pytest.raises(NotFound):
            store.record_survival(lease, {stored.id: True, CandidateId(wrong): True})
        assert store.candidate(stored.id) == stored

    @pytest.mark.parametrize("state", [SearchState.PAUSED, SearchState.QUEUED])
    def test_survival_is_marked_after_a_pause(self, store: Store, lease: Lease, state: SearchState) -> None:
        """As what was in flight is told."""
        stored = tell(store, lease, make_candidate(), 0)
        store.move_search(ID, state, at=LATER)
        store.record_survival(lease, {stored.id: True})
        assert store.candidate(stored.id).survived is True

    def test_survival_is_not_marked_under_a_lost_lease(self, store: Store, lease: Lease) -> None:
        """Neither once another owner has the search, nor once it has ended."""
        stored = tell(store, lease, make_candidate(), 0)
        taken = store.claim_search("controller-2", at=lease.expires_at, lease_s=60.0)
        assert taken is not None
        with pytest.raises(LeaseLost):
            store.record_survival(lease, {stored.id: True})
        store.move_search(ID, SearchState.CANCELLED, at=LATER)
        with pytest.raises(LeaseLost):
            store.record_survival(taken, {stored.id: True})
        assert store.candidate(stored.id) == stored

    # -- the ledger ------------------------------------------------------------------------------------------------

    def test_the_ledger_says_what_the_candidates_say(self, store: Store, lease: Lease) -> None:
        """By ordinal: scored, failed, cached, in flight, and of one search only."""
        expected = {"psnr": Prediction(mean=30.0, std=0.5), "fsds": Prediction(mean=41.0, std=1.5)}
        promoted = make_candidate(ordinal=3, predicted=expected, operator="promotion", rung=1, latency_ms=0.1 + 0.2)
        tell(store, lease, promoted, 0)
        tell(store, lease, make_candidate(ordinal=1, predicted={}, arm=""), 1, cached=True, violation=float("inf"))
        failing = make_candidate(ordinal=0, replicate=1)
        failure = make_evaluation(failing, failure_kind="diverged", psnr_db=12.0, steps=17)
        store.record_ask(lease, failing)
        store.record_tell(lease, told(failing, failure, 2, hypervolume=None), failure, make_progress(3, failed=1))
        store.record_ask(lease, make_candidate(ordinal=2))
        store.record_survival(lease, {CandidateId("00000001-3"): True, failing.id: False})
        ledger = store.ledger(ID)
        assert ledger == [narrow(candidate) for candidate in store.candidates(ID)]
        assert [row.ordinal for row in ledger] == [0, 1, 2, 3]
        assert [row.steps for row in ledger] == [17, 0, 0, 200]
        assert [row.survived for row in ledger] == [False, None, None, True]
        assert set(ledger[0].scores) == {"params", "mult_adds"}
        assert [row.scores.get("latency_ms") for row in ledger] == [None, None, None, 0.1 + 0.2]
        assert ledger[1].scores["psnr_db"] == make_evaluation(make_candidate(ordinal=1)).psnr_db

    def test_a_row_in_flight_has_no_outcome_even_when_one_is_known(self, store: Store, lease: Lease) -> None:
        """An abandoned one has none either."""
        outcome = make_evaluation(key="shared")
        store.record_ask(lease, make_candidate())
        store.record_tell(lease, told(make_candidate(), outcome), outcome, make_progress())
        store.record_ask(lease, make_candidate(ordinal=1, evaluation_key="shared"))
        for state in (CandidateState.EVALUATING, CandidateState.ABANDONED):
            row = store.ledger(ID)[1]
            assert (row.state, set(row.scores), row.steps) == (state, {"params", "mult_adds"}, 0)
            if state is CandidateState.EVALUATING:
                store.move_search(ID, SearchState.CANCELLED, at=LATER)
