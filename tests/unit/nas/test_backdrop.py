from __future__ import annotations

from typing import Any

import pytest

from nas.backdrop import landmarks
from nas.spec import SearchSpec


def spec(**fields: Any) -> SearchSpec:
    return SearchSpec.model_validate({"dataset": {"train": "photos"}} | fields)


def test_published_networks_have_the_exact_costs_of_the_search() -> None:
    found = {landmark.network.name: landmark.figures for landmark in landmarks(spec(recipe={"name": "paper"}))}
    assert found["falsr-a"]["params"] == 1_021_401
    assert set(found) == {"falsr-a", "falsr-b", "falsr-c", "moremnas-d"}


def test_there_are_none_of_another_scale() -> None:
    assert landmarks(spec(scale=4)) == ()


WHOLE = {"train": "photos", "validation": "benchmarks/set5", "validation_limit": None, "validation_crop": None}


@pytest.mark.parametrize(
    ("dataset", "protocol", "comparable"),
    [
        (WHOLE, "falsr", {"Set5"}),
        (WHOLE, "y-float", set()),
        (WHOLE | {"validation_crop": 96}, "falsr", set()),
        (WHOLE | {"validation_limit": 5}, "falsr", set()),
        ({"train": "Set5"}, "falsr", set()),
    ],
)
def test_a_printed_score_compares_on_the_same_whole_images_under_the_same_protocol(
    dataset: dict[str, Any], protocol: str, comparable: set[str]
) -> None:
    for landmark in landmarks(spec(dataset=dataset, recipe={"protocol": protocol})):
        assert landmark.comparable == comparable
