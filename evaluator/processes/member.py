"""One worker process, seen from the pool: started, told what to do, heard and killed.

The process is a fresh interpreter, as with the "spawn" of multiprocessing, whose pipes and file handing are used here.
It is started by subprocess, for two things that spawn has not: an environment of its own, which must be complete before
the program starts, without changing this process's meanwhile; and no second import of the caller's main module, so that
any script, notebook or console may use it. No tensors travel, so torch.multiprocessing has nothing to add.
"""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from ..executor import Job
from ..pool.crew import Lost, Message
from ..progress import TrainingProgress
from .images import Forget, SharedImages
from .places import Post, worker_environment

GRACE_S = 5.0
"""Seconds that a process has to end: by itself once it closed its pipe, so that its exit code is told; or killed."""

PATIENCE_S = 10
"""Seconds that a process which is stopped in the middle of a message may hold the pool up."""


class ProcessMember:
    """A process that runs `serving`; see `Member` for what it promises.

    A process that ends, in whatever way, closes its end of the pipe, and so does ours when this process ends: either
    side notices at once.

    Args:
        post: Where it runs.
        environ: What its environment is made from.
        shelf: The images that are loaded, by digest; owned by the crew.
        patience_s: Whole seconds that reading or writing one message may stand still, at least 1; the process counts as
            lost after that.
    """

    def __init__(
        self,
        post: Post,
        environ: Mapping[str, str],
        shelf: Mapping[str, SharedImages],
        *,
        patience_s: int = PATIENCE_S,
    ) -> None:
        self._shelf = shelf
        self._told: set[str] = set()
        self._inbox: list[Message] = []
        self._gone = False
        ours, theirs = Pipe()
        _limit_blocking(ours, patience_s)
        with theirs:
            self._process = subprocess.Popen(
                _command(theirs.fileno(), post),
                env=worker_environment(post, environ),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output belongs to whoever called us
            )
        self.connection: Connection = ours

    @property
    def listening(self) -> bool:
        """Whether anything more may come."""
        return not self._gone

    @property
    def has_news(self) -> bool:
        """Whether there is a message that is more than a report."""
        return any(not isinstance(message, TrainingProgress) for message in self._inbox)

    def give(self, job: Job) -> None:
        """Send a job, and before it its images if they are new to the process."""
        with self._reached():
            if job.data_digest not in self._told:
                self._shelf[job.data_digest].send(self.connection, self._process.pid)
                self._told.add(job.data_digest)
            self.connection.send(job)

    def forget(self, digest: str) -> None:
        """Have the process let images go, if it was told of them."""
        if digest in self._told:
            self._told.remove(digest)
            with self._reached():
                self.connection.send(Forget(digest))

    def take_in(self) -> None:
        """Read all that there is, without waiting."""
        with self._reached():
            while not self._gone and self.connection.poll():
                self._inbox.append(self.connection.recv())

    def messages(self) -> list[Message]:
        """What it has said since the last call."""
        self.take_in()
        messages, self._inbox = self._inbox, []
        return messages

    @property
    def lingers(self) -> bool:
        """Whether the process was given up and is still there, as one is that waits for a device or a disk."""
        return self._gone and self._process.poll() is None

    def kill(self) -> None:
        """End the process at once; one that the system does not let go is left to `lingers`."""
        self._inbox.clear()
        if not self._gone:
            self._gone = True
            self._end()
            self.connection.close()

    def _end(self) -> int | None:
        """Kill the process; its exit code, None where it is still there after a moment."""
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        return self._process.poll()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Give the process up where its pipe fails; of one that was given up before, that means nothing."""
        try:
            yield
        except (EOFError, OSError) as error:
            if not self._gone:
                self._lose(error)

    def _lose(self, error: Exception) -> None:
        """Give the process up, and say how it ended."""
        self._gone = True
        self.connection.close()
        pid = self._process.pid
        if isinstance(error, BlockingIOError):
            self._end()
            self._inbox.append(Lost(f"process {pid} stood still in the middle of a message and was killed"))
            return
        try:
            code: int | None = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            code = self._end()
        self._inbox.append(Lost(f"process {pid} {_ending(code)}"))


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "closed its pipe, and cannot be killed"
    return f"ended with exit code {code}" if code >= 0 else f"ended with signal {signal.Signals(-code).name}"


def _limit_blocking(connection: Connection, seconds: int) -> None:
    """Have reading from or writing to a pipe raise `BlockingIOError` once it has stood still for so long."""
    with socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM) as end:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            end.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", seconds, 0))


def _command(handle: int, post: Post) -> list[str]:
    """How to start a worker that speaks through an inherited handle."""
    place = post.place
    return [sys.executable, "-P", "-m", "evaluator.processes.serving", str(handle), place.device, str(place.threads)]
