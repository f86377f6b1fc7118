"""What an operator counts and measures, as Prometheus scrapes it: the installation's figures and this process's own.

Those of the installation are read from the store when they are asked for, at most every few seconds, and count all that
was ever recorded: no restart sets them back, and every web process tells the same.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Protocol

import structlog
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client import Counter as CounterMetric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from evaluator.outcome import HINTS
from nas.records import WAITS_S, Progress, SearchId, SearchState, Totals, TrainingStatus, Worker
from nas.store.base import StoreError

from .version import VERSION

KEPT_S = 5.0
"""For how long what was read from the store is told again."""

MOST_LIVE = 50
"""Running searches that have series of their own."""

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE, OTHER, UNKNOWN = "none", "other", "unknown"
"""What bears no label of its own, so that nobody can make series by asking for strange things."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would be a series more for each counter

_log = structlog.get_logger(__name__)


class Reads(Protocol):
    """What is needed of a service; see `nas.service.Service`."""

    def totals(self) -> Totals:
        """What all searches together have come to."""
        ...

    def workers(self) -> list[Worker]:
        """What every worker does now."""
        ...


@dataclass(frozen=True)
class Reading:
    """What the store said at one moment."""

    totals: Totals
    workers: list[Worker]


class Metrics:
    """The metrics of one web process, and through its store those of the installation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        Info("srnas_build", "The running version.", registry=self.registry).info({"version": VERSION})
        self._requests = CounterMetric(
            "srnas_http_requests_total",
            "Requests that were answered, by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "srnas_http_request_duration_seconds",
            "Time until an answer began, by route.",
            ("method", "route"),
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        self._streams = Gauge("srnas_event_streams", "Event streams open in this process.", registry=self.registry)

    def watch(self, reads: Reads, streams: Callable[[], int]) -> None:
        """Tell the figures of an installation too, and how many event streams are open."""
        self._streams.set_function(streams)
        self.registry.register(Installation(reads))

    def count(self, method: str, route: str | None, status: int, spent_s: float) -> None:
        """Take in that a request was answered."""
        known, name = method if method in METHODS else OTHER, route or NO_ROUTE
        self._requests.labels(known, name, status).inc()
        self._seconds.labels(known, name).observe(spent_s)


class Installation(Collector):
    """Tells what a store has recorded; one that does not answer makes ``srnas_up`` 0 and leaves the rest out.

    Args:
        reads: Where it is recorded.
        clock: Seconds that only grow.
    """

    def __init__(self, reads: Reads, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads, self._clock = reads, clock
        self._lock = threading.Lock()
        self._reading: Reading | None = None
        self._until = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Nothing: the store is not asked before the first scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The figures of now, or of a moment ago."""
        with self._lock:
            if self._clock() >= self._until:
                self._reading = self._read()
                self._until = self._clock() + KEPT_S
            reading = self._reading
        yield GaugeMetricFamily("srnas_up", "Whether the store answers.", value=reading is not None)
        if reading is not None:
            yield from _of_searches(reading.totals)
            yield _of_trainings(reading.totals)
            yield from _of_evaluations(reading.totals.progress)
            yield from _of_live_searches(reading.totals.running)
            yield from _of_workers(reading.workers)

    def _read(self) -> Reading | None:
        try:
            return Reading(self._reads.totals(), self._reads.workers())
        except StoreError as error:
            _log.warning("no figures of the store", reason=str(error))
            return None


def _of_searches(totals: Totals) -> Iterator[Metric]:
    states = GaugeMetricFamily("srnas_searches", "Searches, by state.", labels=["state"])
    for state in SearchState:
        states.add_metric([state.value], totals.searches.get(state, 0))
    yield states
    within = accumulate(totals.waits.get(bound_s, 0) for bound_s in WAITS_S)
    yield HistogramMetricFamily(
        "srnas_search_wait_seconds",
        "Time between the submission of a search and its first start.",
        buckets=[(_bound(bound_s), count) for bound_s, count in zip(WAITS_S, within, strict=True)],
        sum_value=totals.waited_s,
    )


def _of_trainings(totals: Totals) -> Metric:
    statuses = GaugeMetricFamily("srnas_full_trainings", "Full trainings, by status.", labels=["status"])
    for status in TrainingStatus:
        statuses.add_metric([status.value], totals.trainings.get(status, 0))
    return statuses


def _of_evaluations(progress: Progress) -> Iterator[Metric]:
    outcomes = CounterMetricFamily(
        "srnas_evaluations", "Candidates with an outcome, known ones included.", labels=["outcome", "cause"]
    )
    outcomes.add_metric(["scored", ""], progress.evaluated - progress.failed)
    unknown = max(0, progress.failed - sum(progress.failures.values()))  # counted before kinds were
    for cause, count in (dict.fromkeys(map(str, HINTS), 0) | dict(progress.failures) | {UNKNOWN: unknown}).items():
        outcomes.add_metric(["failed", cause], count)
    yield outcomes
    yield GaugeMetricFamily("srnas_evaluations_in_flight", "Candidates without an outcome yet.", progress.in_flight)
    counters = {
        "srnas_cache_hits": ("Outcomes that were known already.", progress.cached),
        "srnas_retries": ("Trainings that came to nothing and were tried again.", progress.retries),
        "srnas_training_steps": ("Optimiser steps taken.", progress.steps),
        "srnas_training_seconds": ("Time spent training, summed over workers.", progress.train_s),
        "srnas_validation_seconds": ("Time spent validating, summed over workers.", progress.validate_s),
        "srnas_gpu_seconds": ("Time of both that was spent on GPUs.", progress.gpu_s),
    }
    for name, (text, value) in counters.items():
        yield CounterMetricFamily(name, text, value)


def _of_live_searches(running: Mapping[SearchId, Progress]) -> Iterator[Metric]:
    volume = GaugeMetricFamily(
        "srnas_search_hypervolume", "Hypervolume of the front of a running search.", labels=["search"]
    )
    best = GaugeMetricFamily(
        "srnas_search_best_psnr_decibels", "Best PSNR of a feasible candidate of a running search.", labels=["search"]
    )
    for name, progress in islice(sorted(running.items()), MOST_LIVE):
        volume.add_metric([name], progress.hypervolume)
        if progress.best_psnr_db is not None:
            best.add_metric([name], progress.best_psnr_db)
    yield volume
    yield best


def _of_workers(workers: list[Worker]) -> Iterator[Metric]:
    there = GaugeMetricFamily("srnas_workers", "Workers heard of within a lease, by device.", labels=["device"])
    busy = GaugeMetricFamily("srnas_workers_busy", "Those of them that work on a candidate.", labels=["device"])
    working = Counter(worker.device for worker in workers if worker.busy)
    for device, count in sorted(Counter(worker.device for worker in workers).items()):
        there.add_metric([device], count)
        busy.add_metric([device], working[device])
    yield there
    yield busy
    owners = {worker.owner for worker in workers}
    yield GaugeMetricFamily("srnas_controllers", "Controllers whose workers were heard of.", len(owners))


def _bound(seconds: float) -> str:
    return "+Inf" if seconds == float("inf") else str(seconds)
