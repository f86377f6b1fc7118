"""The page of a search: what it shows at every stage, and to whom."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx

from api.headers import SITE
from api.testing import record_search
from nas.objectives import METRICS
from nas.records import SearchState, Worker
from nas.store.memory import MemoryStore
from nas.testing import START, make_candidate, make_evaluation, make_progress, make_training_progress, told
from search_space.spaces.tiny import TINY

BROWSER = {"Accept": "text/html"}


def show(http: httpx.Client, search_id: str) -> str:
    """The page, if it is one as all of them are."""
    answer = http.get(f"/searches/{search_id}", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].encode() == SITE
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]* src=)", answer.text)
    return answer.text


def part(text: str, name: str) -> str:
    """What lies under a heading."""
    (found,) = re.findall(rf'aria-labelledby="{name}">.*?</section>', text, re.DOTALL)
    return str(found)


def test_the_front_is_a_table_with_a_way_to_every_member(http: httpx.Client, recorded: Any) -> None:
    front = part(show(http, recorded.id), "of-front")
    assert re.findall(r'<th scope="row"><a href="([^"]+)"', front) == [
        f"/candidates/{recorded.id}-1",
        f"/candidates/{recorded.id}-0",
    ]
    for told_there in ("32.00", "1,001", "psnr (dB)", "front?format=csv", "front?format=html", "/bundle"):
        assert told_there in front, told_there


def test_every_link_of_the_page_leads_somewhere(http: httpx.Client, recorded: Any) -> None:
    links = set(re.findall(r'href="(/[^"#]*)"', show(http, recorded.id)))
    assert len(links) > 10
    assert {link: http.get(link).status_code for link in links if http.get(link).status_code != 200} == {}


def test_axes_are_the_figures_of_the_cloud_with_the_way_that_is_better(http: httpx.Client, recorded: Any) -> None:
    text = show(http, recorded.id)
    (across,) = re.findall(r'<select name="x">(.*?)</select>', text, re.DOTALL)
    options = dict(re.findall(r'value="(\w+)" data-sense="(\w+)"', across))
    figures = http.get(f"/v1/searches/{recorded.id}/cloud").json()["figures"]
    assert options.keys() <= figures.keys()
    assert options == {m.column: m.sense.value for m in METRICS.values() if m.column in options}
    assert re.findall(r'value="(\w+)"[^>]* data-first', text) == ["params", "psnr_db"]


def test_a_search_that_waits_says_so_in_every_part(http: httpx.Client, spec: dict[str, Any]) -> None:
    hostile = "<script>alert(1)</script>"
    text = show(http, http.post("/v1/searches", json={**spec, "name": hostile}).json()["id"])
    assert "<script>alert" not in text
    assert "No candidate has been scored yet" in part(text, "of-front")
    assert "waits for a controller" in part(text, "of-workers")
    assert "submitted" in part(text, "of-events")


def test_workers_are_those_of_this_search_with_what_they_train(
    http: httpx.Client, store: MemoryStore, recorded: Any
) -> None:
    at = datetime.now(UTC)
    idle = Worker(owner="tests", name="gpu-1", node="host", pid=2, device="", seen_at=at)
    busy = replace(
        idle,
        name="gpu-0",
        device="H100",
        search_id=recorded.id,
        candidate_id=recorded.candidates[4].id,
        ordinal=4,
        evaluation_key="k",
        progress=make_training_progress(step=30, steps=100, loss=0.0125),
        busy_since=at,
    )
    store.record_workers("tests", [busy, idle], [], at=at, lease_s=60.0)
    shown = part(show(http, recorded.id), "of-workers")
    for told_there in ("gpu-0", "host, H100", f"{recorded.id}-4", "step 30 of 100", "0.0125"):
        assert told_there in shown, told_there
    assert "gpu-1" not in shown


def test_the_statistics_are_the_tables_of_the_terminal(http: httpx.Client, recorded: Any) -> None:
    captions = re.findall(r"<figcaption.*?>(.*?)</figcaption>", part(show(http, recorded.id), "of-statistics"))
    assert captions[0] == "Operators"
    assert captions[-1] == "Budget"


def test_the_reference_point_of_the_hypervolume_is_said(http: httpx.Client, recorded: Any) -> None:
    course = part(show(http, recorded.id), "of-course")
    assert "up to the reference point psnr (dB) 28.00, params 20,000" in course


def test_a_search_that_is_not_there_is_a_page_with_a_hint(http: httpx.Client) -> None:
    answer = http.get("/searches/ffffffff", headers=BROWSER)
    assert answer.status_code == 404
    assert "What to do" in answer.text


def test_rows_of_the_list_lead_to_the_page(http: httpx.Client, store: MemoryStore, spec: dict[str, Any]) -> None:
    search = http.post("/v1/searches", json=spec).json()["id"]
    record_search(store)
    assert f'href="/searches/{search}"' in http.get("/").text


def test_a_search_that_waits_for_a_worker_names_the_search_that_has_it(
    http: httpx.Client, store: MemoryStore, recorded: Any, spec: dict[str, Any]
) -> None:
    other = http.post("/v1/searches", json={**spec, "name": "<First look>"}).json()["id"]
    at = datetime.now(UTC)
    worker = Worker(owner="tests", name="gpu-0", node="host", pid=2, device="", seen_at=at, search_id=other)
    worker = replace(worker, candidate_id=f"{other}-0", ordinal=0, evaluation_key="k", busy_since=at)
    store.record_workers("tests", [worker], [], at=at, lease_s=60.0)
    assert "1 of 1 is busy with &lt;First look&gt;." in part(show(http, recorded.id), "of-workers")


def test_a_psnr_stands_beside_bicubics_and_a_hypervolume_of_nothing_is_explained(
    http: httpx.Client, store: MemoryStore, spec: dict[str, Any]
) -> None:
    beaten = "No network beats the reference point (bicubic's scores) yet."
    search_id = http.post("/v1/searches", json=spec).json()["id"]
    assert beaten not in html.unescape(show(http, search_id))
    record_one(store, psnr_db=27.62)
    text = html.unescape(show(http, search_id))
    assert "−0.38 dB against bicubic" in text
    assert beaten in part(text, "of-course")
    assert "no network beats the reference point yet" in text
    record_one(store, psnr_db=29.0)
    assert beaten not in html.unescape(show(http, search_id))


def record_one(store: MemoryStore, psnr_db: float) -> None:
    """One more outcome of the only search, whose reference point is a bicubic of 28 dB."""
    (search,) = store.searches()
    number = search.progress.evaluated
    lease = store.claim_search("tests", at=START, lease_s=0.0)
    assert lease is not None
    if not number:
        reference = {"psnr": 28.0, "params": 20_000.0}
        facts: dict[str, Any] = {"baseline": {"psnr_db": 28.0}, "reference_point": reference, "data_notes": []}
        store.begin_search(lease, at=START, data_digest="d" * 32, **facts)
    candidate = make_candidate(search.id, number, genotype=next(islice(TINY.enumerate(), number, None)), params=1000)
    store.record_ask(lease, candidate)
    evaluation = make_evaluation(candidate, psnr_db=psnr_db)
    store.record_tell(
        lease, told(candidate, evaluation, number), evaluation, make_progress(number + 1, best_psnr_db=psnr_db)
    )


def test_a_search_that_its_controller_left_is_said_to_go_on_by_itself(
    http: httpx.Client, store: MemoryStore, recorded: Any
) -> None:
    lease = store.claim_search("tests", at=datetime.now(UTC), lease_s=60.0)
    assert lease is not None
    store.end_search(lease, SearchState.QUEUED, at=datetime.now(UTC), reason="its controller stopped")
    goes_on = "its controller stopped; goes on by itself as soon as a controller takes it over"
    text = show(http, recorded.id)
    assert goes_on in text.split("</h1>")[1].split("</p>")[0]
    assert goes_on in part(text, "of-events")
    assert goes_on in http.get("/", headers=BROWSER).text
    assert store.search(recorded.id).reason == "its controller stopped"
