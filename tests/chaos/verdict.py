"""What must hold after the chaos, whatever was killed and when. A check that fails raises `AssertionError`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest

from nas.records import Event, SearchState
from nas.store.base import Store
from tests.chaos.kills import Killed
from tests.chaos.people import Onlooker, Person
from tests.chaos.scripted import Note
from tests.chaos.searches import Course

ALLOWED = frozenset({"200", "503", "none"})
"""What a page may answer: itself, that the database is away, or nothing while the web process is."""


@dataclass(frozen=True)
class Claim:
    """A controller took a search.

    Attributes:
        ordinal: Number of the event.
        owner: The controller.
        at: When.
        after: The controller that had it before; empty where it was queued.
    """

    ordinal: int
    owner: str
    at: datetime
    after: str


@dataclass(frozen=True)
class Takeover:
    """A search went from a controller that was killed, or stopped, to another one.

    Attributes:
        took_s: Seconds between.
        at_hand: Whether the other one was up, and did not have to be started first.
    """

    took_s: float
    at_hand: bool


@dataclass(frozen=True)
class Retraining:
    """What was trained more than once.

    Attributes:
        trained: Trainings that ended.
        again: Those of them that had ended before.
        excused: The most that may be: what was in flight whenever a controller lost a search, or a worker its training.
    """

    trained: int
    again: int
    excused: int


def ended_as_undisturbed(course: Course, expected: Course) -> None:
    """The search completed, and is the same search."""
    name = expected.search.spec.name
    assert course.search.state is SearchState.COMPLETED, f"{name}: {course.search.state}, {course.search.reason}"
    assert course.proposals == expected.proposals, f"{name}: other proposals"
    assert course.outcomes == expected.outcomes, f"{name}: other outcomes"
    assert len(course.log) == len(expected.log), f"{name}: a training was asked for twice"
    assert course.members == expected.members, f"{name}: another front"
    reached, wanted = course.search.progress, expected.search.progress
    assert reached.hypervolume == pytest.approx(wanted.hypervolume, rel=1e-12), f"{name}: another hypervolume"
    assert reached.evaluated == wanted.evaluated, f"{name}: other numbers"
    assert reached.in_flight == 0, f"{name}: something is in flight"
    tells = sorted(candidate.told_ordinal for candidate in course.log if candidate.told_ordinal is not None)
    assert tells == list(range(len(course.log))), f"{name}: gaps among the tells"


def saw_all(person: Person, events: Sequence[Event], course: Course) -> None:
    """Whoever followed the search saw every event, once, in order, and the front that it ended with."""
    seen, stored = [(e.ordinal, e.kind) for e in person.events], [(e.ordinal, e.kind) for e in events]
    assert seen == stored, f"{person.name}: saw {set(seen) ^ set(stored)} amiss, or in another order"
    assert person.front is not None
    assert [m.id for m in person.front.members] == [m.id for m in course.front.members], f"{person.name}: another front"


def written_by_its_holder(course: Course, events: Sequence[Event]) -> None:
    """Every outcome was written by the controller that had claimed the search last (the fencing token)."""
    by_ordinal, holder = {candidate.ordinal: candidate for candidate in course.log}, ""
    for event in events:
        if event.kind == "claimed":
            holder = event.detail["owner"]
        elif event.kind == "told" and not event.detail["cached"]:
            candidate = by_ordinal[event.detail["ordinal"]]
            assert candidate.evaluation is not None
            assert candidate.evaluation.device == holder, f"{candidate.id}: {holder} held the search"


def claims(events: Sequence[Event]) -> list[Claim]:
    """Who took a search, one after the other."""
    found: list[Claim] = []
    for event in events:
        if event.kind == "claimed":
            after = found[-1].owner if found and event.detail["was"] == "running" else ""
            found.append(Claim(event.ordinal, event.detail["owner"], event.at, after))
    return found


def trained_once(course: Course, events: Sequence[Event], notes: Sequence[Note], workers: int) -> Retraining:
    """Nothing was trained again but what was in flight, and nothing at all once its outcome was recorded.

    Args:
        course: Of the search.
        events: Likewise.
        notes: The journal.
        workers: Trainings that one controller has in flight at most.
    """
    taken, asked, ends = claims(events), _asked_at(events), Counter(note.key for note in notes if note.verb == "end")
    begins = {note.key: note.at_s for note in notes if note.verb == "begin"}  # the last one of each
    for candidate in course.log:
        key, evaluation = candidate.evaluation_key, candidate.evaluation
        assert evaluation is not None
        assert candidate.told_at is not None
        assert not candidate.cached, f"{candidate.id}: its outcome was recorded before it was asked for"
        holders = 1 + sum(claim.ordinal > asked[candidate.ordinal] for claim in taken)
        most = holders + len(evaluation.setbacks)
        assert 1 <= ends[key] <= most, f"{candidate.id}: trained {ends[key]} times under {holders} controllers"
        assert begins[key] < candidate.told_at.timestamp(), f"{candidate.id}: trained again after it was recorded"
    setbacks = sum(len(c.evaluation.setbacks) for c in course.log if c.evaluation is not None)
    trained = sum(ends[candidate.evaluation_key] for candidate in course.log)
    found = Retraining(trained, trained - len(course.log), (len(taken) - 1) * workers + setbacks)
    assert found.again <= found.excused, f"{course.search.spec.name}: {found}"
    return found


def takeovers(events: Sequence[Event], killed: Sequence[Killed], node: str) -> list[Takeover]:
    """The claims of a search that followed on the death, or the stopping, of the controller that held it."""
    ends = {f"{node}:{k.pid}": k for k in killed if k.kind in ("controller", "pause")}
    taken = [claim for claim in claims(events) if claim.after in ends and claim.after != claim.owner]
    return [
        Takeover(
            took_s=claim.at.timestamp() - ends[claim.after].at_s,
            at_hand=claim.owner in {f"{node}:{pid}" for pid in ends[claim.after].up},
        )
        for claim in taken
    ]


def answered_properly(onlooker: Onlooker) -> None:
    """No page failed but with the database, or with the web process."""
    strange = {answer: number for answer, number in onlooker.answers.items() if answer[1] not in ALLOWED}
    assert not strange, f"answers that nobody documented: {strange}"


def events_of(store: Store, search_id: str) -> list[Event]:
    """Every event of a search but those of trainings in flight."""
    return store.events(search_id, after=0, limit=1_000_000, progress=False)  # type: ignore[arg-type]


def _asked_at(events: Sequence[Event]) -> dict[int, int]:
    """Numbers of the events that tell of an ask, by ordinal of the candidate."""
    return {event.detail["ordinal"]: event.ordinal for event in events if event.kind == "asked"}
