"""What runs in a worker process: one job after the other. Knows nothing of how it was started."""

from __future__ import annotations

import logging
import os
import platform
from dataclasses import dataclass

from .data.sets import EvaluationData
from .executor import DeviceLost, Job
from .outcome import Outcome
from .progress import Report
from .provenance import code_digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Hello:
    """What a worker says of itself once it is up.

    Attributes:
        pid: Its process number.
        node: The host name of its machine.
        code_digest: The sources it runs.
        device: Name of its device, as provenances carry it.
        device_memory_bytes: Memory of its GPU, free and used; 0 for a CPU.
    """

    pid: int
    node: str
    code_digest: str
    device: str = ""
    device_memory_bytes: int = 0


class Worker:
    """One process that evaluates.

    Args:
        device: Name of the torch device, "cpu" or "cuda".
        threads: Threads of torch.
    """

    def __init__(self, device: str, threads: int) -> None:
        self._device = device
        self._threads = threads

    def hello(self) -> Hello:
        """Import what evaluation needs, so that no job's clock runs meanwhile, and introduce the process."""
        # The first optimiser that a process makes has torch import its compiler, which takes seconds.
        import torch._dynamo  # noqa: F401

        from . import evaluate  # noqa: F401
        from .devices import device_name, memory_bytes

        return Hello(
            pid=os.getpid(),
            node=platform.node(),
            code_digest=code_digest(),
            device=device_name(self._device, self._threads),
            device_memory_bytes=memory_bytes(self._device),
        )

    def evaluate(self, job: Job, data: EvaluationData, report: Report | None = None) -> Outcome:
        """Run one job; see `evaluate.evaluate`. Where the device is lost, the process ends: a new one may find it."""
        from .evaluate import evaluate

        try:
            return evaluate(job, data, device=self._device, threads=self._threads, report=report)
        except DeviceLost:
            log.exception("worker ends: genotype=%s", job.genotype.digest)
            os._exit(1)  # a usual end would have torch tidy the device up
