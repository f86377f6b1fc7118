"""A machine that asks two stores the same, whatever in whatever order, and wants the same answers. Needs Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from ..records import (
    Action,
    ArtifactId,
    ArtifactState,
    CandidateId,
    CandidateState,
    Request,
    SearchId,
    SearchState,
    TokenId,
)
from ..spec import BudgetSpec
from ..store.base import REMEMBERED, Lease, Store
from ..store.memory import MemoryStore
from .builders import (
    START,
    make_artifact,
    make_candidate,
    make_dataset,
    make_evaluation,
    make_genotype,
    make_progress,
    make_report,
    make_request,
    make_search,
    make_token,
    make_training,
    make_worker,
    told,
)

search_ids = st.sampled_from(["00000001", "00000002", "00000003"]).map(SearchId)
artifact_ids = st.sampled_from(["a", "b", "c"]).map(ArtifactId)
ordinals = st.integers(0, 4)
states = st.sampled_from(SearchState)
owners = st.sampled_from(["controller-1", "controller-2"])
lease_lengths = st.sampled_from([0.0, 2.0, 60.0])
limits = st.sampled_from([0, 1, 3, 100])
priorities = st.sampled_from([-1, 0, 1])
dataset_names = st.sampled_from(["a", "b"])
token_ids = st.sampled_from(["0000000a", "0000000b"]).map(TokenId)
requests = st.builds(
    make_request, st.sampled_from(["k1", "k2"]), who=st.just("anna"), digest=st.sampled_from(["d", "e"])
)


class StoreAgreement(RuleBasedStateMachine):
    """A store in memory and another one get every call; results and exceptions must be equal.

    Args:
        other: The other store, empty.

    Example:
        run_state_machine_as_test(lambda: StoreAgreement(open_empty_store()), settings=settings(max_examples=20))
    """

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self, other: Store) -> None:
        super().__init__()
        self.memory: Store = MemoryStore()
        self.other = other
        self.seconds = 0

    def teardown(self) -> None:
        """Everything must be equal in the end; the other store is closed."""
        try:
            self.compare_everything()
        finally:
            self.other.close()

    def now(self) -> datetime:
        """The next moment."""
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)

    def both(self, call: Callable[[Store], Any]) -> Any:
        """Make one call of both stores; its result, or None where both refused it alike."""
        expected, found = _outcome(call, self.memory), _outcome(call, self.other)
        assert found == expected
        return None if isinstance(expected[0], type) else expected[1]

    # -- searches --------------------------------------------------------------------------------------------------

    @rule(
        search_id=search_ids,
        minute=st.integers(0, 1),
        priority=priorities,
        request=st.none() | requests,
        late=st.booleans(),
        cloned_from=st.none() | search_ids,
    )
    def add_search(
        self,
        search_id: SearchId,
        minute: int,
        priority: int,
        request: Request | None,
        late: bool,
        cloned_from: SearchId | None,
    ) -> None:
        """With or without a key; late is when keys are forgotten."""
        search = make_search(search_id, minute=minute, priority=priority, cloned_from=cloned_from, owner="anna")
        if late:
            search = replace(search, created_at=search.created_at + REMEMBERED)
        self.both(lambda store: store.add_search(search, request=request))

    @rule(search_id=search_ids, state=states, action=st.none() | st.sampled_from(Action))
    def move_search(self, search_id: SearchId, state: SearchState, action: Action | None) -> None:
        """Legal or not."""
        at = self.now()
        self.both(lambda store: store.move_search(search_id, state, at=at, reason="moved", action=action, by="anna"))

    @rule(lease=leases)
    def fail_and_resume(self, lease: Lease) -> None:
        """What a machine that draws single verbs would seldom do."""
        at = self.now()
        self.both(lambda store: store.end_search(lease, SearchState.FAILED, at=at, reason="it failed"))
        self.both(lambda store: store.move_search(lease.search_id, SearchState.QUEUED, at=at, action=Action.RESUME))

    @rule(search_id=search_ids, priority=priorities)
    def set_priority(self, search_id: SearchId, priority: int) -> None:
        """Of any search, or none."""
        at = self.now()
        self.both(lambda store: store.set_priority(search_id, priority, at=at, by="ben"))

    @rule(search_id=search_ids, evaluations=st.integers(1, 9))
    def extend_search(self, search_id: SearchId, evaluations: int) -> None:
        """In any state."""
        at, budget = self.now(), BudgetSpec.model_validate({"evaluations": evaluations})
        self.both(lambda store: store.extend_search(search_id, budget, at=at, by="ben"))

    @rule(search_id=search_ids, parallelism=st.sampled_from([None, 0, 1, 7]))
    def set_parallelism(self, search_id: SearchId, parallelism: int | None) -> None:
        """Zero is refused."""
        at = self.now()
        self.both(lambda store: store.set_parallelism(search_id, parallelism, at=at))

    @rule(chosen=st.sets(states), before=st.none() | search_ids, limit=limits)
    def searches(self, chosen: set[SearchState], before: SearchId | None, limit: int) -> None:
        """Pages of any states."""
        self.both(lambda store: store.searches(states=sorted(chosen), before=before, limit=limit))

    @rule(
        target=leases,
        owner=owners,
        lease_s=lease_lengths,
        only=st.none() | search_ids,
        above=st.none() | priorities,
    )
    def claim_search(self, owner: str, lease_s: float, only: SearchId | None, above: int | None) -> Any:
        """Whatever there is."""
        at = self.now()
        lease = self.both(lambda store: store.claim_search(owner, at=at, lease_s=lease_s, only=only, above=above))
        return multiple() if lease is None else lease

    @rule(target=leases, lease=leases, lease_s=lease_lengths)
    def renew_lease(self, lease: Lease, lease_s: float) -> Any:
        """Held or lost."""
        at = self.now()
        renewed = self.both(lambda store: store.renew_lease(lease, at=at, lease_s=lease_s))
        return multiple() if renewed is None else renewed[0]

    @rule(lease=leases)
    def release_lease(self, lease: Lease) -> None:
        """Held or lost."""
        self.both(lambda store: store.release_lease(lease))

    @rule(lease=leases, figure=st.floats(allow_nan=False))
    def begin_search(self, lease: Lease, figure: float) -> None:
        """With an infinite figure, too."""
        at = self.now()
        self.both(
            lambda store: store.begin_search(
                lease,
                at=at,
                data_digest="data",
                data_notes=("a note",),
                baseline={"psnr_db": figure},
                reference_point={"psnr": 20.0},
                environment={"torch": "2.13.0"},
            )
        )

    @rule(lease=leases, state=states)
    def end_search(self, lease: Lease, state: SearchState) -> None:
        """Legal or not."""
        at = self.now()
        self.both(lambda store: store.end_search(lease, state, at=at, reason="ended"))

    # -- the log ---------------------------------------------------------------------------------------------------

    @rule(lease=leases, ordinal=ordinals, number=ordinals, rung=st.integers(0, 1), replicate=st.integers(0, 1))
    def record_ask(self, lease: Lease, ordinal: int, number: int, rung: int, replicate: int) -> None:
        """New, or asked before."""
        training = {"genotype": make_genotype(number), "rung": rung, "replicate": replicate}
        candidate = make_candidate(lease.search_id, ordinal, asked_at=self.now(), **training)
        self.both(lambda store: store.record_ask(lease, candidate))

    @rule(
        lease=leases,
        search_id=st.none() | search_ids,
        ordinal=ordinals,
        told_ordinal=ordinals,
        failure=st.sampled_from([None, "diverged"]),
        figure=st.floats(),
        cached=st.booleans(),
    )
    def record_tell(
        self,
        lease: Lease,
        search_id: SearchId | None,
        ordinal: int,
        told_ordinal: int,
        failure: str | None,
        figure: float,
        cached: bool,
    ) -> None:
        """In flight or not, here or elsewhere, with any figure."""
        candidate = make_candidate(search_id or lease.search_id, ordinal)
        evaluation = make_evaluation(candidate, failure_kind=failure, fsds_db=figure)
        fields = {"told_at": self.now(), "cached": cached, "hypervolume": figure}
        outcome = told(candidate, evaluation, told_ordinal, **fields)
        progress = make_progress(told_ordinal)
        self.both(lambda store: store.record_tell(lease, outcome, evaluation, progress))

    @rule(lease=leases, marks=st.dictionaries(ordinals, st.booleans(), max_size=2))
    def record_survival(self, lease: Lease, marks: dict[int, bool]) -> None:
        """Told or not."""
        survived = {CandidateId(f"{lease.search_id}-{ordinal}"): mark for ordinal, mark in marks.items()}
        self.both(lambda store: store.record_survival(lease, survived))

    @rule(lease=leases)
    def record_event(self, lease: Lease) -> None:
        """With JSON."""
        at = self.now()
        self.both(lambda store: store.record_event(lease, "noted", {"list": [1, None]}, at=at))

    @rule(search_id=search_ids, after=st.integers(-1, 5), limit=st.none() | limits)
    def pages(self, search_id: SearchId, after: int, limit: int | None) -> None:
        """From anywhere, of any length."""
        self.both(lambda store: store.candidates(search_id, after=after, limit=limit))
        self.both(lambda store: store.told_rows(search_id, after=after, limit=limit))
        self.both(lambda store: store.events(search_id, after=after, limit=limit or 1000, progress=limit is None))

    # -- workers ---------------------------------------------------------------------------------------------------

    @rule(
        owner=owners,
        names=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3),
        reported=st.lists(st.tuples(leases, search_ids, ordinals), max_size=3),
        figure=st.floats(),
        lease_s=lease_lengths,
    )
    def record_workers(
        self,
        owner: str,
        names: list[str],
        reported: list[tuple[Lease, SearchId, int]],
        figure: float,
        lease_s: float,
    ) -> None:
        """Idle and busy ones, and reports that somebody waits for or nobody."""
        at = self.now()
        told_so_far = make_training(loss=figure)
        idle = [make_worker(name, owner=owner, seen_at=at) for name in names[1:]]
        busy = [
            make_worker(name, make_candidate(ordinal=2), owner=owner, seen_at=at, progress=told_so_far)
            for name in names[:1]
        ]
        reports = [
            make_report(lease, make_candidate(search_id, ordinal), progress=told_so_far)
            for lease, search_id, ordinal in reported
        ]
        self.both(lambda store: store.record_workers(owner, busy + idle, reports, at=at, lease_s=lease_s))

    @rule(lease_s=lease_lengths)
    def workers(self, lease_s: float) -> None:
        """Those that are believed in."""
        at = self.now()
        self.both(lambda store: store.workers(at=at, lease_s=lease_s))

    # -- artifacts -------------------------------------------------------------------------------------------------

    @rule(artifact_id=artifact_ids, search_id=search_ids, ordinal=ordinals)
    def add_artifact(self, artifact_id: ArtifactId, search_id: SearchId, ordinal: int) -> None:
        """Of a candidate that is there or not."""
        artifact = make_artifact(artifact_id, f"{search_id}-{ordinal}", created_at=self.now())
        self.both(lambda store: store.add_artifact(artifact))

    @rule(stale_after_s=st.sampled_from([0.0, 3.0]))
    def claim_artifact(self, stale_after_s: float) -> None:
        """Fresh or stale."""
        at = self.now()
        self.both(lambda store: store.claim_artifact(at=at, stale_after_s=stale_after_s))

    @rule(artifact_id=artifact_ids, state=st.sampled_from([ArtifactState.READY, ArtifactState.FAILED]))
    def finish_artifact(self, artifact_id: ArtifactId, state: ArtifactState) -> None:
        """Well or badly."""
        artifact = replace(make_artifact(artifact_id), state=state, finished_at=self.now(), detail={"n": [1]})
        self.both(lambda store: store.finish_artifact(artifact))

    # -- datasets, tokens and the audit ------------------------------------------------------------------------------

    @rule(name=dataset_names, images=st.integers(0, 3))
    def add_dataset(self, name: str, images: int) -> None:
        """Under a free name or a taken one."""
        self.both(lambda store: store.add_dataset(make_dataset(name, images=images)))

    @rule(name=dataset_names)
    def remove_dataset(self, name: str) -> None:
        """There or not."""
        at = self.now()
        self.both(lambda store: store.remove_dataset(name, at=at, by="anna"))
        self.both(lambda store: store.dataset(name))

    @rule(token_id=token_ids, minute=st.integers(0, 1))
    def add_token(self, token_id: TokenId, minute: int) -> None:
        """Under a free id or a taken one."""
        token = make_token(token_id, created_at=START + timedelta(minutes=minute))
        self.both(lambda store: store.add_token(token))

    @rule(token_id=token_ids)
    def revoke_token(self, token_id: TokenId) -> None:
        """There or not, live or not."""
        at = self.now()
        self.both(lambda store: store.revoke_token(token_id, at=at, by="anna"))

    @rule(after=st.integers(0, 9), limit=limits)
    def audit(self, after: int, limit: int) -> None:
        """From anywhere, of any length."""
        self.both(lambda store: store.audit(after=after, limit=limit))

    # -- what must hold after every step -----------------------------------------------------------------------------

    @invariant()
    def both_have_come_as_far(self) -> None:
        """The cheap part of the comparison, after every step: a pulse shows every change of a search."""
        self.read("totals")
        for search in self.read("searches", limit=100):
            self.read("pulse", search.id)

    def compare_everything(self) -> None:
        """Read all that both hold."""
        for listing in ("datasets", "tokens", "audit"):
            self.read(listing)
        for search in self.read("searches", limit=100):
            events = self.read("events", search.id)
            numbers = [event.ordinal for event in events]
            assert numbers == sorted(set(numbers))
            kept = [event.detail["candidate"] for event in events if event.kind == "training_progress"]
            assert {self.other.candidate(name).state for name in kept} <= {CandidateState.EVALUATING}
            for listing in ("ledger", "told_rows", "untold_rows"):
                self.read(listing, search.id)
            for candidate in self.read("candidates", search.id, limit=None):
                self.read("candidate", candidate.id)
                self.read("artifacts", candidate.id)
                self.read("evaluation", candidate.evaluation_key)

    def read(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """What a verb gives, equal from both."""
        return self.both(lambda store: getattr(store, verb)(*args, **kwargs))


def _outcome(call: Callable[[Store], Any], store: Store) -> tuple[Any, ...]:
    """What a call returned, or the type and the words of what it raised."""
    try:
        return "returned", call(store)
    except Exception as error:
        return type(error), str(error)
