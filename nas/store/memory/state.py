"""What the verbs of the store in memory share: what it holds, and the changes that several of them make."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from ...records import Action, Candidate, CandidateId, Evaluation, Search, SearchId, SearchState
from .. import entries, rules
from ..base import Lease, NotFound
from ..entries import Entry
from .book import Book
from .crowd import Crowd
from .log import Log
from .roster import Roster
from .shelf import Shelf


class State:
    """Everything that is held, under one lock. Whoever calls these methods holds it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._searches: dict[SearchId, Search] = {}
        self._logs: defaultdict[SearchId, Log] = defaultdict(Log)
        self._logs_of: dict[CandidateId, Log] = {}
        self._evaluations: dict[str, Evaluation] = {}
        self._roster = Roster()
        self._shelf = Shelf()
        self._crowd = Crowd()
        self._book = Book()

    def _search(self, search_id: SearchId) -> Search:
        """One search; `NotFound`."""
        if search_id not in self._searches:
            raise NotFound("search", search_id)
        return self._searches[search_id]

    def _candidate(self, candidate_id: CandidateId) -> Candidate:
        """One candidate with its evaluation; `NotFound`."""
        if candidate_id not in self._logs_of:
            raise NotFound("candidate", candidate_id)
        return self._logs_of[candidate_id].with_id(candidate_id)

    def _held(self, lease: Lease, states: frozenset[SearchState] = rules.ANY) -> Search:
        """The search of a lease; `LeaseLost` unless it is held, in one of ``states``."""
        search = self._search(lease.search_id)
        self._logs[search.id].check(lease, search.state, states)
        return search

    def _change(self, search: Search, entry: Entry) -> Search:
        """Store the new form of a search and its event."""
        self._logs[search.id].append(search.id, entry)
        self._searches[search.id] = search
        return search

    def _move(
        self, search: Search, state: SearchState, at: datetime, reason: str, action: Action | None = None
    ) -> Search:
        """Make a legal transition and its event; `IllegalTransition`, `IllegalAction`."""
        was = search.state
        rules.check_move(search.id, was, state, action)
        if state.ended:
            search = self._abandon(search, at)
        if was.ended:
            search = self._revive(search, at)
        moved = replace(search, state=state, reason=reason, finished_at=at if state.ended else None)
        moved = replace(moved, **rules.running_time(was, search.running_since, search.ran_s, state, at))
        return self._change(moved, entries.moved(was, state, at, reason))

    def _revive(self, search: Search, at: datetime) -> Search:
        """Take back into flight what was given up."""
        revived = self._logs[search.id].revive()
        if not revived:
            return search
        progress = replace(search.progress, in_flight=len(revived))
        return self._change(replace(search, progress=progress), entries.revived(revived, at))

    def _abandon(self, search: Search, at: datetime) -> Search:
        """Give up what is in flight."""
        given_up = self._logs[search.id].abandon()
        if not given_up:
            return search
        progress = replace(search.progress, in_flight=0)
        return self._change(replace(search, progress=progress), entries.abandoned(given_up, at))


def age(search: Search) -> tuple[datetime, str]:
    """Sorts the oldest first."""
    return search.created_at, search.id
