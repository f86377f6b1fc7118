"""Whole searches for quality against latency, predicted and measured: they end, replay and show what they found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pytest

from evaluator.testing import ScriptedExecutor, synthetic
from nas.breeding import engine_of
from nas.display import Row, front_table
from nas.export.front import front_rows, latency_of, to_csv, to_html, to_json, to_markdown
from nas.fronts import Front
from nas.known import known_figures
from nas.records import Candidate, Search, SearchState
from nas.replaying import replay
from nas.scores import candidate_scores
from nas.service import Service
from nas.settings import Settings
from nas.statistics.cloud import Cloud
from nas.store.memory import MemoryStore
from nas.testing import make_search, make_tiny_spec
from nas.testing.controllers import make_controller
from nas.testing.profiles import make_profile

PREDICTED = {"mode": "predicted", "profile": make_profile()}
MEASURED = {"mode": "measured"}


@dataclass
class Ended:
    """A search that ran to its end."""

    search: Search
    log: list[Candidate]
    front: Front
    cloud: Cloud
    timed: list[Any] = field(default_factory=list)


def run(latency: dict[str, Any] | None, **changes: Any) -> Ended:
    """Run a search of the tiny space on two scripted workers."""
    document = {
        "budget": {"evaluations": 40},
        "objectives": ["psnr", "latency_ms"],
        "constraints": [{"metric": "params", "max": 4000}],
        "engine": {"surrogate_after": 12, "surrogate_children": 10, "surrogate_refit": 6},
        "latency": latency,
    }
    store, timed = MemoryStore(), []
    search = make_search(spec=make_tiny_spec(**document | changes))
    store.add_search(search)

    def script(job: Any) -> Any:
        timed.append(job.latency)
        return synthetic(job)

    controller = make_controller(store, ScriptedExecutor(script, capacity=2))
    for _ in range(2000):
        controller.step()
        if store.search(search.id).state.ended:
            break
    service = Service(store, Settings())
    log, cloud = store.candidates(search.id, limit=None), service.standing(search.id).cloud(most=1000)
    return Ended(store.search(search.id), log, service.front(search.id), cloud, timed)


@pytest.mark.parametrize("latency", [PREDICTED, MEASURED], ids=["predicted", "measured"])
def test_a_search_for_quality_against_latency_runs_to_its_end_and_is_the_same_again(latency: dict[str, Any]) -> None:
    ended = run(latency)
    assert ended.search.state is SearchState.COMPLETED
    assert ended.search.progress.hypervolume > 0
    assert len(ended.front.members) > 2
    assert replay(ended.search, ended.log, engine_of(ended.search)).identical


def test_what_is_predicted_is_known_of_every_candidate_and_measured_of_none() -> None:
    ended = run(PREDICTED)
    assert set(ended.timed) == {None}
    for candidate in ended.log:
        assert candidate.latency_ms == known_figures(ended.search.spec, candidate.genotype)["latency_ms"]
        assert candidate.evaluation is not None
        assert candidate.evaluation.latency_ms is None
        assert "latency_ms" not in candidate.predicted


def test_what_is_measured_comes_with_every_training_and_is_foretold_by_the_model() -> None:
    ended = run(MEASURED)
    assert set(map(str, ended.timed)) == {"640x360"}
    for candidate in ended.log:
        assert candidate.latency_ms is None
        assert candidate.evaluation is not None
        assert candidate.evaluation.latency_ms == candidate_scores(candidate)["latency_ms"]
    assert any("latency_ms" in candidate.predicted for candidate in ended.log)


def test_a_bound_on_what_is_predicted_costs_no_training_and_one_on_what_is_measured_decides_who_is_feasible() -> None:
    bound = {"constraints": [{"metric": "latency_ms", "max": 8.0}]}
    predicted = run(PREDICTED, **bound).log
    assert all(candidate.latency_ms <= 8.0 for candidate in predicted if candidate.latency_ms is not None)
    assert all(candidate.feasible for candidate in predicted)
    bound = {"constraints": [{"metric": "latency_ms", "max": 25.0}]}
    measured = run(MEASURED, **bound).log
    slow = [candidate_scores(candidate)["latency_ms"] > 25.0 for candidate in measured]
    assert [not candidate.feasible for candidate in measured] == slow
    assert set(slow) == {True, False}


@pytest.mark.parametrize("latency", [PREDICTED, MEASURED], ids=["predicted", "measured"])
def test_its_front_shows_latencies_and_says_what_they_are(latency: dict[str, Any]) -> None:
    ended = run(latency)
    front = ended.front
    shown = front_rows(front)
    assert list(shown[0])[:3] == ["candidate", "psnr_db", "latency_ms"]
    assert all(math.isfinite(row["latency_ms"]) for row in shown)
    assert ("latency_ms_spread" in shown[0]) == (latency is MEASURED)
    how = latency_of(front)
    assert ("predicted for bench" if latency is PREDICTED else "measured at 640x360 on cpu (synthetic)") in how
    assert to_json(front)["latency"] == how
    assert how in to_markdown(front)
    assert how in to_html(front, ended.cloud)
    assert "latency_ms" in to_csv(front).splitlines()[0]


def test_a_latency_that_is_not_optimised_is_shown_where_it_was_asked_for() -> None:
    objectives = ["psnr", "mult_adds"]
    assert "latency_ms" in front_rows(run(MEASURED, objectives=objectives).front)[0]
    plain = run(None, objectives=objectives).front
    assert "latency_ms" not in front_rows(plain)[0]
    assert to_json(plain)["latency"] == ""


def test_a_front_has_a_column_for_each_figure_that_a_member_has():
    rows = [Row(id="a-1", scores={"psnr_db": 30.0, "latency_ms": 12.5}), Row(id="a-2", scores={"psnr_db": 29.0})]
    headings = [column.header for column in front_table("front", ["psnr_db"], rows).columns]
    assert headings == ["candidate", "psnr (dB)", "latency (ms)"]
