"""Processes that are started again whenever they end, as a container is with `restart: unless-stopped`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable

RESTART_S, LONGEST_RESTART_S = 0.2, 3.0
"""Before a process is started again: longer each time that it did not live for `HEALTHY_S`."""
HEALTHY_S = 8.0
STOP_S = 10.0


class Supervised:
    """One process, in a session of its own, and what it left behind in that session swept away when it ends.

    Args:
        name: What it is called here.
        command: How it is started.
        environment: All of its variables.
        log: File that its output is appended to.
        user: Whom it runs as; who runs this when None.
        stop_with: The signal that ends it in good order.

    Attributes:
        starts: How often it was started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        user: str | None = None,
        stop_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name, self.log, self.starts = name, log, 0
        self._command, self._environment, self._user, self._stop_with = command, environment, user, stop_with
        self._pid: int | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name=f"supervisor of {name}", daemon=True)

    def start(self) -> None:
        """Start it, and from now on again and again."""
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """Its number while it is up."""
        return self._pid

    def send(self, number: signal.Signals) -> int | None:
        """Send it a signal; its number, or None if it was not up."""
        with self._lock:  # so that the number is still its own
            pid = self.pid
            if pid is not None:
                os.kill(pid, number)
            return pid

    def descendants(self) -> list[psutil.Process]:
        """Processes that it started, and that these did."""
        pid = self.pid
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).children(recursive=True) if pid is not None else []
        return []

    def stop(self) -> None:
        """End it for good."""
        self._stopping.set()
        if self._thread.ident is None:
            return
        self.send(signal.SIGCONT)
        self.send(self._stop_with)
        self._thread.join(STOP_S)
        self.send(signal.SIGKILL)
        self._thread.join()

    def _watch(self) -> None:
        pause_s = RESTART_S
        while not self._stopping.is_set():
            began_s = time.monotonic()
            self._live()
            pause_s = RESTART_S if time.monotonic() - began_s > HEALTHY_S else min(2 * pause_s, LONGEST_RESTART_S)
            self._stopping.wait(pause_s)

    def _live(self) -> None:
        """Start it, and wait until it has ended; the system gets its number back once nobody here uses it."""
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self._command,
                env=dict(self._environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
            )
        self.starts, self._pid = self.starts + 1, child.pid
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._pid = None
        sweep(child.pid)
        child.wait()


def sweep(session: int) -> None:
    """Kill all but the leader of a session."""
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError):
            if pid != session and os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)


def wait_until(met: Callable[[], bool], what: str, *, until_s: float, poll_s: float = 0.05) -> None:
    """Wait for something, at most until a time of the monotonic clock; `TimeoutError`."""
    while not met():
        if time.monotonic() > until_s:
            raise TimeoutError(f"in vain: {what}")
        time.sleep(poll_s)
