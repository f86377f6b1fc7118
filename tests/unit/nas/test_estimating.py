"""What a search will take, foretold from its spec and from what was trained before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.checks import InvalidSpec
from nas.estimating.asking import free_bytes
from nas.estimating.documents import Estimate
from nas.estimating.forecast import Circumstances, Forecast, Ladder
from nas.estimating.speed import CANDIDATES, FEW, NEAREST, Speed, Trained, recorded, speed_of
from nas.service import Service
from nas.settings import Settings
from nas.spec import SearchSpec
from nas.store.memory import MemoryStore
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_search, make_worker, told

CPU, GPU = "cpu (1 thread, x86_64)", "NVIDIA H100"
HERE = Circumstances(workers=4, counted=True, states_bytes=2**30, free_bytes=2**40)


def spec(**fields: Any) -> SearchSpec:
    return SearchSpec.model_validate({"space": "tiny", "dataset": {"train": "photos"}, "front_seeds": 1} | fields)


def trained(**fields: Any) -> Trained:
    values = {"device": CPU, "precision": "bfloat16", "enlarges": (2, 1), "mult_adds": 1e10, "pixels": 1e6}
    return Trained(**values | {"train_s": 10.0} | fields)


def speed(rate: float = 1e-10, **fields: Any) -> Speed:
    values = {"low": rate / 2, "likely": rate, "high": rate * 2, "count": 9, "device": CPU, "alike": True}
    return Speed(**values | {"precise": True} | fields)


def estimate(asked: SearchSpec, at: Speed | None = None, here: Circumstances = HERE) -> Estimate:
    return Forecast(asked, 0.0, here).estimate(at, "as it was")


def record(store: MemoryStore, outcomes: Sequence[dict[str, Any]], **fields: Any) -> None:
    """A search of the store with these outcomes."""
    store.add_search(make_search(spec=spec(**fields)))
    lease = store.claim_search("tests", at=START, lease_s=60.0)
    assert lease is not None
    for number, outcome in enumerate(outcomes):
        candidate = make_candidate(lease.search_id, number)
        store.record_ask(lease, candidate)
        evaluation = make_evaluation(candidate, **outcome)
        store.record_tell(lease, told(candidate, evaluation, number), evaluation, make_progress(number + 1))


# -- how fast ----------------------------------------------------------------------------------------------------------


def test_a_speed_is_the_median_over_trainings_and_its_range_their_quartiles() -> None:
    seen = [trained(train_s=float(seconds)) for seconds in range(1, 10)]
    found = speed_of(spec(), 1e10, seen, ())
    assert found is not None
    rates = [seconds / (1e6 * 1e10 / 230_400) for seconds in (3, 5, 7)]
    assert [found.low, found.likely, found.high] == pytest.approx(rates)
    assert (found.count, found.device) == (9, CPU)


def test_of_few_trainings_the_range_is_half_and_double() -> None:
    found = speed_of(spec(), 1e10, [trained()] * (FEW - 1), ())
    assert found is not None
    assert (found.low, found.high) == (found.likely / 2, found.likely * 2)


def test_networks_of_about_the_size_tell_how_fast_it_goes() -> None:
    small, large = trained(mult_adds=1e9, train_s=8.0), trained(mult_adds=1e11, train_s=80.0)
    seen = [small] * NEAREST + [large] * NEAREST
    slow, quick = speed_of(spec(), 2e9, seen, ()), speed_of(spec(), 5e10, seen, ())
    assert slow is not None
    assert quick is not None
    assert slow.likely == pytest.approx(10 * quick.likely)


def test_workers_that_are_up_count_before_those_that_were() -> None:
    seen = [trained(), trained(device=GPU)]
    assert speed_of(spec(), 1e10, seen, ()).device == CPU  # type: ignore[union-attr]  # fails as it should
    assert speed_of(spec(), 1e10, seen, {GPU}).device == GPU  # type: ignore[union-attr]


def test_a_device_that_may_not_train_it_tells_nothing() -> None:
    assert speed_of(spec(recipe={"device": "cuda"}), 1e10, [trained()], {CPU}) is None
    assert speed_of(spec(), 1e10, [], ()) is None


def test_trainings_of_another_kind_are_better_than_none_and_that_is_said() -> None:
    found = speed_of(spec(scale=4, recipe={"precision": "float32"}), 1e10, [trained()], ())
    assert found is not None
    assert (found.alike, found.precise) == (False, False)
    notes = " ".join(estimate(spec(scale=4, recipe={"precision": "float32"}), found).notes)
    assert "has x4 and 1 channels" in notes
    assert "did not compute in float32" in notes
    exact = speed_of(spec(), 1e10, [trained(enlarges=(4, 3), train_s=99.0), trained()], ())
    assert exact is not None
    assert (exact.alike, exact.count) == (True, 1)


def test_what_is_read_of_a_store_is_bounded_and_leaves_failures_out() -> None:
    store = MemoryStore()
    outcomes = [{"failure_kind": "diverged"} if number % 10 == 9 else {} for number in range(CANDIDATES + 30)]
    record(store, outcomes, recipe={"batch": 4, "patch": 16}, scale=3)
    found = recorded(store)
    assert CANDIDATES // 2 < len(found) <= CANDIDATES
    assert {(t.pixels, t.train_s, t.enlarges) for t in found} == {(200 * 4 * 16**2, 12.5, (3, 1))}
    assert recorded(MemoryStore()) == []


# -- how much ----------------------------------------------------------------------------------------------------------


def test_the_first_limit_of_a_budget_ends_it() -> None:
    asked = spec(recipe={"steps": 100}, budget={"evaluations": 50, "steps": 2000})
    found = estimate(asked)
    assert (found.trainings, found.steps, found.limited_by) == (20, 2000, "steps")
    assert estimate(spec(budget={"evaluations": 50})).limited_by == "evaluations"
    whole = estimate(spec(budget={"evaluations": 100_000}))
    assert (whole.trainings, whole.limited_by) == (1152, "space")


def test_time_limits_count_once_a_speed_is_known() -> None:
    asked = spec(budget={"evaluations": 500, "wall_time_s": 1000})
    training_s = estimate(spec(), speed()).training_s
    assert training_s is not None
    scaled = speed(1e-10 * 100 / training_s.likely)  # a candidate takes 100 s, so four workers train 40 in 1000 s
    found = estimate(asked, scaled)
    assert (found.trainings, found.limited_by) == (40, "wall_time_s")
    assert found.wall_s is not None
    assert found.wall_s.likely == pytest.approx(1000)
    longer = estimate(spec(budget={"evaluations": 500, "wall_time_s": 1099}), scaled)
    assert longer.trainings == 43
    assert longer.wall_s is not None
    assert longer.wall_s.likely == 1099
    hours = estimate(spec(budget={"evaluations": 500, "worker_hours": 1}), scaled)
    assert (hours.trainings, hours.limited_by) == (36, "worker_hours")
    unknown = estimate(asked)
    assert (unknown.limited_by, unknown.wall_s) == ("evaluations", None)
    assert any("limit of time" in note for note in unknown.notes)


def test_confirmations_are_bounded_by_the_population_and_dropped_where_time_is_up() -> None:
    asked = {"front_seeds": 3, "population": 8}
    found = estimate(spec(budget={"evaluations": 100}, **asked), speed())
    assert found.confirmations == 16
    assert found.worker_s is not None
    assert found.training_s is not None
    assert found.worker_s.likely == pytest.approx(108 * found.training_s.likely)
    assert estimate(spec(budget={"evaluations": 5}, **asked)).confirmations == 10
    assert estimate(spec(budget={"wall_time_s": 0.1}, **asked), speed()).confirmations == 0


def test_a_ladder_shares_candidates_among_rungs_that_go_on_from_each_other() -> None:
    plain, ladder = Ladder(spec(recipe={"steps": 400})), Ladder(spec(recipe={"steps": 400, "rungs": 2}))
    assert (plain.mean_steps, plain.top_share) == (400, 1)
    assert ladder.top_share == pytest.approx(1 / 3)
    assert ladder.mean_steps == pytest.approx(200 * 2 / 3 + (400 - 0.8 * 200) / 3)


def test_a_search_is_no_shorter_than_one_training() -> None:
    found = estimate(spec(budget={"evaluations": 1}), speed())
    assert found.wall_s == found.training_s


def test_parallelism_bounds_the_workers() -> None:
    assert estimate(spec()).workers == 4
    assert estimate(spec(parallelism=2)).workers == 2
    assert estimate(spec(parallelism=9)).workers == 4


def test_states_of_rungs_take_room_up_to_their_limit() -> None:
    plain, rungs = spec(budget={"evaluations": 1000}), spec(budget={"evaluations": 1000}, recipe={"rungs": 2})
    without = estimate(plain).disk_bytes
    assert estimate(rungs).disk_bytes > 2 * without
    bounded = Circumstances(workers=4, counted=True, states_bytes=1000, free_bytes=None)
    assert estimate(rungs, here=bounded).disk_bytes == without + 1000


def test_networks_lie_within_the_bounds_even_where_none_of_them_is_drawn() -> None:
    falsr = {"space": "falsr", "constraints": [{"metric": "mult_adds", "max": 8e9}]}
    assert estimate(spec(**falsr)).mult_adds == 8e9
    assert 8e9 < estimate(spec(**falsr | {"constraints": [{"metric": "mult_adds", "max": 60e9}]})).mult_adds < 60e9


def test_what_speaks_against_a_search_is_noted() -> None:
    full = Circumstances(workers=1, counted=False, states_bytes=0, free_bytes=10)
    notes = estimate(spec(evaluation_timeout_s=0.001), speed(), full).notes
    assert [any(text in note for note in notes) for text in ("given up", "no worker is up", "GiB free")] == [True] * 3
    assert estimate(spec(), speed()).notes == ()


@given(
    evaluations=st.integers(1, 10**6),
    steps=st.integers(1, 10**9) | st.none(),
    wall_time_s=st.floats(1e-3, 1e9) | st.none(),
    rate=st.floats(1e-15, 1e-3),
    workers=st.integers(1, 1000),
)
def test_every_estimate_is_ordered_and_its_clock_agrees_with_its_workers(
    evaluations: int, steps: int | None, wall_time_s: float | None, rate: float, workers: int
) -> None:
    budget = {"evaluations": evaluations, "steps": steps, "wall_time_s": wall_time_s}
    here = Circumstances(workers=workers, counted=True, states_bytes=0, free_bytes=None)
    found = estimate(spec(budget=budget, front_seeds=2), speed(rate), here)
    for span in (found.training_s, found.worker_s, found.wall_s):
        assert span is not None
        assert 0 < span.low <= span.likely <= span.high
    assert found.wall_s is not None
    assert found.worker_s is not None
    assert found.wall_s.likely * workers >= found.worker_s.likely * (1 - 1e-9)
    assert 1 <= found.trainings <= evaluations


# -- by the service ----------------------------------------------------------------------------------------------------


@pytest.fixture
def service(tmp_path: Path, sample_dir: Path) -> Service:
    return Service(MemoryStore(), Settings(home=tmp_path / "home", images_root=sample_dir.parent, workers=3))


def document(sample_dir: Path, **fields: Any) -> dict[str, Any]:
    return {"space": "tiny", "dataset": {"train": sample_dir.name}, "budget": {"evaluations": 20}} | fields


def test_an_estimate_warns_as_a_submission_does_and_keeps_nothing(service: Service, sample_dir: Path) -> None:
    asked = document(sample_dir, objectives=["params", "mult_adds"])
    advised, found = service.estimate(asked)
    assert service.searches() == []
    search = service.submit(asked)
    assert (advised.spec, advised.warnings) == (search.spec, search.warnings)
    assert (found.workers, found.wall_s) == (3, None)
    assert found.basis.startswith("nothing has been trained here yet")
    assert found.disk_free_bytes


def test_an_estimate_refuses_what_a_submission_refuses(service: Service) -> None:
    refusals = []
    for verb in (service.estimate, service.submit):
        with pytest.raises(InvalidSpec) as refused:
            verb({"dataset": {"train": "nowhere"}, "population": 1})
        refusals.append(refused.value.problems)
    assert refusals[0] == refusals[1]


def test_earlier_trainings_and_workers_that_are_up_give_times(tmp_path: Path, sample_dir: Path) -> None:
    store = MemoryStore()
    record(store, [{"device": CPU, "train_s": 10.0 + number} for number in range(12)])
    service = Service(store, Settings(home=tmp_path, images_root=sample_dir.parent), clock=lambda: START)
    store.record_workers(
        "controller-1", [make_worker(f"worker-{n}", device=CPU) for n in range(2)], at=START, lease_s=60
    )
    _, found = service.estimate(document(sample_dir))
    assert found.workers == 2
    assert found.wall_s is not None
    assert found.basis == f"from 12 trainings recorded here, of networks nearest in size, on {CPU}"
    assert found.notes == ()
    _, refused = service.estimate(document(sample_dir, recipe={"device": "cuda"}))
    assert refused.basis.startswith("nothing has been trained on cuda here yet")
    assert json.loads(refused.model_dump_json())["wall_s"] is None


def test_the_disk_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet")
