from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.settings import ApiSettings
from api.testing import record_search
from nas.service import Service
from nas.store.memory import MemoryStore
from search_space.genotype import Genotype


def test_candidates_are_paged_by_ordinal(http: httpx.Client, recorded: Any) -> None:
    path = f"/v1/searches/{recorded.id}/candidates"
    first = http.get(path, params={"limit": 2}).json()
    second = http.get(path, params={"limit": 3, "after": first["next"]}).json()
    assert [candidate["ordinal"] for candidate in first["items"] + second["items"]] == [0, 1, 2, 3, 4]
    assert (first["next"], second["next"]) == (1, None)


def test_a_candidate_tells_network_scores_and_where_they_come_from(http: httpx.Client, recorded: Any) -> None:
    candidate = recorded.candidates[1]
    view = http.get(f"/v1/candidates/{candidate.id}").json()
    assert Genotype.parse(view["genotype"]) == Genotype.from_json(view["genes"]) == candidate.genotype
    assert (view["state"], view["feasible"], view["violation"]) == ("scored", True, 0.0)
    assert (view["scores"]["psnr_db"], view["scores"]["params"]) == (32.0, 1001)
    assert view["evaluation"]["protocol"] == "y-float"
    assert view["evaluation"]["weights_kept"] is True
    assert view["failure"] is None
    assert http.get(view["links"]["search"]).status_code == 200


def test_a_failed_candidate_tells_why_and_what_to_do(http: httpx.Client, recorded: Any) -> None:
    view = http.get(f"/v1/candidates/{recorded.candidates[3].id}").json()
    assert view["state"] == "failed"
    assert view["failure"]["kind"] == "diverged"
    assert "learning_rate" in view["failure"]["hint"]
    assert "psnr_db" not in view["scores"]


def test_a_candidate_in_flight_has_costs_and_no_evaluation(http: httpx.Client, recorded: Any) -> None:
    view = http.get(f"/v1/candidates/{recorded.candidates[4].id}").json()
    assert (view["state"], view["evaluation"], view["violation"]) == ("evaluating", None, None)
    assert set(view["scores"]) == {"params", "mult_adds"}


def test_a_drawing_is_svg(http: httpx.Client, recorded: Any) -> None:
    drawing = http.get(f"/v1/candidates/{recorded.candidates[0].id}/drawing.svg")
    assert drawing.headers["content-type"].startswith("image/svg+xml")
    assert ElementTree.fromstring(drawing.text).tag.endswith("svg")


@pytest.mark.parametrize("path", ["", "/drawing.svg", "/exports"])
def test_an_unknown_candidate_is_not_found(http: httpx.Client, path: str) -> None:
    assert http.get(f"/v1/candidates/ffffffff-0{path}").status_code == 404


def test_malformed_cursors_are_named(http: httpx.Client, recorded: Any) -> None:
    refused = http.get(f"/v1/searches/{recorded.id}/candidates", params={"after": -2, "limit": 0})
    assert refused.status_code == 422
    assert {entry["field"] for entry in refused.json()["errors"]} == {"after", "limit"}


def test_candidates_are_chosen_by_rung_and_operator(
    http: httpx.Client, store: MemoryStore, spec: dict[str, Any]
) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    record_search(store, confirmations={0: 30.1, 1: 32.1})

    def chosen(**query: Any) -> list[int]:
        return [one["ordinal"] for one in http.get(f"{path}/candidates", params=query).json()["items"]]

    assert chosen(operator="confirmation") == [5, 6]
    assert chosen(operator="confirmation", limit=1) == [5]
    assert http.get(f"{path}/candidates", params={"operator": "confirmation", "limit": 1}).json()["next"] == 5
    assert chosen(operator="random", rung=0, after=1) == [2, 3, 4]
    assert chosen(rung=1) == []
    assert http.get(f"{path}/candidates", params={"rung": -1}).status_code == 422


def test_a_candidate_tells_its_training_and_what_was_expected_of_it(http: httpx.Client, recorded: Any) -> None:
    found = http.get(f"/v1/candidates/{recorded.id}-1").json()
    assert (found["rung"], found["replicate"], found["steps"], found["arm"]) == (0, 0, 200, "screened")
    assert (found["survived"], found["hypervolume"]) == (None, 3.0)
    assert found["predicted"] == {"psnr": {"mean": 30.125, "std": 0.1}}
    assert found["evaluation"]["steps"] == 200


def test_some_candidates_stand_for_a_large_search(recorded: Any, store: MemoryStore, settings: ApiSettings) -> None:
    """Evenly spread, the first and the last among them."""
    service = Service(store, settings)
    every = service.candidates(recorded.id)
    assert service.spread(recorded.id, 5) == service.spread(recorded.id, 100) == every
    assert [candidate.ordinal for candidate in service.spread(recorded.id, 3)] == [0, 2, 4]
    assert service.candidates(recorded.id, operator="random", after=1, limit=2) == every[2:4]
    assert service.candidates(recorded.id, rung=1) == []
