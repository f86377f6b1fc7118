"""The program of a worker process: greets, then runs one job after the other until its pool is gone.

Run as ``python -m evaluator.processes.serving HANDLE DEVICE THREADS``, by `member` alone: HANDLE is the inherited end
of a pipe. Jobs and images come through it, the greeting, reports and answers go back.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import traceback
from functools import partial
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from typing import Any

from ..data.sets import EvaluationData
from ..executor import Job
from ..outcome import Failure, Outcome
from ..pool.crew import Answer
from ..progress import TrainingProgress
from ..worker import Worker
from .images import Forget, Layout, receive

Jobs = SimpleQueue[tuple[Job, EvaluationData]]


def listen(connection: Connection, jobs: Jobs) -> None:
    """Take in what the pool sends until it closes the pipe or dies; then end this process, whatever it does."""
    images: dict[str, EvaluationData] = {}
    try:
        while True:
            match connection.recv():
                case Job() as job:
                    jobs.put((job, images[job.data_digest]))
                case Layout() as layout:
                    images[layout.digest] = receive(layout, connection)
                case Forget(digest):
                    images.pop(digest, None)
    except (EOFError, OSError):
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def send(connection: Connection, message: Any) -> None:
    """Tell the pool something, however long it takes to listen."""
    with contextlib.suppress(BrokenPipeError):  # the pool is gone, and `listen` about to end this process
        connection.send(message)


def offer(connection: Connection, report: TrainingProgress) -> None:
    """Tell the pool how far a job is, unless that would wait: a pool reads only when it is asked for completions."""
    if select.select([], [connection], [], 0)[1]:
        send(connection, report)


def serve(connection: Connection, worker: Worker) -> None:
    """Greet the pool, and answer job after job; never returns."""
    jobs: Jobs = SimpleQueue()
    Thread(target=listen, args=(connection, jobs), daemon=True).start()
    send(connection, worker.hello())
    while True:
        job, data = jobs.get()
        try:
            outcome: Outcome = worker.evaluate(job, data, report=partial(offer, connection))
        except Exception as error:
            outcome = Failure(kind="error", message=f"{type(error).__name__}: {error}")
        del data  # or an idle process would hold images that were unloaded
        send(connection, Answer(outcome))


def main(handle: int, device: str, threads: int) -> None:
    """Serve the pool at the other end of a pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the pool, which ends us
    os.set_inheritable(handle, False)
    serve(Connection(handle), Worker(device, threads))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
