from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.client import Client

COLUMNS = "ordinal", "state", "feasible", "front", "rung", "replicate", "operator"


def test_a_cloud_holds_every_candidate_as_columns(http: httpx.Client, recorded: Any) -> None:
    view = http.get(f"/v1/searches/{recorded.id}/cloud").json()
    count = len(recorded.candidates)
    assert {len(view[name]) for name in COLUMNS} == {len(column) for column in view["figures"].values()} == {count}
    for place, candidate in enumerate(recorded.candidates):
        seen = http.get(f"/v1/candidates/{candidate.id}").json()
        assert view["states"][view["state"][place]] == seen["state"]
        assert view["operators"][view["operator"][place]] == seen["operator"]
        for name, column in view["figures"].items():
            assert column[place] == pytest.approx(seen["scores"].get(name), abs=1e-6)
    members = [int(one["id"].split("-")[1]) for one in http.get(view["links"]["front"]).json()["members"]]
    assert {ordinal for ordinal, on in zip(view["ordinal"], view["front"], strict=True) if on} == set(members)
    assert {score["comparable"] for network in view["published"] for score in network["printed"]} == {False}


def test_a_cloud_is_sent_once_until_something_changes(http: httpx.Client, recorded: Any) -> None:
    path = f"/v1/searches/{recorded.id}/cloud"
    first = http.get(path, params={"most": 1})
    again = http.get(path, params={"most": 1}, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, first.headers["etag"])
    front_and_flying = sum(first.json()["front"]) + first.json()["untold"]
    assert len(first.json()["ordinal"]) == max(1, front_and_flying)


@pytest.mark.parametrize("query", [{"most": 0}, {"most": 5001}, {"least": 1}])
def test_a_cloud_has_its_limits(http: httpx.Client, recorded: Any, query: dict[str, int]) -> None:
    assert http.get(f"/v1/searches/{recorded.id}/cloud", params=query).status_code == 422


def test_the_client_reads_a_cloud(client: Client) -> None:
    search = client.submit({"space": "tiny", "dataset": {"train": "photos"}, "recipe": {"patch": 16}})
    cloud = client.cloud(search.id, most=10)
    assert (cloud.search_id, cloud.told, cloud.ordinal) == (search.id, 0, [])
    assert [network.title for network in cloud.published][:1] == ["FALSR-A"]
