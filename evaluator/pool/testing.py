"""For tests: a crew without processes, whose time is a number. A test can lose a hundred nodes a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import count

from ..data.sets import EvaluationData
from ..executor import Job
from ..provenance import code_digest
from ..worker import Hello
from .crew import Lost, Member, Message, Place

Lines = Sequence[tuple[float, Message]]
"""What a member says, and how many seconds after it was asked."""


class Clock:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


class ScriptedMember:
    """A worker that says what its crew's script tells it to, when it is time."""

    def __init__(self, crew: ScriptedCrew, place: Place, pid: int) -> None:
        self.place, self.pid = place, pid
        self.jobs: list[Job] = []
        self._crew = crew
        self._lines: list[tuple[float, Message]] = []
        self._gone = False
        self._say(crew.greeting(self))

    @property
    def next_s(self) -> float:
        """When it says its next line; infinite when nothing is left to say."""
        return self._lines[0][0] if self._lines else math.inf

    def give(self, job: Job) -> None:
        """Take a job in."""
        self.jobs.append(job)
        self._say(self._crew.script(job, self.place))

    def messages(self) -> list[Message]:
        """What it has said."""
        now_s = self._crew.clock.now_s
        said = [message for at_s, message in self._lines if at_s <= now_s]
        self._lines = [line for line in self._lines if line[0] > now_s]
        return said

    def lose(self, reason: str = "killed from outside") -> None:
        """End it as if by an accident; nothing more comes from it but `Lost`."""
        if not self._gone:
            self._gone, self._lines = True, [(self._crew.clock.now_s, Lost(reason))]

    def kill(self) -> None:
        """End it."""
        self._gone, self._lines = True, []

    def _say(self, lines: Lines) -> None:
        if not self._gone:
            self._lines += [(self._crew.clock.now_s + delay_s, message) for delay_s, message in lines]


class ScriptedCrew:
    """A crew in memory; see `Crew` for what it guarantees.

    Args:
        clock: Its time; waiting moves it.
        script: What a member says to a job, by job and place.
        places: Where members may be hired; tests change the list.

    Attributes:
        members: Everybody who was ever hired, in order.
        loaded: Digests of the images that are there.
        digest: The sources that members greet with.
        device_memory_bytes: What members on a shared device greet with.
        start_s: Seconds until a member greets; infinite for never.
    """

    def __init__(self, clock: Clock, script: Callable[[Job, Place], Lines], places: list[Place]) -> None:
        self.clock = clock
        self.script = script
        self.sites = places
        self.members: list[ScriptedMember] = []
        self.loaded: set[str] = set()
        self.digest = code_digest()
        self.device_memory_bytes = 0
        self.start_s = 0.0
        self.closed = False
        self._pids = count(1)

    def places(self) -> Sequence[Place]:
        """Those that tests left in the list."""
        return tuple(self.sites)

    def hire(self, place: Place) -> Member:
        """Make a member, which is lost at once where there is no such place."""
        member = ScriptedMember(self, place, next(self._pids))
        self.members.append(member)
        if place not in self.sites:
            member.lose("there is no such place")
        return member

    def greeting(self, member: ScriptedMember) -> Lines:
        """What a new member says."""
        place = member.place
        memory_bytes = self.device_memory_bytes if place.shared else 0
        hello = Hello(pid=member.pid, node=place.node, code_digest=self.digest, device_memory_bytes=memory_bytes)
        return [(self.start_s, hello)] if self.start_s < math.inf else []

    def wait(self, members: Sequence[Member], timeout_s: float) -> None:
        """Let time pass until a member speaks, or to the end."""
        speaks_s = min((m.next_s for m in members if isinstance(m, ScriptedMember)), default=math.inf)
        self.clock.now_s = max(self.clock.now_s, min(speaks_s, self.clock.now_s + timeout_s))

    def load(self, data: EvaluationData) -> None:
        """Remember the digest."""
        self.loaded.add(data.digest)

    def unload(self, digest: str) -> None:
        """Forget the digest."""
        self.loaded.discard(digest)

    def close(self) -> None:
        """Remember that."""
        self.closed = True

    # -- what tests do to it ---------------------------------------------------------------------------------------

    def at(self, name: str) -> ScriptedMember:
        """The member that was hired last for a place."""
        return next(member for member in reversed(self.members) if member.place.name == name)

    def remove_node(self, node: str) -> None:
        """Take a machine away, with all who work there."""
        self.sites = [place for place in self.sites if place.node != node]
        for member in self.members:
            if member.place.node == node:
                member.lose(f"{node} is gone")
