from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nas.bundles.documents import CandidateLine, EvaluationLine, EventLine, SearchDocument
from nas.objectives import Prediction
from nas.records import Candidate, Evaluation, Event, Search, SearchId
from nas.testing import START, make_candidate, make_evaluation, make_search, told

LEFT_OUT = {
    Search: {"progress", "running_since", "claims"},  # what the log says, and what is of now
    Candidate: {"search_id", "evaluation"},  # the manifest's, and a line of its own
    Event: {"search_id"},
    Evaluation: set(),
}


@pytest.mark.parametrize(
    ("record", "document", "more"),
    [
        (Search, SearchDocument, {"code_digests", "environments"}),
        (Candidate, CandidateLine, set()),
        (Evaluation, EvaluationLine, set()),
        (Event, EventLine, set()),
    ],
)
def test_every_field_of_a_record_is_in_its_document(record: Any, document: Any, more: set[str]) -> None:
    assert set(document.model_fields) == {field.name for field in fields(record)} - LEFT_OUT[record] | more


numbers = st.floats(allow_nan=False) | st.none()


@given(figure=numbers, loss=st.floats(allow_nan=False), failed=st.booleans())
def test_an_evaluation_comes_back_whole_infinities_included(figure: float | None, loss: float, failed: bool) -> None:
    kind = "diverged" if failed else None
    evaluation = make_evaluation(failure_kind=kind, psnr_db=figure, loss_curve=((1, loss), (2, math.inf)))
    line = EvaluationLine.of(evaluation).to_bytes()
    assert EvaluationLine.model_validate_json(line).evaluation() == evaluation


@given(figure=numbers, mean=st.floats(allow_nan=False), survived=st.sampled_from([None, True, False]))
def test_a_candidate_comes_back_whole(figure: float | None, mean: float, survived: bool | None) -> None:
    waiting = make_candidate(predicted={"psnr": Prediction(mean=mean, std=math.inf)}, latency_ms=figure)
    candidate = told(waiting, make_evaluation(waiting), violation=figure, survived=survived)
    line = CandidateLine.of(candidate).to_bytes()
    found = CandidateLine.model_validate_json(line)
    assert found.candidate(candidate.search_id, candidate.evaluation) == candidate


def test_a_search_comes_back_but_for_its_progress() -> None:
    search = make_search(
        data_digest="d" * 32,
        data_notes=("8 images",),
        reference_point={"psnr": 28.0, "latency_ms": math.inf},
        cloned_from=SearchId("00000000"),
        started_at=START + timedelta(seconds=1),
        ran_s=1.5,
    )
    line = SearchDocument.of(search).to_bytes()
    assert SearchDocument.model_validate_json(line).search() == search


def test_a_line_does_not_depend_on_the_order_of_keys() -> None:
    event = Event(search_id=SearchId("a"), ordinal=1, at=START, kind="asked", detail={"a": 1, "b": {"c": 2, "d": 3}})
    other = replace(event, detail={"b": {"d": 3, "c": 2}, "a": 1})
    assert EventLine.of(event).to_bytes() == EventLine.of(other).to_bytes()


@pytest.mark.parametrize(
    "change",
    [
        {"rung": "0"},
        {"rung": -1},
        {"cached": 1},
        {"genotype": "f32"},
        {"operator": "\x1b[2J"},
        {"asked_at": "2026-01-01T00:00:00"},
        {"state": "somewhere"},
        {"secret": 1},
    ],
)
def test_a_value_of_another_kind_is_refused(change: dict[str, Any]) -> None:
    document = CandidateLine.of(make_candidate()).model_dump(mode="json")
    CandidateLine.model_validate_json(json.dumps(document))
    with pytest.raises(ValidationError):
        CandidateLine.model_validate_json(json.dumps(document | change))
