from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import api.schemas
from api.schemas import CandidateView, EventView, FieldProblem, ProgressView, SearchView
from nas.records import Event, Progress, Search, SearchId, SearchState
from nas.spec import BudgetSpec
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_search, told
from search_space.errors import Problem

MODELS = [getattr(api.schemas, name) for name in api.schemas.__all__]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
)


def strict_json(view: BaseModel) -> str:
    return json.dumps(view.model_dump(mode="json"), allow_nan=False)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described_and_no_other_is_taken(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert not undescribed


@given(field=st.text(st.characters()), value=ANYTHING, allowed=st.text())
def test_any_value_goes_into_a_problem(field: str, value: object, allowed: str) -> None:
    view = FieldProblem.of(Problem(field, value, allowed))
    assert FieldProblem.model_validate_json(strict_json(view)) == view
    assert len(strict_json(view)) < 30_000


def running(evaluated: int, minutes: float = 0.0, **budget: float) -> ProgressView:
    """The progress of a search some minutes after its start."""
    search = make_search(
        state=SearchState.RUNNING, started_at=START, running_since=START, progress=make_progress(evaluated)
    )
    spec = search.spec.model_copy(update={"budget": BudgetSpec.model_validate({"evaluations": 10} | budget)})
    return ProgressView.of(replace(search, spec=spec), START + timedelta(minutes=minutes))


def test_the_time_left_follows_from_the_pace() -> None:
    seen = running(4, minutes=2.0)
    assert seen.fraction == pytest.approx(0.4)
    assert seen.seconds_left == pytest.approx(180.0)


def test_a_wall_time_bounds_the_time_left_and_counts_as_progress() -> None:
    seen = running(1, minutes=3.0, wall_time_s=240)
    assert seen.fraction == pytest.approx(0.75)
    assert seen.seconds_left == pytest.approx(60.0)


def test_without_a_pace_there_is_no_estimate() -> None:
    assert running(0, minutes=5.0).seconds_left is None


@given(evaluated=st.integers(0, 20), minutes=st.floats(-10, 1000), wall_time_s=st.floats(1, 1e6))
def test_progress_stays_within_bounds(evaluated: int, minutes: float, wall_time_s: float) -> None:
    seen = running(evaluated, minutes, wall_time_s=wall_time_s)
    assert 0 <= seen.fraction <= 1
    assert seen.seconds_left is None or seen.seconds_left >= 0


@pytest.mark.parametrize(
    ("state", "fraction"), [(SearchState.COMPLETED, 1.0), (SearchState.CANCELLED, 0.04), (SearchState.FAILED, 0.04)]
)
def test_only_a_completed_search_is_done(state: SearchState, fraction: float) -> None:
    search = make_search(state=state, started_at=START, finished_at=START, progress=make_progress(4))
    seen = ProgressView.of(search, START)
    assert (seen.fraction, seen.seconds_left) == (pytest.approx(fraction), None)


def test_a_search_survives_the_wire() -> None:
    search: Search = make_search(progress=Progress(hypervolume=math.inf, best_psnr_db=math.nan))
    view = SearchView.of(search, START)
    assert SearchView.model_validate_json(strict_json(view)) == view
    assert (view.progress.hypervolume, view.progress.best_psnr_db) == (None, None)
    assert view.spec == search.spec


def test_a_candidate_survives_the_wire_without_figures_that_json_lacks() -> None:
    candidate = make_candidate()
    evaluation = make_evaluation(candidate, psnr_db=math.inf, loss_curve=((1, math.nan),))
    view = CandidateView.of(told(candidate, evaluation, violation=math.inf))
    assert CandidateView.model_validate_json(strict_json(view)) == view
    assert (view.scores["psnr_db"], view.violation) == (None, None)
    assert view.evaluation is not None
    assert view.evaluation.loss_curve == [(1, None)]


def test_an_event_survives_the_wire() -> None:
    event = Event(search_id=SearchId("00000001"), ordinal=1, at=START, kind="told", detail={"a": [math.nan], "b": (1,)})
    assert EventView.of(event).detail == {"a": [None], "b": [1]}
