from __future__ import annotations

import csv
import json
from typing import Any

import httpx
import pytest

from api.kept import accepts_gzip
from api.routes.front import preferred_format
from api.settings import ApiSettings
from api.testing import record_search
from nas.export.front import to_json
from nas.service import Service
from nas.store.base import Lease
from nas.store.memory import MemoryStore
from nas.testing.builders import START, make_evaluation, make_progress, told


def ordinals(front: dict[str, Any]) -> list[int]:
    return [member["ordinal"] for member in front["members"]]


def test_a_front_holds_what_no_feasible_candidate_dominates(http: httpx.Client, recorded: Any) -> None:
    front = http.get(f"/v1/searches/{recorded.id}/front").json()
    assert ordinals(front) == [1, 0]  # the best PSNR first
    assert [objective["metric"] for objective in front["objectives"]] == ["psnr", "params"]
    assert (front["scored"], front["feasible_only"]) == (2, True)
    assert front["hypervolume"] > 0


def test_a_search_without_a_service_ends_with_a_front_of_the_same_shape(
    http: httpx.Client, recorded: Any, settings: ApiSettings, store: MemoryStore
) -> None:
    served = http.get(f"/v1/searches/{recorded.id}/front").json()
    for part in (served, *served["members"]):
        del part["links"]
    for member in served["members"]:
        assert member.pop("failure") is None
    assert to_json(Service(store, settings).front(recorded.id)) == served


def test_a_front_may_look_at_infeasible_candidates(http: httpx.Client, recorded: Any) -> None:
    front = http.get(f"/v1/searches/{recorded.id}/front", params={"feasible": "false"}).json()
    assert ordinals(front) == [2, 1, 0]


def test_a_member_that_another_seed_confirms_has_a_spread(
    http: httpx.Client, store: MemoryStore, spec: dict[str, Any]
) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    record_search(store, confirmations={1: 32.2})
    front = http.get(f"{path}/front").json()
    assert ordinals(front) == [1, 0]  # the confirmation is no member
    assert front["scored"] == 2
    confirmed, single = front["members"]
    assert (confirmed["seeds"], single["seeds"]) == (2, 1)
    assert confirmed["scores"]["psnr_db"] == 32.0
    assert confirmed["mean"]["psnr_db"] == pytest.approx(32.1)
    assert confirmed["spread"]["psnr_db"] == pytest.approx(0.2 / 2**0.5)
    assert (single["mean"], single["spread"]) == (None, None)
    assert "32.00 ± 0.14" in http.get(f"{path}/front", params={"format": "markdown"}).text
    assert "32.00 ± 0.14" in http.get(f"{path}/front", params={"format": "html"}).text


def test_where_nothing_is_feasible_the_front_says_what_comes_nearest(
    http: httpx.Client, store: MemoryStore, spec: dict[str, Any]
) -> None:
    path = http.post("/v1/searches", json=spec).headers["location"]
    front = http.get(f"{path}/front").json()
    assert (front["members"], front["nearest"]) == ([], None)
    assert front["note"] == "no candidate has been scored yet"


def test_a_front_may_have_any_objectives(http: httpx.Client, recorded: Any) -> None:
    front = http.get(f"/v1/searches/{recorded.id}/front", params={"objectives": "mult_adds"}).json()
    assert ordinals(front) == [0]
    assert front["hypervolume"] is None  # the search has no reference for it


@pytest.mark.parametrize("names", ["beauty", "psnr,psnr", "psnr,", ","])
def test_unknown_objectives_are_named(http: httpx.Client, recorded: Any, names: str) -> None:
    refused = http.get(f"/v1/searches/{recorded.id}/front", params={"objectives": names})
    assert refused.status_code == 422
    assert {entry["field"] for entry in refused.json()["errors"]} == {"objectives"}


def test_a_misspelt_parameter_is_no_silent_default(http: httpx.Client, recorded: Any) -> None:
    refused = http.get(f"/v1/searches/{recorded.id}/front", params={"objective": "ssim"})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("query", "headers"),
    [({"format": "csv"}, {}), ({}, {"Accept": "text/csv"}), ({"format": "csv"}, {"Accept": "*/*"})],
)
def test_a_front_comes_as_csv(
    http: httpx.Client, recorded: Any, query: dict[str, str], headers: dict[str, str]
) -> None:
    front = http.get(f"/v1/searches/{recorded.id}/front", params=query, headers=headers)
    assert front.headers["content-type"].startswith("text/csv")
    assert f"front-{recorded.id}.csv" in front.headers["content-disposition"]
    assert len(list(csv.DictReader(front.text.splitlines()))) == 2


def test_a_front_that_has_not_changed_is_not_sent_again(http: httpx.Client, recorded: Any) -> None:
    path = f"/v1/searches/{recorded.id}/front"
    first = http.get(path)
    same = http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", first.headers["etag"])
    assert first.headers["cache-control"] == same.headers["cache-control"] == "private, no-cache"
    for query in ({"feasible": "false"}, {"objectives": "psnr"}, {"format": "csv"}, {"format": "html"}):
        other = http.get(path, params=query, headers={"If-None-Match": first.headers["etag"]})
        assert (other.status_code, other.headers["etag"] == first.headers["etag"]) == (200, False)


def test_a_front_comes_compressed_to_those_who_ask_for_it(http: httpx.Client, recorded: Any) -> None:
    """In either form it is known by either form's tag."""
    path = f"/v1/searches/{recorded.id}/front"
    plain = http.get(path, headers={"Accept-Encoding": "identity"})
    zipped = http.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"])
    assert plain.json() == zipped.json()
    assert plain.headers["vary"] == zipped.headers["vary"] == "Accept, Accept-Encoding"
    tags = {plain.headers["etag"], zipped.headers["etag"]}
    assert len(tags) == 2
    for tag in tags:
        assert http.get(path, headers={"If-None-Match": tag, "Accept-Encoding": "gzip"}).status_code == 304


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("gzip", True), ("GZIP ; q=1.0", True), ("gzip;q=0.000", False), ("deflate, br", False), ("gzip;q=0.01", True)],
)
def test_gzip_is_accepted_where_it_has_a_weight(accepted: str, expected: bool) -> None:
    assert accepts_gzip(accepted) is expected


def test_the_tag_of_a_front_changes_with_what_it_says(http: httpx.Client, recorded: Any, store: MemoryStore) -> None:
    path = f"/v1/searches/{recorded.id}/front"
    lease = Lease(search_id=recorded.id, owner="tests", token=1, expires_at=START)

    def tag() -> str:
        return http.get(path).headers["etag"]

    tags = [tag()]
    store.record_event(lease, "noted", {}, at=START)
    assert tag() == tags[0]  # something happened, but not to the front
    store.record_survival(lease, {recorded.candidates[0].id: True})
    tags.append(tag())
    flying = recorded.candidates[4]
    evaluation = make_evaluation(flying, psnr_db=31.0)
    store.record_tell(lease, told(flying, evaluation, 4), evaluation, make_progress(5))
    tags.append(tag())
    assert http.get(path).json()["scored"] == 3
    assert len(set(tags)) == 3


def cloud_in(page: str) -> dict[str, Any]:
    """What the plot of a page is fed with."""
    document: dict[str, Any] = json.loads(page.split('id="cloud-document">')[1].split("</script>")[0])
    return document


def test_a_page_of_a_large_search_draws_some_of_it(
    http: httpx.Client, recorded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v1/searches/{recorded.id}/front"
    assert len(cloud_in(http.get(path, params={"format": "html"}).text)["ordinal"]) == 5
    monkeypatch.setattr("api.routes.front.MOST", 2)
    page = http.get(path, params={"format": "html", "feasible": "false", "objectives": "psnr"}).text
    cloud = cloud_in(page)
    assert (cloud["ordinal"], cloud["front"]) == ([2, 4], [True, False])  # that front, and what is in flight
    assert (cloud["told"], cloud["untold"]) == (4, 1)


def test_a_page_s_plot_is_fed_with_what_the_service_answers(http: httpx.Client, recorded: Any) -> None:
    page = http.get(f"/v1/searches/{recorded.id}/front", params={"format": "html"}).text
    answered = http.get(f"/v1/searches/{recorded.id}/cloud").json()
    del answered["links"]
    assert cloud_in(page) == answered


def test_the_csv_link_gives_the_same_front(http: httpx.Client, recorded: Any) -> None:
    query = {"objectives": "psnr", "feasible": "false"}
    link = http.get(f"/v1/searches/{recorded.id}/front", params=query).json()["links"]["csv"]
    rows = list(csv.DictReader(http.get(link).text.splitlines()))
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/json, text/csv", "json"),
        ("application/json;q=0.5, text/csv", "csv"),
        ("text/csv;q=0.1, */*;q=0.5", "json"),
        ("text/csv;q=nonsense", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
    ],
)
def test_the_accept_header_decides_by_weight(accept: str, expected: str) -> None:
    assert preferred_format(accept) == expected
