"""A search, where it stands and may go, what it has reached, and the events that say so. Knows no candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NewType

from ..spec import SearchSpec

if TYPE_CHECKING:
    from .trainings import TrainingStatus

SearchId = NewType("SearchId", str)


class SearchState(StrEnum):
    """Where a search stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing goes on; what has ended may be taken up again where `ACTIONS` says so."""
        return self in (SearchState.COMPLETED, SearchState.CANCELLED, SearchState.FAILED)


TRANSITIONS: Mapping[SearchState, frozenset[SearchState]] = {
    SearchState.QUEUED: frozenset({SearchState.RUNNING, SearchState.PAUSED, SearchState.CANCELLED}),
    SearchState.RUNNING: frozenset(
        {
            SearchState.QUEUED,  # its controller went away
            SearchState.PAUSED,
            SearchState.COMPLETED,
            SearchState.CANCELLED,
            SearchState.FAILED,
        }
    ),
    SearchState.PAUSED: frozenset({SearchState.QUEUED, SearchState.CANCELLED}),
    SearchState.COMPLETED: frozenset({SearchState.QUEUED}),  # it was given more budget
    SearchState.FAILED: frozenset({SearchState.QUEUED}),  # its cause was mended
    SearchState.CANCELLED: frozenset(),
}


class Action(StrEnum):
    """What a person may do with a search."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    EXTEND = "extend"
    CHANGE = "change"
    CLONE = "clone"


_UNENDED = frozenset({SearchState.QUEUED, SearchState.RUNNING, SearchState.PAUSED})

ACTIONS: Mapping[Action, frozenset[SearchState]] = {
    Action.PAUSE: frozenset({SearchState.QUEUED, SearchState.RUNNING}),
    Action.RESUME: frozenset({SearchState.PAUSED, SearchState.FAILED}),
    Action.CANCEL: _UNENDED,
    Action.EXTEND: _UNENDED | {SearchState.COMPLETED},
    Action.CHANGE: _UNENDED,
    Action.CLONE: frozenset(SearchState),
}
"""The states in which each action makes sense."""


class IllegalTransition(ValueError):
    """A search cannot go from its state to the one asked for."""

    def __init__(self, search_id: str, state: SearchState, wanted: SearchState) -> None:
        self.search_id, self.state, self.wanted = search_id, state, wanted
        allowed = ", ".join(sorted(TRANSITIONS[state]))
        why = f"it can become {allowed}" if allowed else "it has ended"
        super().__init__(f"search {search_id} is {state} and cannot become {wanted}; {why}")


class IllegalAction(IllegalTransition):
    """A person cannot do that with a search in its state."""

    def __init__(self, search_id: str, state: SearchState, action: Action) -> None:
        super().__init__(search_id, state, state)
        self.action = action
        able = ", ".join(sorted(name for name, states in ACTIONS.items() if state in states))
        wanted = " or ".join(sorted(ACTIONS[action]))
        self.args = (f"search {search_id} is {state}: to {action} it takes one that is {wanted}; this one can: {able}",)


def check_action(search_id: str, state: SearchState, action: Action) -> None:
    """Raise `IllegalAction` unless the table allows the action in the state."""
    if state not in ACTIONS[action]:
        raise IllegalAction(search_id, state, action)


def check_transition(search_id: str, state: SearchState, wanted: SearchState) -> None:
    """Raise `IllegalTransition` unless the table allows the step."""
    if wanted not in TRANSITIONS[state]:
        raise IllegalTransition(search_id, state, wanted)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a search has reached so far.

    Attributes:
        evaluated: Candidates with an outcome: failures, cache hits and confirmations of the final front included.
        failed: Those of them that failed.
        cached: Those of them whose outcome was already known.
        in_flight: Candidates being trained now.
        best_psnr_db: Best PSNR of a feasible candidate.
        hypervolume: Of the feasible front, at the search's reference point.
        train_s: Seconds of training, summed over workers.
        validate_s: Seconds of validation, summed over workers.
        steps: Optimiser steps taken, summed; like the seconds, a cached outcome cost none.
        failures: Failed candidates by the kind of their failure.
        retries: Starts of trainings that came to nothing and were tried again.
        gpu_s: Those seconds of training and validation that were spent on GPUs.
    """

    evaluated: int = 0
    failed: int = 0
    cached: int = 0
    in_flight: int = 0
    best_psnr_db: float | None = None
    hypervolume: float = 0.0
    train_s: float = 0.0
    validate_s: float = 0.0
    steps: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    retries: int = 0
    gpu_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search.

    Attributes:
        id: Eight hexadecimal characters.
        spec: What was asked for.
        state: Where it stands.
        reason: Why it ended or stands still, for a person; empty otherwise.
        created_at: When it was submitted (UTC, like every time here).
        started_at: When a controller first took it.
        finished_at: When it ended.
        data_digest: Digest of its images, once they were decoded.
        data_notes: What was found in the image folders, such as files that were skipped, and what a latency is.
        baseline: Bicubic's scores on the validation images, by column.
        reference_point: Reference of the hypervolume, by metric.
        progress: What it has reached.
        warnings: What to know of the spec before believing the result, for a person.
        parallelism: Most candidates in flight, None for every worker; starts as the spec's and may change meanwhile.
        owner: Who submitted it; empty where nobody was asked.
        priority: Free workers go to searches of higher priority first; those of equal priority share them.
        cloned_from: The search whose spec it began with.
        running_since: Since when it runs; None unless it does.
        ran_s: Seconds for which it ran before that: what it waited or stood still is not in it.
        claims: How often controllers took it since it was last under way: one that kills them is not taken for ever.
    """

    id: SearchId
    spec: SearchSpec
    state: SearchState
    created_at: datetime
    reason: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    data_digest: str | None = None
    data_notes: tuple[str, ...] = ()
    baseline: Mapping[str, float] = field(default_factory=dict)
    reference_point: Mapping[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    warnings: tuple[str, ...] = ()
    parallelism: int | None = None
    owner: str = ""
    priority: int = 0
    cloned_from: SearchId | None = None
    running_since: datetime | None = None
    ran_s: float = 0.0
    claims: int = 0

    def running_s(self, now: datetime) -> float:
        """Seconds for which it has run so far."""
        since = self.running_since
        return self.ran_s + (0.0 if since is None else max(0.0, (now - since).total_seconds()))


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """How far the record of a search is: the cheapest thing to ask for, and another one after every change.

    Attributes:
        event_count: The latest number that its event log gave: of an event, or of marks of survival.
        told: How many candidates were told.
    """

    event_count: int
    told: int


WAITS_S = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0, math.inf)
"""Bounds by which the totals count how long searches waited."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What all searches together have come to.

    Attributes:
        searches: How many there are in each state.
        progress: Their progress, summed; its best PSNR and hypervolume say nothing.
        started: How many were started.
        waited_s: Seconds for which those had waited to be started, summed.
        waits: How many of those had waited at most so many seconds, and more than the bound below, of `WAITS_S`.
        running: The progress of each that is running.
        trainings: How many full trainings there are in each status.
    """

    searches: Mapping[SearchState, int]
    progress: Progress
    started: int = 0
    waited_s: float = 0.0
    waits: Mapping[float, int] = field(default_factory=dict)
    running: Mapping[SearchId, Progress] = field(default_factory=dict)
    trainings: Mapping[TrainingStatus, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that its sender may repeat without its being done twice.

    Attributes:
        key: What the sender calls it.
        who: The sender.
        digest: Digest of what it asks for.
    """

    key: str
    who: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """One change of a search, or a word of one of its trainings, numbered from 1 within it.

    Attributes:
        search_id: Whose.
        ordinal: Its number.
        at: When.
        kind: "submitted", "started", "asked", "told", "paused", "completed", ...; "training_progress" is there until
            its candidate was told or given up.
        detail: What a reader needs to know, as JSON values.
    """

    search_id: SearchId
    ordinal: int
    at: datetime
    kind: str
    detail: Mapping[str, Any] = field(default_factory=dict)
