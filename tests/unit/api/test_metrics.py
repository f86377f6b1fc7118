"""What Prometheus is told: as documented, bounded, and without an error when the store is away."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from api.app import create_app
from api.metrics import KEPT_S, MOST_LIVE, Installation, Metrics
from api.settings import ApiSettings
from api.testing import connect
from nas.records import Progress, SearchId, SearchState, Totals, Worker
from nas.store.base import StoreUnavailable
from nas.store.memory import MemoryStore
from nas.testing import make_worker

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
STANDARD = re.compile("(process|python)_")


def families(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, sample: str) -> float:
    """The value of one line, by its name and labels."""
    (found,) = [line.rsplit(" ", 1)[1] for line in text.splitlines() if line.startswith(f"{sample} ")]
    return float(found)


@pytest.fixture
def scraped(http: httpx.Client, store: MemoryStore, recorded: Any) -> str:
    """The metrics of an installation with a search, of whose two workers one is busy."""
    now = datetime.now(UTC)
    workers = [make_worker("a", recorded.candidates[4]), make_worker("b")]
    store.record_workers("controller-1", [replace(w, seen_at=now) for w in workers], at=now, lease_s=30.0)
    return http.get("/metrics").text


def test_every_metric_is_documented_with_its_type_and_labels(scraped: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([`\w, ]*)\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    documented = {name: (kind, set(re.findall(r"\w+", labels))) for name, kind, labels in rows}
    told = {}
    for family in families(scraped).values():
        if not STANDARD.match(family.name):
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            told[family.name + ("_total" if family.type == "counter" else "")] = (family.type, labels)
    assert told == documented


def test_the_figures_are_those_of_the_store(scraped: str, store: MemoryStore, recorded: Any) -> None:
    progress = store.search(recorded.id).progress
    assert value(scraped, "srnas_up") == 1
    assert value(scraped, 'srnas_searches{state="running"}') == 1
    assert value(scraped, 'srnas_searches{state="failed"}') == 0
    assert value(scraped, 'srnas_evaluations_total{cause="",outcome="scored"}') == progress.evaluated - progress.failed
    for cause, count in progress.failures.items():
        assert value(scraped, f'srnas_evaluations_total{{cause="{cause}",outcome="failed"}}') == count > 0
    assert value(scraped, "srnas_cache_hits_total") == progress.cached
    assert value(scraped, "srnas_gpu_seconds_total") == progress.gpu_s
    assert value(scraped, f'srnas_search_hypervolume{{search="{recorded.id}"}}') == progress.hypervolume
    assert value(scraped, "srnas_search_wait_seconds_count") == 1
    assert value(scraped, 'srnas_search_wait_seconds_bucket{le="+Inf"}') == 1
    device = make_worker("a").device
    assert value(scraped, f'srnas_workers{{device="{device}"}}') == 2
    assert value(scraped, f'srnas_workers_busy{{device="{device}"}}') == 1
    assert value(scraped, "srnas_controllers") == 1


def test_requests_are_counted_by_the_template_of_their_route(http: httpx.Client, recorded: Any) -> None:
    """So that neither ids nor strange paths and methods make new series."""
    for path in (f"/v1/searches/{recorded.id}", "/v1/searches/ffffffff", "/nowhere"):
        http.get(path)
    http.request("BREW", "/v1/searches")
    text = http.get("/metrics").text
    counted = 'srnas_http_requests_total{{method="{}",route="{}",status="{}"}}'
    assert value(text, counted.format("GET", "/v1/searches/{search_id}", 200)) == 1
    assert value(text, counted.format("GET", "/v1/searches/{search_id}", 404)) == 1
    assert value(text, counted.format("GET", "none", 404)) == 1
    assert "BREW" not in text
    assert "ffffffff" not in text
    count = 'srnas_http_request_duration_seconds_count{method="GET",route="/v1/searches/{search_id}"}'
    assert value(text, count) == 2


def test_open_metrics_are_told_to_whoever_asks_for_them(http: httpx.Client) -> None:
    answer = http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert http.get("/metrics").headers["content-type"].startswith("text/plain")


def test_open_event_streams_are_counted(http: httpx.Client, recorded: Any) -> None:
    with http.stream("GET", f"/v1/searches/{recorded.id}/events", headers={"Accept": "text/event-stream"}) as stream:
        next(stream.iter_lines())
        assert value(http.get("/metrics").text, "srnas_event_streams") == 1


def test_a_store_out_of_reach_is_a_figure_and_no_error(settings: ApiSettings, store: MemoryStore) -> None:
    class Away(MemoryStore):  # type: ignore[misc]  # final for users, not for this test
        def totals(self) -> Totals:
            raise StoreUnavailable("gone")

    with connect(create_app(settings, Away())) as http, capture_logs() as log:
        answer = http.get("/metrics")
    assert answer.status_code == 200
    assert value(answer.text, "srnas_up") == 0
    assert "srnas_searches" not in answer.text
    assert "srnas_build_info" in answer.text
    assert [entry["reason"] for entry in log if entry["log_level"] == "warning"] == ["gone"]


class Scripted:
    """An installation of many running searches that notes how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def totals(self) -> Totals:
        self.asked += 1
        running = {SearchId(f"{number:08x}"): Progress(hypervolume=1.0) for number in range(3 * MOST_LIVE)}
        return Totals(searches={SearchState.RUNNING: len(running)}, progress=Progress(failed=2), running=running)

    def workers(self) -> list[Worker]:
        return []


def test_the_store_is_asked_again_after_some_seconds_only() -> None:
    reads, clock = Scripted(), [100.0]
    installation = Installation(reads, lambda: clock[0])
    CollectorRegistry().register(installation)
    assert reads.asked == 0
    for passed_s, asked in ((0.0, 1), (KEPT_S / 2, 1), (KEPT_S / 2, 2)):
        clock[0] += passed_s
        assert list(installation.collect())
        assert reads.asked == asked


def test_many_running_searches_do_not_make_many_series() -> None:
    found = {family.name: family for family in Installation(Scripted()).collect()}
    assert len(found["srnas_search_hypervolume"].samples) == MOST_LIVE
    assert found["srnas_search_best_psnr_decibels"].samples == []


def test_failures_of_an_unknown_kind_are_not_left_out() -> None:
    (counts,) = [family for family in Installation(Scripted()).collect() if family.name == "srnas_evaluations"]
    assert {sample.labels["cause"]: sample.value for sample in counts.samples if sample.value > 0} == {"unknown": 2}


def test_every_process_has_metrics_of_its_own() -> None:
    first, second = Metrics(), Metrics()
    first.count("GET", None, 200, 0.1)
    name, labels = "srnas_http_requests_total", {"method": "GET", "route": "none", "status": "200"}
    assert first.registry.get_sample_value(name, labels) == 1
    assert second.registry.get_sample_value(name, labels) is None
