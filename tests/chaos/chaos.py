"""One round of chaos: an installation, searches, kills, and what must hold afterwards."""

from __future__ import annotations

import platform
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nas.store.base import StoreUnavailable
from tests.chaos import verdict
from tests.chaos.kills import Killed, Killer, plan
from tests.chaos.people import Onlooker, Person
from tests.chaos.processes import wait_until
from tests.chaos.searches import Course, course_of, specs, undisturbed
from tests.chaos.stack import LEASE_S, PEOPLE, WORKERS, Stack, short_folder

EVALUATIONS_PER_KILL = 4
"""Budget of all searches together: enough work between two kills for both to matter."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a round was like.

    Attributes:
        killed: Every kill and pause while a search was still running, in order.
        starts: How often each process was started.
        retraining: Over all searches.
        takeovers: Of searches whose controller was killed or stopped.
        answers: How often the pages that were looked at gave each status.
        events: Events of all searches.
        work_s: Seconds from the first submission to the end of the last search.
        all_s: Seconds of the whole round.
    """

    killed: Sequence[Killed]
    starts: Mapping[str, int]
    retraining: verdict.Retraining
    takeovers: Sequence[verdict.Takeover]
    answers: Mapping[str, int]
    events: int
    work_s: float
    all_s: float

    @property
    def kills(self) -> int:
        """How many processes were killed; pauses are not counted."""
        return sum(killed.kind != "pause" for killed in self.killed)

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(k.kind for k in self.killed).most_common())
        rows = {
            "kills": f"{self.kills} ({kinds})",
            "starts": ", ".join(f"{name} {number}" for name, number in self.starts.items()),
            "trainings": f"{self.retraining.trained}, of which {self.retraining.again} were taken again "
            f"(at most {self.retraining.excused} could be)",
            "takeovers": f"{_seconds(self.takeovers, True)} by a controller that was up (lease: {LEASE_S:g} s); "
            f"{_seconds(self.takeovers, False)} by one that had to start first",
            "events": f"{self.events}, each seen once by whoever followed",
            "answers": ", ".join(f"{status}: {number}" for status, number in sorted(self.answers.items())),
            "seconds": f"{self.work_s:.0f} of work, {self.all_s:.0f} in all",
        }
        return "\n".join(f"  {name:<10} {value}" for name, value in rows.items())


def run(*, seed: int, kills: int, images_root: Path, timeout_s: float, say: Say = lambda _: None) -> Report:
    """Let searches run through so many kills, and check all that must hold; `AssertionError`, `TimeoutError`.

    Args:
        seed: Decides the searches and the kills.
        kills: How many.
        images_root: Has a folder "photos".
        timeout_s: Seconds after which it has failed.
        say: Told what happens.
    """
    began_s = time.monotonic()
    documents = specs(max(20, EVALUATIONS_PER_KILL * kills // 3), seed)
    with short_folder() as home:
        expected, trainings = undisturbed(documents.values(), home / "undisturbed", images_root)
        say(f"undisturbed: {trainings} trainings in {time.monotonic() - began_s:.0f} s")
        stack = Stack(home, images_root)
        try:
            stack.start()
            say(f"up after {time.monotonic() - began_s:.0f} s; everything is in {home}")
            round_ = Round(stack, documents, until_s=began_s + timeout_s, say=say)
            round_.disturb(plan(np.random.default_rng(seed), kills, 2 * trainings))
            return round_.judge(expected, began_s)
        finally:
            stack.stop()


class Round:
    """Searches that run while processes are killed.

    Args:
        stack: The processes, up.
        documents: The searches.
        until_s: Time of the monotonic clock at which it has failed.
        say: Told what happens.
    """

    def __init__(self, stack: Stack, documents: Mapping[str, Mapping[str, object]], *, until_s: float, say: Say):
        self._stack, self._until_s, self._say = stack, until_s, say
        self._people = [
            Person(name, stack.client(PEOPLE[number % len(PEOPLE)]), document, until_s)
            for number, (name, document) in enumerate(documents.items())
        ]
        self._onlooker = Onlooker(stack.url, stack.tokens["admin"], self._people)
        self._killed: list[Killed] = []

    def disturb(self, kills: Sequence[object]) -> None:
        """Kill what the plan says while the searches run, then wait for their ends."""
        self._began_s = time.monotonic()
        for thread in (*self._people, self._onlooker):
            thread.start()
        killer = Killer(self._stack, self._until_s)
        try:
            for kill in kills:
                self._wait(
                    lambda due=kill.moment: self._stack.journal.length >= due, f"line {kill.moment} of the journal"
                )
                time.sleep(kill.delay_s)
                self._killed.append(killer.carry_out(kill))
                self._say(self._line())
            self._wait(lambda: not any(person.is_alive() for person in self._people), "the ends of the searches")
        finally:
            killer.close()
            self._onlooker.stop()
        self._work_s = time.monotonic() - self._began_s

    def judge(self, expected: Mapping[str, Course], began_s: float) -> Report:
        """Check all that must hold."""
        store, found, events_of, takeovers, ends_s = self._stack.store, [], {}, [], []
        self._wait(self._answers, "the database is up, if it was killed last")
        for person in self._people:
            events = events_of[person.name] = verdict.events_of(store, person.search_id)
            course = course_of(store, self._stack.settings, person.search_id)
            verdict.ended_as_undisturbed(course, expected[person.name])
            verdict.saw_all(person, events, course)
            verdict.written_by_its_holder(course, events)
            found.append(verdict.trained_once(course, events, self._stack.journal.notes(), WORKERS))
            ends_s.append(events[-1].at.timestamp())
            takeovers += verdict.takeovers(events, self._killed, platform.node())
        verdict.answered_properly(self._onlooker)
        answers: Counter[str] = Counter()
        for (_, status), number in self._onlooker.answers.items():
            answers[status] += number
        stack = self._stack
        processes = (stack.database, stack.head, stack.node, *stack.controllers, stack.api)
        return Report(
            killed=[killed for killed in self._killed if killed.at_s < max(ends_s)],
            starts={process.name: process.starts for process in processes},
            retraining=verdict.Retraining(
                sum(one.trained for one in found), sum(one.again for one in found), sum(one.excused for one in found)
            ),
            takeovers=takeovers,
            answers=answers,
            events=sum(map(len, events_of.values())),
            work_s=self._work_s,
            all_s=time.monotonic() - began_s,
        )

    def _wait(self, met: Callable[[], bool], what: str) -> None:
        """Wait for something, as long as nobody has given up."""

        def met_or_over() -> bool:
            for person in self._people:
                if person.error is not None:
                    raise AssertionError(f"{person.name} was failed by the service") from person.error
            return met()

        wait_until(met_or_over, what, until_s=self._until_s)

    def _answers(self) -> bool:
        try:
            self._stack.store.totals()
        except StoreUnavailable:
            return False
        return True

    def _line(self) -> str:
        killed, at_s = self._killed[-1], time.monotonic() - self._began_s
        number = sum(k.kind != "pause" for k in self._killed)
        verb = "stopped" if killed.kind == "pause" else f"kill {number:>3}:"
        return f"{at_s:6.1f} s  {self._stack.journal.length:>5} lines  {verb} {killed.kind} {killed.which}"


def _seconds(takeovers: Sequence[verdict.Takeover], at_hand: bool) -> str:
    """How many there were of one kind, and how long they took."""
    took_s = [takeover.took_s for takeover in takeovers if takeover.at_hand is at_hand]
    return (
        f"{len(took_s)} in at most {max(took_s):.1f} s, half in {statistics.median(took_s):.1f}" if took_s else "none"
    )
