"""Which processes are killed, and when: drawn beforehand from one seed. And how each is done."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import psutil

from api.client import ApiError
from tests.chaos.processes import Supervised, wait_until
from tests.chaos.stack import LEASE_S, Stack

SHARES: Mapping[str, float] = {
    "worker": 0.39,
    "database": 0.20,
    "api": 0.20,
    "controller": 0.17,
    "head": 0.04,
}
"""What is killed how often; the dearer it is to start again, the rarer."""

PAUSES_PER_KILL = 1 / 30
PAUSED_S = 2.5 * LEASE_S
"""How long a controller is stopped: long enough for another to take its searches over."""

LATEST = 0.7
"""The last kill comes by this share of all trainings, so that there is something left to go wrong."""
LONGEST_DELAY_S = 0.8


T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Kill:
    """One that is planned.

    Attributes:
        moment: Lines of the journal after which it is due.
        delay_s: Seconds after that.
        kind: What is killed; "pause" only stops a controller for a while.
        draw: From 0 to 1: decides which one, where there are several.
    """

    moment: int
    delay_s: float
    kind: str
    draw: float


@dataclass(frozen=True)
class Killed:
    """One that was done.

    Attributes:
        kind: What was killed.
        which: Which one.
        pid: Its number.
        at_s: When, in seconds since the epoch.
        up: Numbers of the controllers that were up.
    """

    kind: str
    which: str
    pid: int
    at_s: float
    up: frozenset[int]


def plan(rng: np.random.Generator, kills: int, steps: int) -> list[Kill]:
    """So many kills and some pauses, at points of the work that are drawn evenly, in order.

    Points of the work, not of time: the same seed hits the same stretch of a search on a slow machine as on a fast one,
    and none comes too late.
    """
    counts = {kind: round(share * kills) for kind, share in SHARES.items()}
    counts["worker"] += kills - sum(counts.values())
    counts["pause"] = max(1, round(PAUSES_PER_KILL * kills))
    kinds = [kind for kind, number in counts.items() for _ in range(number)]
    moments = rng.integers(0, int(LATEST * steps), size=len(kinds)).tolist()
    delays_s, draws = rng.uniform(0, LONGEST_DELAY_S, len(kinds)).tolist(), rng.uniform(size=len(kinds)).tolist()
    return sorted(map(Kill, moments, delays_s, kinds, draws))


class Killer:
    """Carries kills out.

    Args:
        stack: Whose processes.
        until_s: Time of the monotonic clock at which it gives up.
    """

    def __init__(self, stack: Stack, until_s: float) -> None:
        self._stack, self._until_s = stack, until_s
        self._wakers: list[threading.Timer] = []
        self._dead: set[int] = set()
        """Workers that were killed, and may still be shown."""
        self._how: Mapping[str, Callable[[float], Killed]] = {
            "worker": self._worker,
            "database": lambda _: self._main("database", stack.database),
            "api": lambda _: self._main("api", stack.api),
            "controller": lambda draw: self._main("controller", one_of(stack.controllers, draw)),
            "head": self._head,
            "pause": self._pause,
        }

    def carry_out(self, kill: Kill) -> Killed:
        """Kill what the plan says; waits for it to be up."""
        return self._how[kill.kind](kill.draw)

    def close(self) -> None:
        """Let nobody stay stopped."""
        for waker in self._wakers:
            waker.join()

    def _main(self, kind: str, process: Supervised, number: signal.Signals = signal.SIGKILL) -> Killed:
        sent: list[int] = []

        def send() -> bool:
            pid = process.send(number)
            sent[:] = [] if pid is None else [pid]
            return bool(sent)

        wait_until(send, f"{process.name} is up", until_s=self._until_s)
        return self._killed(kind, process.name, sent[0])

    def _killed(self, kind: str, which: str, pid: int) -> Killed:
        up = frozenset(other.pid for other in self._stack.controllers if other.pid is not None)
        return Killed(kind, which, pid, time.time(), up - {pid})

    def _pause(self, draw: float) -> Killed:
        controller = one_of(self._stack.controllers, draw)
        paused = self._main("pause", controller, signal.SIGSTOP)
        waker = threading.Timer(PAUSED_S, self._wake, (controller, paused.pid))
        self._wakers.append(waker)
        waker.start()
        return paused

    def _wake(self, controller: Supervised, pid: int) -> None:
        if controller.pid == pid:
            controller.send(signal.SIGCONT)

    def _head(self, draw: float) -> Killed:
        """Kill Ray's head whole, or the one process of it that keeps the cluster's state, or its node's."""
        part = one_of(["", "gcs_server", "raylet"], draw)
        if not part:
            return self._main("head", self._stack.head)
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = [process for process in self._stack.head.descendants() if _name(process) == part]
            return bool(found)

        wait_until(there, f"the head has a {part}", until_s=self._until_s)
        with suppress(psutil.NoSuchProcess):
            found[0].kill()
        return self._killed("head", part, found[0].pid)

    def _worker(self, draw: float) -> Killed:
        """Kill a process that the service says is a worker, a busy one if there is any."""
        killed: list[Killed] = []

        def kill_one() -> bool:
            shown = self._shown_workers()
            if shown:
                pid = one_of(shown, draw)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self._dead.add(pid)
                    killed.append(self._killed("worker", f"pid {pid}", pid))
            return bool(killed)

        wait_until(kill_one, "the service shows a worker that is alive", until_s=self._until_s, poll_s=0.2)
        return killed[0]

    def _shown_workers(self) -> list[int]:
        """Numbers of workers that the service shows and that are indeed processes of our node."""
        ours = {process.pid for process in self._stack.node.descendants() if _name(process).startswith("ray::")}
        ours -= self._dead
        try:
            with self._stack.client("admin") as client:
                workers = [worker for worker in client.workers() if worker.pid in ours]
        except ApiError:
            return []
        return sorted(worker.pid for worker in workers if worker.state == "busy") or sorted(w.pid for w in workers)


def one_of(things: list[T], draw: float) -> T:
    """The one that a number from 0 to 1 falls on."""
    return things[min(int(draw * len(things)), len(things) - 1)]


def _name(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return str(process.name())
    return ""
