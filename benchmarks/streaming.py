"""Have many clients follow one search while things happen in it, and see whether everybody is told everything.

    python -m benchmarks.streaming [--clients 200] [--seconds 60] [--rate 10] [--database URL]

The web process is started as `srnas api` starts it; this process is all the clients, and writes the events. Every other
client hangs up in between and comes back with `Last-Event-ID`. At the end the search is completed: every stream has to
end, and a client that comes back once more has to be answered 204. Prints the delays from before an event was written
until a client had read it (one process, one clock) and the memory of the web process; exits with 1 where a client
missed an event, had one twice or in another order, or was not sent away at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from api.client import Client
from api.following import Unpacking
from api.testing import SPEC
from nas.records import Event, SearchId, SearchState
from nas.store.base import Lease, Store
from nas.store.opening import open_store

PHOTOS = Path(__file__).resolve().parents[1] / "examples" / "photos"
START_S, STOP_S = 60.0, 30.0
"""How long the web process may take to start and to stop."""

LEASE_S = 86_400.0
KIND = "measured"
"""Of the events that are written."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is done to the service.

    Attributes:
        clients: Streams at once.
        seconds: For how long events are written.
        rate: Events a second.
        database: URL of the database; a SQLite file in a new folder if empty.
    """

    clients: int = 200
    seconds: float = 60.0
    rate: float = 10.0
    database: str = ""


@dataclass
class Follower:
    """What one client has seen.

    Attributes:
        ordinals: Numbers of the events, in the order in which they came.
        delays_s: From before an event was written until it was read, for those that were written meanwhile.
        connections: How often it connected; the last time it was sent away.
        dismissed: Whether that was with 204.
    """

    ordinals: list[int] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    connections: int = 0
    dismissed: bool = False


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it.

    Attributes:
        expected: Numbers of the events that there were.
        followers: What each client has seen.
        memory_mib: Of the web process, by moment; empty where the system does not tell.
        log: What the web process wrote on stderr.
        status: Its exit status after SIGTERM.
    """

    expected: list[int]
    followers: Sequence[Follower]
    memory_mib: dict[str, float]
    log: str
    status: int

    @property
    def wrong(self) -> list[int]:
        """The clients that did not see every event once and in order, or were not sent away at the end."""
        return [
            number for number, one in enumerate(self.followers) if one.ordinals != self.expected or not one.dismissed
        ]

    def delay_ms(self, share: float) -> float:
        """The delay that so large a share of the deliveries stayed within."""
        delays = sorted(delay for one in self.followers for delay in one.delays_s)
        return 1000 * delays[min(len(delays) - 1, int(share * len(delays)))]


@contextmanager
def web_process(home: Path, database: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A web process of its own, its URL, and its log as ``home/web.log``; SIGTERM afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api", "api", "--port", str(port), "--home", str(home)]
    command += ["--images-root", str(PHOTOS.parent), "--database-url", database]
    with (home / "web.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            if not _ready(f"http://127.0.0.1:{port}", process):
                raise SystemExit(f"the web process did not start:\n{(home / 'web.log').read_text()}")
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.terminate()
            process.wait(STOP_S)


def _ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether a service answers there within `START_S`."""
    deadline = time.monotonic() + START_S
    with Client(url) as client:
        while not client.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.1)
    return True


def measure(load: Load) -> Found:
    """Put a load on a service of its own, and look what came of it."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        database = load.database or f"sqlite:///{home / 'streaming.sqlite'}"
        with web_process(home, database) as (url, process), closing(open_store(database)) as store:
            with Client(url) as client:
                search = client.submit(SPEC)
            lease = store.claim_search("benchmark", at=_now(), lease_s=LEASE_S, only=SearchId(search.id))
            assert lease is not None, "nobody else takes it"
            memory = {"before": _memory_mib(process.pid)}
            followers = asyncio.run(_run(load, url, store, lease, memory, process.pid))
            memory["after"] = _memory_mib(process.pid)
            expected = [event.ordinal for event in _every_event(store, lease)]
        log = (home / "web.log").read_text(encoding="utf-8")
    told = {moment: mib for moment, mib in memory.items() if mib is not None}
    return Found(expected=expected, followers=followers, memory_mib=told, log=log, status=process.returncode)


async def _run(
    load: Load, url: str, store: Store, lease: Lease, memory: dict[str, float | None], pid: int
) -> list[Follower]:
    followers = [Follower() for _ in range(load.clients)]
    path, count = f"/v1/searches/{lease.search_id}/events", round(load.seconds * load.rate)
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with (
        httpx.AsyncClient(base_url=url, limits=limits, timeout=60.0, trust_env=False) as http,
        asyncio.TaskGroup() as tasks,
    ):
        for number, follower in enumerate(followers):
            leaves_at = random.Random(number).randint(count // 4, 3 * count // 4) if number % 2 else None
            tasks.create_task(_follow(http, path, follower, leaves_at))
        while any(not follower.ordinals for follower in followers):
            await asyncio.sleep(0.05)
        memory["connected"] = _memory_mib(pid)
        await _write(store, lease, count, 1 / load.rate, memory, pid)
        memory["end"] = _memory_mib(pid)
        await asyncio.to_thread(store.end_search, lease, SearchState.COMPLETED, at=_now())
    return followers


async def _write(
    store: Store, lease: Lease, count: int, every_s: float, memory: dict[str, float | None], pid: int
) -> None:
    began_s = time.monotonic()
    for number in range(count):
        await asyncio.sleep(began_s + number * every_s - time.monotonic())
        detail = {"number": number, "written_s": time.monotonic(), "about": "x" * 200}
        await asyncio.to_thread(store.record_event, lease, KIND, detail, at=_now())
        if number == count // 2:
            memory["middle"] = _memory_mib(pid)


async def _follow(http: httpx.AsyncClient, path: str, follower: Follower, leaves_at: int | None) -> None:
    """Follow to the end, and come back until there is nothing to come back for; hang up once after so many events."""
    last_id: str | None = None
    while not follower.dismissed:
        headers = {"Accept": "text/event-stream"} | ({} if last_id is None else {"Last-Event-ID": last_id})
        async with http.stream("GET", path, headers=headers) as stream:
            stream.raise_for_status()
            follower.connections += 1
            follower.dismissed = stream.status_code == httpx.codes.NO_CONTENT
            unpacking = Unpacking(last_id)
            async for chunk in stream.aiter_bytes():
                for event in unpacking.feed(chunk):
                    follower.ordinals.append(event.ordinal)
                    if event.kind == KIND:
                        follower.delays_s.append(time.monotonic() - event.detail["written_s"])
                if leaves_at is not None and len(follower.ordinals) > leaves_at:
                    leaves_at = None
                    break
            last_id = unpacking.last_id


def _every_event(store: Store, lease: Lease) -> Iterator[Event]:
    after = 0
    while page := store.events(lease.search_id, after=after):
        yield from page
        after = page[-1].ordinal


def _memory_mib(pid: int) -> float | None:
    """Memory that a process has resident, where the system tells."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return None if found is None else int(found[1]) / 1024


def _now() -> datetime:
    return datetime.now(UTC)


def report(load: Load, found: Found) -> str:
    """The figures as a Markdown table."""
    deliveries = sum(len(one.ordinals) for one in found.followers)
    returns = sum(one.connections - 2 for one in found.followers)
    rows = {
        "clients": f"{load.clients}, of which {returns} hung up once and came back",
        "events": f"{len(found.expected):,} in {load.seconds:g} s",
        "deliveries": f"{deliveries:,}, {load.clients * len(found.expected) - deliveries} missing",
        "clients with another sequence": str(len(found.wrong)),
        "delay, ms": ", ".join(f"p{100 * share:g} {found.delay_ms(share):.0f}" for share in (0.5, 0.9, 0.99, 1.0)),
        "web process, MiB": ", ".join(f"{moment} {mib:.1f}" for moment, mib in found.memory_mib.items()),
        "load average": f"{os.getloadavg()[0]:.1f}",
    }
    return "\n".join(["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="(default: %(default)s)")
    parser.add_argument("--rate", type=float, default=10.0, help="events a second (default: %(default)s)")
    parser.add_argument("--database", default="", help="URL; a new SQLite file by default")
    load = Load(**vars(parser.parse_args()))
    found = measure(load)
    print(report(load, found))
    if found.wrong:
        sys.exit(f"clients {found.wrong} were not told every event once and in order, or not sent away")


if __name__ == "__main__":
    main()
