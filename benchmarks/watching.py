"""When the jobs of an executor came and went, and how busy that kept its workers. Trusts no clock but one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, Executor, Job, Ticket, WorkerInfo


@dataclass(frozen=True, kw_only=True)
class Span:
    """One job, by the clock of whoever handed it over.

    Attributes:
        submitted_s: When it was handed to the executor.
        ended_s: When its completion was handed back.
        busy_s: How long a worker had it.
    """

    submitted_s: float
    ended_s: float
    busy_s: float


class Watched:
    """An executor that notes when its jobs came and went; see `Executor`.

    Args:
        executor: Does the work.
        clock: Seconds, from any origin.
        cpu: CPU seconds of this process, from any origin.

    Attributes:
        spans: The jobs that ended, in that order.
        cpu_s: CPU seconds of this process between the first submission and the last completion.
    """

    def __init__(
        self,
        executor: Executor,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self._executor, self._clock, self._cpu = executor, clock, cpu
        self._submitted_s: dict[Ticket, float] = {}
        self._cpu_began_s: float | None = None
        self.spans: list[Span] = []
        self.cpu_s = 0.0

    @property
    def capacity(self) -> int:
        """As the executor has it."""
        return self._executor.capacity

    def workers(self) -> list[WorkerInfo]:
        """As the executor has them."""
        return self._executor.workers()

    def load(self, data: EvaluationData) -> None:
        """Pass on."""
        self._executor.load(data)

    def unload(self, digest: str) -> None:
        """Pass on."""
        self._executor.unload(digest)

    def submit(self, job: Job) -> Ticket:
        """Note the time, and pass on."""
        now_s = self._clock()
        if self._cpu_began_s is None:
            self._cpu_began_s = self._cpu()
        ticket = self._executor.submit(job)
        self._submitted_s[ticket] = now_s
        return ticket

    def completed(self, timeout_s: float) -> list[Completion]:
        """Pass on, and note the time."""
        completions = self._executor.completed(timeout_s)
        now_s = self._clock()
        if completions and self._cpu_began_s is not None:
            self.cpu_s = self._cpu() - self._cpu_began_s
        for completion in completions:
            submitted_s, busy_s = self._submitted_s.pop(completion.ticket), completion.outcome.train_s
            self.spans.append(Span(submitted_s=submitted_s, ended_s=now_s, busy_s=busy_s))
        return completions

    def cancel(self, ticket: Ticket) -> None:
        """Pass on."""
        self._executor.cancel(ticket)

    def close(self) -> None:
        """Pass on."""
        self._executor.close()


@dataclass(frozen=True, kw_only=True)
class Busy:
    """How busy workers were.

    Attributes:
        jobs: Jobs that ended.
        wall_s: From the first submission to the last completion.
        whole_share: Busy seconds / (workers x wall), idle workers at the end included.
        steady_s: From when every worker had work to the last submission.
        steady_share: The same share of that time alone.
        gap_ms: Milliseconds for which a worker had nothing to do, for each job that ended in that time.
        shortest_s: Of the jobs.
        longest_s: Of the jobs.
        mean_s: Of the jobs.
    """

    jobs: int
    wall_s: float
    whole_share: float
    steady_s: float
    steady_share: float
    gap_ms: float
    shortest_s: float
    longest_s: float
    mean_s: float


def busy(spans: Sequence[Span], workers: int) -> Busy:
    """How busy so many workers were with these jobs, more than workers.

    A worker is taken to have had a job for the last of the time before its completion was handed back: the way of the
    answer counts as idle before the job rather than after it.
    """
    submitted = sorted(span.submitted_s for span in spans)
    full_s, last_ask_s = submitted[workers - 1], submitted[-1]
    wall_s, steady_s = max(span.ended_s for span in spans) - submitted[0], last_ask_s - full_s
    within_s = sum(max(0.0, min(span.ended_s, last_ask_s) - max(span.ended_s - span.busy_s, full_s)) for span in spans)
    ended = sum(full_s < span.ended_s <= last_ask_s for span in spans)
    lengths = [span.busy_s for span in spans]
    return Busy(
        jobs=len(spans),
        wall_s=wall_s,
        whole_share=sum(lengths) / (workers * wall_s),
        steady_s=steady_s,
        steady_share=within_s / (workers * steady_s),
        gap_ms=1000 * (workers * steady_s - within_s) / max(1, ended),
        shortest_s=min(lengths),
        longest_s=max(lengths),
        mean_s=sum(lengths) / len(lengths),
    )
