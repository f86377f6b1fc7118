"""Where one search stands: its account, the members of its fronts, and the documents that were made of them.

Kept by whoever is asked for the same search again and again. It reads what is new since the last look, and nothing
twice. Any number of threads may ask; one at a time looks, and meanwhile others are given a document as it was a moment
ago, where there is one.
"""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, TypeVar

from .fronts import Front, make_front
from .objectives import Objective
from .records import Candidate, LedgerRow, Pulse, Search, SearchId
from .statistics.account import Account
from .statistics.cloud import Cloud
from .statistics.documents import Point, Statistics

PAGE = 5_000
"""Rows read at once."""

MEMBERS = 4_096
"""Candidates kept at hand, those that were asked for last."""

KEPT_BYTES = 8 * 2**20
"""Most bytes of documents kept of a search, those that were made last; a page with its script is half of that."""

ZIPPING = 3
"""How hard documents are compressed, of 9: harder ones are hardly smaller."""


Made = TypeVar("Made")


class Reads(Protocol):
    """What is needed of a store; see `nas.store.base.Store`."""

    def pulse(self, search_id: SearchId) -> Pulse:
        """How far the record of a search is."""
        ...

    def search(self, search_id: SearchId) -> Search:
        """One search."""
        ...

    def told_rows(self, search_id: SearchId, *, after: int = -1, limit: int | None = None) -> list[LedgerRow]:
        """Narrow rows of told candidates."""
        ...

    def untold_rows(self, search_id: SearchId) -> list[LedgerRow]:
        """Narrow rows of the others."""
        ...

    def candidates(
        self, search_id: SearchId, *, limit: int | None = 100, ordinals: Collection[int] | None = None
    ) -> list[Candidate]:
        """Candidates by their numbers."""
        ...


@dataclass(frozen=True)
class Document:
    """Something that was made of a search, as it goes out.

    Attributes:
        body: Its bytes.
        etag: Another one for other bytes, quoted as HTTP has it.
    """

    body: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes) -> Document:
        """A document with its tag."""
        return cls(body, f'"{blake2b(body, digest_size=12).hexdigest()}"')

    @cached_property
    def zipped(self) -> bytes:
        """The bytes as gzip has them, compressed when they are first asked for."""
        return gzip.compress(self.body, ZIPPING, mtime=0)


class _Kept(NamedTuple):
    """A document, and of which moment it is."""

    pulse: Pulse
    outcomes: tuple[Any, ...]
    document: Document


class Standing:
    """Where one search stands.

    Args:
        reads: Where it is recorded.
        search_id: Whose.
    """

    def __init__(self, reads: Reads, search_id: SearchId) -> None:
        self._reads, self._search_id = reads, search_id
        self._lock = threading.RLock()
        self._pulse: Pulse | None = None
        self._search = reads.search(search_id)
        self._account = Account(search_id, self._search.spec)
        self._members: OrderedDict[int, Candidate] = OrderedDict()
        self._marked = 0
        self._documents: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._pieces: OrderedDict[Hashable, Any] = OrderedDict()

    @property
    def rows(self) -> int:
        """How many told candidates are accounted for."""
        return self._account.count

    # -- what is made of it ----------------------------------------------------------------------------------------

    def document(self, key: Hashable, make: Callable[[], bytes], *, of_outcomes: bool = False) -> Document:
        """A document of the present moment, made anew only where anything has changed since.

        Args:
            key: What it is called; everything that it depends on, the search apart.
            make: Makes it; may ask this standing.
            of_outcomes: Whether it tells of nothing but outcomes, marks of survival among them, and of what was known
                when the search began: then it is not made anew for anything else.
        """
        pulse = self._reads.pulse(self._search_id)
        kept = self._documents.get(key)
        if kept is not None and kept.pulse == pulse:
            return kept.document
        if self._lock.acquire(blocking=False):
            try:
                return self._at(pulse, key, make, of_outcomes)
            finally:
                self._lock.release()
        if kept is not None:
            return kept.document
        with self._lock:  # whoever had it may have made the same, for a later moment
            return self._at(self._reads.pulse(self._search_id), key, make, of_outcomes)

    def _at(self, pulse: Pulse, key: Hashable, make: Callable[[], bytes], of_outcomes: bool) -> Document:
        """A document of a moment; the lock is held."""
        kept = self._documents.get(key)
        if kept is not None and kept.pulse == pulse:
            return kept.document
        self._look(pulse)
        outcomes = self._account.count, self._marked, tuple(self._search.reference_point.items())
        if kept is not None and of_outcomes and kept.outcomes == outcomes:
            document = kept.document
        else:
            document = Document.of(make())
        self._keep(key, _Kept(pulse, outcomes, document))
        return document

    def _keep(self, key: Hashable, made: _Kept) -> None:
        """Keep a document, and let go of those that were made longest ago; the latest stays, however large it is."""
        self._documents[key] = made
        self._documents.move_to_end(key)
        size = sum(len(kept.document.body) for kept in self._documents.values())
        while size > KEPT_BYTES and len(self._documents) > 1:
            _, oldest = self._documents.popitem(last=False)
            size -= len(oldest.document.body)

    def piece(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """A part of documents that is made once: its key holds all that it depends on."""
        with self._lock:
            if key not in self._pieces:
                self._pieces[key] = make()
                if len(self._pieces) > MEMBERS:
                    self._pieces.popitem(last=False)
            made: Made = self._pieces[key]
            return made

    def front(self, objectives: Sequence[Objective] = (), *, feasible_only: bool = True) -> Front:
        """The Pareto front over some objectives, by default the search's own; see `nas.fronts.find_front`."""
        with self._lock:
            self._look(self._reads.pulse(self._search_id))
            chosen = tuple(objectives) or self._search.spec.objective_values
            trainings = self._account.trainings
            found = trainings.front(chosen, feasible_only=feasible_only)
            least = trainings.nearest if not trainings.feasible_count else None
            ordinals = [trainings.ordinal(index) for index in found]
            at = self._candidates({*ordinals, *([] if least is None else [least[1]])})
            return make_front(
                self._search,
                chosen,
                [at[ordinal] for ordinal in ordinals],
                trainings.points(found, chosen),
                scored=trainings.feasible_count if feasible_only else len(trainings),
                feasible_only=feasible_only,
                seeds=self._account.confirmed(map(trainings.digest, found)),
                nearest=None if least is None else (at[least[1]], least[0]),
                any_scored=bool(len(trainings)),
            )

    def statistics(self, now: datetime) -> Statistics:
        """What the search has shown about its parts, as seen at a time."""
        with self._lock:
            self._look(self._reads.pulse(self._search_id))
            return self._account.statistics(self._search, self._reads.untold_rows(self._search_id), now)

    def cloud(self, most: int, objectives: Sequence[Objective] = (), *, feasible_only: bool = True) -> Cloud:
        """At most so many of its candidates, those on a front and those without an outcome always among them.

        Args:
            most: How many.
            objectives: Of the front, by default the search's own.
            feasible_only: Whether the front leaves out candidates that violate a constraint.
        """
        with self._lock:
            self._look(self._reads.pulse(self._search_id))
            trainings, chosen = self._account.trainings, tuple(objectives) or self._search.spec.objective_values
            front = map(trainings.ordinal, trainings.front(chosen, feasible_only=feasible_only))
            return self._account.points.cloud(self._reads.untold_rows(self._search_id), set(front), most)

    def course(self) -> list[Point]:
        """How the search has come to where it is."""
        with self._lock:
            self._look(self._reads.pulse(self._search_id))
            return self._account.course()

    # -- looking ---------------------------------------------------------------------------------------------------

    def _look(self, pulse: Pulse) -> None:
        """Take in what is new; ``pulse`` was read before."""
        if pulse == self._pulse:
            return
        self._search = self._reads.search(self._search_id)
        since = self._account.unmarked_since
        after = self._account.last if since is None else since - 1
        page = self._reads.told_rows(self._search_id, after=after, limit=PAGE)
        self._take(page)
        if len(page) == PAGE:
            self._take_many()
        self._pulse = pulse

    def _take_many(self) -> None:
        """Take in the rest; who waits for so much is not made to wait again by the first front over other metrics."""
        while page := self._reads.told_rows(self._search_id, after=self._account.last, limit=PAGE):
            self._take(page)
        trainings = self._account.trainings
        self._candidates([trainings.ordinal(index) for index in trainings.pool()[:MEMBERS]])

    def _take(self, page: Iterable[LedgerRow]) -> None:
        for row in page:
            assert row.told_ordinal is not None, "the store was asked for told rows"
            if row.told_ordinal > self._account.last:
                self._account.add(row)
            elif self._account.mark(row):
                self._marked += 1
                self._members.pop(row.ordinal, None)

    def _candidates(self, ordinals: Collection[int]) -> dict[int, Candidate]:
        """Candidates by their numbers, read once each."""
        missing = [ordinal for ordinal in ordinals if ordinal not in self._members]
        if missing:
            read = self._reads.candidates(self._search_id, ordinals=missing, limit=None)
            self._members |= {candidate.ordinal: candidate for candidate in read}
        for ordinal in ordinals:
            self._members.move_to_end(ordinal)
        found = {ordinal: self._members[ordinal] for ordinal in ordinals}
        while len(self._members) > MEMBERS:
            self._members.popitem(last=False)
        return found
