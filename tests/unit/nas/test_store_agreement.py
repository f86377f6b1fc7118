"""The store in memory and the store in SQL answer alike, whatever is asked of them in whatever order."""

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from nas.records import ArtifactId, ArtifactState, CandidateId, CandidateState, SearchId, SearchState
from nas.store.base import Lease, Store
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing import (
    START,
    make_artifact,
    make_candidate,
    make_evaluation,
    make_genotype,
    make_progress,
    make_report,
    make_search,
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


class Stores(RuleBasedStateMachine):
    """Both stores get every call; results and exceptions must be equal."""

    leases: Bundle[Lease] = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "srnas.db"
        path.write_bytes(_empty_database())
        self.memory: Store = MemoryStore()
        self.sql: Store = open_store(f"sqlite:///{path}", migrate=False)
        self.seconds = 0

    def teardown(self) -> None:
        self.sql.close()
        self.folder.cleanup()

    def now(self) -> datetime:
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)

    def both(self, call: Callable[[Store], Any]) -> Any:
        """Make one call of both stores; its result, or None where both refused it alike."""
        expected, found = _outcome(call, self.memory), _outcome(call, self.sql)
        assert found == expected
        return None if isinstance(expected[0], type) else expected[1]

    # -- searches --------------------------------------------------------------------------------------------------

    @rule(search_id=search_ids, minute=st.integers(0, 1))
    def add_search(self, search_id: SearchId, minute: int) -> None:
        self.both(lambda store: store.add_search(make_search(search_id, minute=minute)))

    @rule(search_id=search_ids, state=states)
    def move_search(self, search_id: SearchId, state: SearchState) -> None:
        at = self.now()
        self.both(lambda store: store.move_search(search_id, state, at=at, reason="moved"))

    @rule(search_id=search_ids, parallelism=st.sampled_from([None, 0, 1, 7]))
    def set_parallelism(self, search_id: SearchId, parallelism: int | None) -> None:
        at = self.now()
        self.both(lambda store: store.set_parallelism(search_id, parallelism, at=at))

    @rule(chosen=st.sets(states), before=st.none() | search_ids, limit=limits)
    def searches(self, chosen: set[SearchState], before: SearchId | None, limit: int) -> None:
        self.both(lambda store: store.searches(states=sorted(chosen), before=before, limit=limit))

    @rule(target=leases, owner=owners, lease_s=lease_lengths)
    def claim_search(self, owner: str, lease_s: float) -> Any:
        at = self.now()
        lease = self.both(lambda store: store.claim_search(owner, at=at, lease_s=lease_s))
        return multiple() if lease is None else lease

    @rule(target=leases, lease=leases, lease_s=lease_lengths)
    def renew_lease(self, lease: Lease, lease_s: float) -> Any:
        at = self.now()
        renewed = self.both(lambda store: store.renew_lease(lease, at=at, lease_s=lease_s))
        return multiple() if renewed is None else renewed[0]

    @rule(lease=leases)
    def release_lease(self, lease: Lease) -> None:
        self.both(lambda store: store.release_lease(lease))

    @rule(lease=leases, figure=st.floats(allow_nan=False))
    def begin_search(self, lease: Lease, figure: float) -> None:
        at = self.now()
        self.both(
            lambda store: store.begin_search(
                lease,
                at=at,
                data_digest="data",
                data_notes=("a note",),
                baseline={"psnr_db": figure},
                reference_point={"psnr": 20.0},
            )
        )

    @rule(lease=leases, state=states)
    def end_search(self, lease: Lease, state: SearchState) -> None:
        at = self.now()
        self.both(lambda store: store.end_search(lease, state, at=at, reason="ended"))

    # -- the log ---------------------------------------------------------------------------------------------------

    @rule(lease=leases, ordinal=ordinals, number=ordinals, rung=st.integers(0, 1), replicate=st.integers(0, 1))
    def record_ask(self, lease: Lease, ordinal: int, number: int, rung: int, replicate: int) -> None:
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
        candidate = make_candidate(search_id or lease.search_id, ordinal)
        evaluation = make_evaluation(candidate, failure_kind=failure, fsds_db=figure)
        fields = {"told_at": self.now(), "cached": cached, "hypervolume": figure}
        outcome = told(candidate, evaluation, told_ordinal, **fields)
        progress = make_progress(told_ordinal)
        self.both(lambda store: store.record_tell(lease, outcome, evaluation, progress))

    @rule(lease=leases, marks=st.dictionaries(ordinals, st.booleans(), max_size=2))
    def record_survival(self, lease: Lease, marks: dict[int, bool]) -> None:
        survived = {CandidateId(f"{lease.search_id}-{ordinal}"): mark for ordinal, mark in marks.items()}
        self.both(lambda store: store.record_survival(lease, survived))

    @rule(lease=leases)
    def record_event(self, lease: Lease) -> None:
        at = self.now()
        self.both(lambda store: store.record_event(lease, "noted", {"list": [1, None]}, at=at))

    @rule(search_id=search_ids, after=st.integers(-1, 5), limit=st.none() | limits)
    def pages(self, search_id: SearchId, after: int, limit: int | None) -> None:
        self.both(lambda store: store.candidates(search_id, after=after, limit=limit))
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
        at = self.now()
        self.both(lambda store: store.workers(at=at, lease_s=lease_s))

    # -- artifacts -------------------------------------------------------------------------------------------------

    @rule(artifact_id=artifact_ids, search_id=search_ids, ordinal=ordinals)
    def add_artifact(self, artifact_id: ArtifactId, search_id: SearchId, ordinal: int) -> None:
        artifact = make_artifact(artifact_id, f"{search_id}-{ordinal}", created_at=self.now())
        self.both(lambda store: store.add_artifact(artifact))

    @rule(stale_after_s=st.sampled_from([0.0, 3.0]))
    def claim_artifact(self, stale_after_s: float) -> None:
        at = self.now()
        self.both(lambda store: store.claim_artifact(at=at, stale_after_s=stale_after_s))

    @rule(artifact_id=artifact_ids, state=st.sampled_from([ArtifactState.READY, ArtifactState.FAILED]))
    def finish_artifact(self, artifact_id: ArtifactId, state: ArtifactState) -> None:
        artifact = replace(make_artifact(artifact_id), state=state, finished_at=self.now(), detail={"n": [1]})
        self.both(lambda store: store.finish_artifact(artifact))

    # -- what must hold after every step -----------------------------------------------------------------------------

    @invariant()
    def both_hold_the_same(self) -> None:
        for search in self.both(lambda store: store.searches(limit=100)):
            events = self.both(lambda store, name=search.id: store.events(name))
            numbers = [event.ordinal for event in events]
            assert numbers == sorted(set(numbers))
            kept = [event.detail["candidate"] for event in events if event.kind == "training_progress"]
            assert {self.sql.candidate(name).state for name in kept} <= {CandidateState.EVALUATING}
            self.both(lambda store, name=search.id: store.ledger(name))
            for candidate in self.both(lambda store, name=search.id: store.candidates(name, limit=None)):
                self.both(lambda store, name=candidate.id: store.candidate(CandidateId(name)))
                self.both(lambda store, name=candidate.id: store.artifacts(CandidateId(name)))
                self.both(lambda store, key=candidate.evaluation_key: store.evaluation(key))


def _outcome(call: Callable[[Store], Any], store: Store) -> tuple[Any, ...]:
    """What a call returned, or the type and the words of what it raised."""
    try:
        return "returned", call(store)
    except Exception as error:
        return type(error), str(error)


_template: list[bytes] = []


def _empty_database() -> bytes:
    """A migrated file without rows; migrating once is enough."""
    if not _template:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "empty.db"
            with contextlib.closing(open_store(f"sqlite:///{path}")):
                pass
            _template.append(path.read_bytes())
    return _template[0]


TestStoresAgree = Stores.TestCase
TestStoresAgree.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
