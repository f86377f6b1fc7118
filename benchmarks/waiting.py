"""A worker that waits instead of training: as long as a network's mult-adds say, within a spread of ten.

Imports nothing heavy, since each of many processes does.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import replace

from evaluator.data.sets import EvaluationData
from evaluator.executor import Job
from evaluator.outcome import Outcome, Success
from evaluator.progress import Report
from evaluator.provenance import code_digest
from evaluator.testing import synthetic
from evaluator.worker import Hello
from search_space.cost import mult_adds
from search_space.genotype import Genotype

CHEAPEST, SPREAD = 20e9, 10.0
"""Mult-adds below which a training takes no less time, and how many times longer the longest takes."""


def relative_duration(genotype: Genotype) -> float:
    """How many times longer than the shortest a network's training is: 1 to 10, in proportion to its mult-adds."""
    return min(SPREAD, max(1.0, mult_adds(genotype, scale=2, channels=1) / CHEAPEST))


class WaitingWorker:
    """What runs in a worker process: a training of which each step takes a millisecond of the cheapest network.

    Args:
        device: Is not used.
        threads: Is not used.
    """

    def __init__(self, device: str, threads: int) -> None:
        self._device, self._threads = device, threads

    def hello(self) -> Hello:
        """Introduce the process; nothing heavy is imported."""
        return Hello(pid=os.getpid(), node=platform.node(), code_digest=code_digest())

    def evaluate(self, job: Job, data: EvaluationData, report: Report | None = None) -> Outcome:  # noqa: ARG002
        """Wait, then make scores up; `Success.train_s` is what the wait took."""
        began_s = time.monotonic()
        time.sleep(job.recipe.steps / 1000 * relative_duration(job.genotype))
        outcome = synthetic(job)
        assert isinstance(outcome, Success)
        return replace(outcome, train_s=time.monotonic() - began_s, validate_s=0.0)
