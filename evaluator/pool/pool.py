"""The executor over any crew: one queue, one job in flight for each worker, retries and time limits.

A crew holds no truth here: jobs queue in this process, and a worker that is lost takes nothing with it but the
attempt. The pool runs on the caller's thread; between calls it does nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import count

from ..data.sets import EvaluationData
from ..executor import Completion, Job, Ticket, WorkerInfo, refuse_closed, refuse_unloaded
from ..memory import MemoryBook
from ..outcome import Failure, Outcome
from ..progress import TrainingProgress
from ..worker import Hello
from .crew import Answer, Crew, Lost, Message
from .retrying import given_up, passes
from .roster import LOOK_S, Roster, not_started
from .slots import Limits, Slot
from .tasks import Task, TaskQueue

log = logging.getLogger(__name__)


class Pool:
    """Runs jobs on the workers of a crew; see `Executor` for what it guarantees.

    The pool follows the crew's places: a new one gets a worker within about a second of its appearance, and what ran
    at one that is gone is tried elsewhere. Every start counts in ``Completion.attempts``. Held against a job are
    errors, lost workers whose places still stand, since a node that left would have ended any job, and memory that it
    ran out of without others beside it.

    Jobs go to devices of the kind that their recipe names, oldest first, and to those first that run the fewest; one
    that no place can take waits, and is named once in the log. Where places share a device's memory, it is counted
    (see `SharedDevice`): a job that runs out of it beside others is tried again alone.

    Args:
        crew: Starts workers and speaks with them; closed with the pool.
        max_attempts: How often a job is started before it has failed, what is not held against it left out.
        start_timeout_s: Seconds in which a worker must be up.
        margin_s: A job is killed once it has run for twice its own time-out and this.
        silence_s: A training whose reports show no further step for so long is killed, and counts as lost.
        memory: Predicts the memory of jobs; None does not count memory.
        clock: Seconds, from any origin.

    Raises:
        ExecutorError: There are places, and no worker came up at any.
        WorkerMismatch: Every worker has other sources than this process. Where only some have, they are refused, with
            an error in the log, and the others go on.
    """

    def __init__(
        self,
        crew: Crew,
        *,
        max_attempts: int = 3,
        start_timeout_s: float = 120.0,
        margin_s: float = 60.0,
        silence_s: float = 600.0,
        memory: MemoryBook | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_attempts < 1:
            raise ValueError("a pool needs at least one attempt")
        self._crew = crew
        self._memory = memory
        self._clock = clock
        self._max_attempts = max_attempts
        self._limits = Limits(start_timeout_s=start_timeout_s, margin_s=margin_s, silence_s=silence_s)
        self._roster = Roster(crew, memory, clock)
        self._queue = TaskQueue()
        self._tasks: dict[Ticket, Task] = {}
        self._done: list[Completion] = []
        self._loaded: set[str] = set()
        self._tickets = count(1)
        self._closed = False
        self._collected_s = clock()
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @property
    def capacity(self) -> int:
        """The number of places, looked at once a second at most; 0 while there is none, or after `close`."""
        self._follow()
        return len(self._roster.slots)

    def load(self, data: EvaluationData) -> None:
        """Have the crew put images where every worker can read them."""
        refuse_closed(self._closed)
        if data.digest not in self._loaded:
            self._crew.load(data)
            self._loaded.add(data.digest)
            if self._memory is not None:
                self._memory.loaded(data)

    def unload(self, digest: str) -> None:
        """Have the crew let images go."""
        if digest in self._loaded:
            self._loaded.remove(digest)
            self._crew.unload(digest)

    def submit(self, job: Job) -> Ticket:
        """Queue a job."""
        refuse_closed(self._closed)
        refuse_unloaded(job, self._loaded)
        task = Task(Ticket(next(self._tickets)), job)
        self._tasks[task.ticket] = task
        self._queue.push(task)
        self._dispatch()
        return task.ticket

    def completed(self, timeout_s: float) -> list[Completion]:
        """Completions since the last call; waits up to ``timeout_s`` seconds for the first one.

        Raises:
            ExecutorError: No worker can be started anywhere, time after time; jobs stay queued.
        """
        deadline_s = self._clock() + timeout_s
        while True:
            self._follow()
            self._dispatch()
            if self._tasks and not self._done:
                self._wait(deadline_s)
            self._collect()
            self._end_overdue()
            if self._done or not self._tasks or self._clock() >= deadline_s:
                self._dispatch()
                done, self._done = self._done, []
                return done

    def cancel(self, ticket: Ticket) -> None:
        """Forget a job; the worker that runs it is killed and replaced."""
        self._done = [completion for completion in self._done if completion.ticket != ticket]
        if self._tasks.pop(ticket, None) is None:
            return
        self._queue.discard(ticket)
        for device in self._roster.devices.values():
            device.discard(ticket)
        for slot in self._roster.slots.values():
            if slot.task is not None and slot.task.ticket == ticket:
                self._roster.vacate(slot)
                self._roster.look_soon()

    def workers(self) -> list[WorkerInfo]:
        """The processes that are up, as the last call of `completed` saw them."""
        return [info for slot in self._roster.slots.values() if (info := slot.info) is not None]

    def close(self) -> None:
        """Kill every worker and close the crew."""
        if self._closed:
            return
        self._closed = True
        self._tasks.clear()
        self._done.clear()
        self._loaded.clear()
        self._queue = TaskQueue()
        self._roster.close()
        self._crew.close()

    # -- workers come and go ---------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Start a worker at every place and wait until all are up, or their time is over."""
        deadline_s = self._clock() + self._limits.start_timeout_s
        self._follow()
        while self._roster.starting or (self._roster.slots and not self.workers()):
            if self._clock() >= deadline_s:
                break
            self._wait(deadline_s)
            self._collect()
            self._follow()
        if self._roster.slots and not self.workers():
            raise not_started(f"no worker was up within {self._limits.start_timeout_s:g} s")

    def _follow(self) -> None:
        """Follow the places, once a second or when a worker was lost."""
        if self._closed or not self._roster.due:
            return
        for task in self._roster.look():
            log.warning("place lost: name=%s ticket=%d attempt=%d", task.worker, task.ticket, task.attempts)
            self._queue.push(task)
            if task.started:  # it may have waited for memory there
                task.set_back("node_left", "its node left")
                self._end_unlucky(task)
        for task in self._queue.beyond(self._roster.kinds):
            if not task.named:
                log.warning("no place for a job: ticket=%d device=%s", task.ticket, task.job.recipe.device)
                task.named = True
        self._roster.staff()

    def _wait(self, deadline_s: float) -> None:
        """Wait until a worker has said something, its time is over, places are to be looked at, or the deadline."""
        slots = self._roster.slots.values()
        until_s = min(deadline_s, self._roster.next_look_s, *(slot.limit_s(self._limits) for slot in slots))
        members = [slot.member for slot in slots if slot.member is not None]
        self._crew.wait(members, max(0.0, until_s - self._clock()))

    def _end_overdue(self) -> None:
        now_s = self._clock()
        for slot in list(self._roster.slots.values()):
            if slot.silent_s >= self._limits.silence_s:
                self._lost(slot, f"its training stood still for {slot.silent_s:.0f} s")
            if now_s < slot.limit_s(self._limits):
                continue
            if slot.task is None:
                self._roster.failed_start(slot, f"was not up within {self._limits.start_timeout_s:g} s")
            else:
                self._end_hung(slot, slot.task, now_s - slot.since_s)

    def _end_hung(self, slot: Slot, task: Task, ran_s: float) -> None:
        self._roster.vacate(slot)
        self._roster.look_soon()
        message = f"gave no sign for {ran_s:.0f} s and was killed"
        self._complete(task, Failure(kind="timeout", message=message, train_s=ran_s))

    # -- jobs ------------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Give waiting tasks to idle workers, first where the fewest run."""
        for task in self._roster.unpin():
            self._queue.push(task)
        for slot in self._roster.roomiest:
            kind, shared = slot.place.device, slot.shared
            ready = self._queue.pop(kind) if shared is None else shared.next(self._queue, kind)
            if ready is not None:
                self._roster.give(slot, ready)

    def _collect(self) -> None:
        """Take in all that workers have said; between calls of the pool nobody listens, so that is no silence."""
        now_s = self._clock()
        listened_s, self._collected_s = min(now_s - self._collected_s, LOOK_S), now_s
        for slot in list(self._roster.slots.values()):
            slot.listened(listened_s)
            for message in slot.member.messages() if slot.member is not None else ():
                self._take(slot, message)

    def _take(self, slot: Slot, message: Message) -> None:
        match message:
            case Hello():
                self._roster.welcome(slot, message)
            case TrainingProgress():
                slot.report(message)
            case Answer():
                self._answered(slot, message.outcome)
            case Lost():
                self._lost(slot, message.reason)

    def _answered(self, slot: Slot, outcome: Outcome) -> None:
        task = slot.task
        self._roster.finish(slot)
        if task is None:
            return
        if slot.shared is not None and slot.shared.retries(task, outcome):
            log.warning("out of memory, to run alone: ticket=%d attempt=%d", task.ticket, task.attempts)
            task.set_back("out_of_memory", "beside others on its device")
        elif isinstance(outcome, Failure) and passes(outcome) and self._faults(task) + 1 < self._max_attempts:
            log.warning("to be tried again: ticket=%d attempt=%d %s", task.ticket, task.attempts, outcome.message)
            task.set_back(outcome.kind, outcome.message)
            task.faults += 1
            self._queue.push(task)
        else:
            self._complete(task, outcome)

    def _lost(self, slot: Slot, reason: str) -> None:
        """Replace a worker that died, and try its task again."""
        if slot.starting:
            self._roster.failed_start(slot, f"died at its start: {reason}")
            return
        log.warning("worker lost: name=%s node=%s reason=%s", slot.name, slot.place.node, reason)
        task = self._roster.vacate(slot)
        self._roster.look_soon()
        if task is not None:
            task.lose(slot.name, reason)
            self._queue.push(task)  # first, for what comes next may raise
            self._follow()
            if not self._roster.standing([slot.name]):
                task.blame_node()
            self._end_unlucky(task)

    def _faults(self, task: Task) -> int:
        """How many starts of a task came to nothing and are held against it."""
        return task.faults + self._roster.standing(task.lost_at)

    def _end_unlucky(self, task: Task) -> None:
        """Take a task that was put back out of the queue again if it has lost too many workers."""
        failure = given_up(task, self._faults(task), self._max_attempts)
        if failure is not None:
            self._queue.discard(task.ticket)
            self._complete(task, failure)

    def _complete(self, task: Task, outcome: Outcome) -> None:
        del self._tasks[task.ticket]
        self._done.append(task.completion(outcome))
