"""Who is there: a slot for each place of a crew, as places come and go, and a worker in each. Knows no queue."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable

from ..executor import ExecutorError, WorkerMismatch
from ..memory import MemoryBook
from ..provenance import code_digest
from ..worker import Hello
from .crew import Crew
from .sharing import SharedDevice
from .slots import Slot
from .tasks import Task

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Seconds between two looks at the places."""

MAX_START_FAILURES = 3

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60.0, 1800.0
"""For how long a place is left alone where that many starts in a row failed: twice as long each time."""


class Roster:
    """The slots of a pool.

    A place where a worker runs other sources is given up: it is logged, and used no more. One where workers fail to
    start time after time is given up for a while. Only when none is left does that raise; every place is then tried
    anew.

    Args:
        crew: Says where workers may run, and starts them.
        memory: Predicts the memory of jobs on devices that workers share; None does not count memory.
        clock: Seconds, from any origin.

    Attributes:
        slots: One for each place that is in use, by name.
        idle: Those among them whose worker waits for a task.
        devices: Devices that share their memory, by name.
        next_look_s: When the places are looked at again.
    """

    def __init__(self, crew: Crew, memory: MemoryBook | None, clock: Callable[[], float]) -> None:
        self._crew = crew
        self._memory = memory
        self._clock = clock
        self._given_up: dict[str, float] = {}
        """Until when, by name."""
        self._pauses_s: dict[str, float] = {}
        """For how long last, by names of places where no worker came up since."""
        self.slots: dict[str, Slot] = {}
        self.idle: dict[str, Slot] = {}
        self.devices: dict[str, SharedDevice] = {}
        self.next_look_s = clock()

    @property
    def due(self) -> bool:
        """Whether it is time to look at the places."""
        return self._clock() >= self.next_look_s

    @property
    def kinds(self) -> set[str]:
        """The kinds of devices that there are."""
        return {slot.place.device for slot in self.slots.values()}

    @property
    def starting(self) -> bool:
        """Whether any worker was started and not heard of yet."""
        return any(slot.starting for slot in self.slots.values())

    @property
    def roomiest(self) -> list[Slot]:
        """The idle slots, first those beside which the fewest tasks would run if each got one."""
        running = Counter({name: device.running for name, device in self.devices.items()})
        beside: dict[str, int] = {}
        for slot in self.idle.values():
            beside[slot.name] = running[slot.place.shared] if slot.shared is not None else 0
            running[slot.place.shared] += 1
        return sorted(self.idle.values(), key=lambda slot: beside[slot.name])

    def unpin(self) -> list[Task]:
        """Take what waits for memory from all devices, if an idle worker's device runs nothing; there it has room."""
        if not any(slot.shared is not None and not slot.shared.running for slot in self.idle.values()):
            return []
        return [task for device in self.devices.values() for task in device.abandon()]

    def standing(self, names: Iterable[str]) -> int:
        """How many of these places are still in use."""
        return sum(name in self.slots for name in names)

    def look(self) -> list[Task]:
        """Follow the places: each gets a slot, which `staff` then fills. Changes nothing where the crew raises.

        Returns:
            What ran at places that are gone, or waited for their memory.
        """
        now_s = self._clock()
        self.next_look_s = now_s + LOOK_S
        places = {place.name: place for place in self._crew.places() if self._given_up.get(place.name, now_s) <= now_s}
        gone = [slot for name, slot in self.slots.items() if name not in places]
        displaced = [task for slot in gone if (task := self._remove(slot))]
        for name, place in places.items():
            if name not in self.slots:
                self.slots[name] = Slot(place, self._device(place.shared))
        return displaced + self._abandoned()

    def staff(self) -> None:
        """Start a worker in every slot that is empty; what the crew raises is a failed start."""
        for slot in list(self.slots.values()):
            if slot.member is None:
                try:
                    slot.hire(self._crew, self._clock())
                except Exception as error:
                    self.failed_start(slot, f"could not be started: {type(error).__name__}: {error}")

    def look_soon(self) -> None:
        """Make a look due, however short ago the last one was."""
        self.next_look_s = self._clock()

    def welcome(self, slot: Slot, hello: Hello) -> None:
        """Take a worker into service, if it would score as this process would."""
        if hello.code_digest == code_digest():
            slot.welcome(hello)
            self._pauses_s.pop(slot.name, None)
            self.idle[slot.name] = slot
            return
        error = WorkerMismatch(
            f"{slot.name} on {hello.node} runs other sources: {hello.code_digest}, here {code_digest()}",
            retryable=False,
            hint="install the same version of srnas on every node, or set PYTHONPATH alike",
        )
        self._give_up(slot, error, math.inf)

    def failed_start(self, slot: Slot, what: str) -> None:
        """Leave the slot to the next look, or its place alone for a while when this has happened too often."""
        log.warning("worker failed to start: name=%s node=%s reason=%s", slot.name, slot.place.node, what)
        self.vacate(slot)
        slot.failed_starts += 1
        if slot.failed_starts >= MAX_START_FAILURES:
            pause_s = min(2 * self._pauses_s.get(slot.name, FIRST_PAUSE_S / 2), LONGEST_PAUSE_S)
            self._pauses_s[slot.name] = pause_s
            self._give_up(slot, not_started(f"{slot.name} {what}"), pause_s)

    def give(self, slot: Slot, task: Task) -> None:
        """Have an idle worker run a task."""
        del self.idle[slot.name]
        slot.give(task, self._clock())

    def finish(self, slot: Slot) -> None:
        """The worker has answered and waits for the next task."""
        slot.finish()
        self.idle[slot.name] = slot

    def vacate(self, slot: Slot) -> Task | None:
        """Kill a worker, whatever it is doing; what it ran. The next look brings another one."""
        self.idle.pop(slot.name, None)
        return slot.vacate()

    def close(self) -> None:
        """Kill every worker."""
        for slot in list(self.slots.values()):
            self._remove(slot)

    def _give_up(self, slot: Slot, error: ExecutorError, pause_s: float) -> None:
        self._remove(slot)
        self._given_up[slot.name] = self._clock() + pause_s
        if not self.slots:
            self._given_up.clear()
            raise error
        log.error("place given up: name=%s node=%s for_s=%g reason=%s", slot.name, slot.place.node, pause_s, error)

    def _remove(self, slot: Slot) -> Task | None:
        log.info("place left: name=%s node=%s", slot.name, slot.place.node)
        del self.slots[slot.name]
        return self.vacate(slot)

    def _device(self, name: str) -> SharedDevice | None:
        if not name or self._memory is None:
            return None
        return self.devices.setdefault(name, SharedDevice(self._memory))

    def _abandoned(self) -> list[Task]:
        """Drop the devices that no slot is left of; what waited for them."""
        used = {slot.place.shared for slot in self.slots.values()}
        unused = [name for name in self.devices if name not in used]
        return [task for name in unused for task in self.devices.pop(name).abandon()]


def not_started(message: str) -> ExecutorError:
    """The error of workers that do not come up."""
    return ExecutorError(message, retryable=True, hint="look at what the workers' processes wrote before they ended")
