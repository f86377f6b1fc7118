"""From the log of a search to the bytes of its bundle, page by page; the search may run meanwhile.

A bundle is as of one moment: the number of the latest event when it was begun. What was asked and told up to that event
is in it, and nothing that came later: the events are read first and counted, then the candidates, and an outcome that
came meanwhile is left out. Marks of survival, and whether what has no outcome was given up, are as they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol, final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..environment import srnas_version
from ..records import Candidate, CandidateState, Event, Pulse, Search, SearchId
from .documents import (
    CANDIDATES,
    EVALUATIONS,
    EVENTS,
    MANIFEST,
    SEARCH,
    CandidateLine,
    EvaluationLine,
    EventLine,
    Manifest,
    MemberPart,
    SearchDocument,
)

PAGE = 500
"""Candidates or events in memory at a time."""

CHUNK = 2**16
"""Bytes that are gathered before they are handed on."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time that every file in the zip bears: bytes depend on content alone."""


class Log(Protocol):
    """What is read of a search: a store, or a service over one."""

    def search(self, search_id: SearchId) -> Search:
        """One search; `NotFound`."""
        ...

    def pulse(self, search_id: SearchId) -> Pulse:
        """How far its record is; `NotFound`."""
        ...

    def events(self, search_id: SearchId, *, after: int, limit: int, progress: bool) -> list[Event]:
        """Events in order, those after ``after``."""
        ...

    def candidates(self, search_id: SearchId, *, after: int, limit: int | None) -> list[Candidate]:
        """Candidates with their evaluations, by ordinal, those after ``after``."""
        ...


def filename(search_id: str) -> str:
    """What the bundle of a search is called."""
    return f"search-{search_id}.zip"


def pack(log: Log, search_id: SearchId, *, at: datetime) -> Iterator[bytes]:
    """The bytes of the bundle of a search as it is now, in chunks of about `CHUNK`.

    The same content and time give the same bytes wherever the log is kept. Whatever reading the log raises ends it, and
    what was handed on by then is no zip file.

    Args:
        log: Where the search is.
        search_id: Which one.
        at: The time.

    Raises:
        NotFound: There is no such search; at once, not with the first chunk.
    """
    last_event = log.pulse(search_id).event_count
    return _Packer(log, log.search(search_id), last_event).chunks(at)


@final
class _Packer:
    """Writes one bundle."""

    def __init__(self, log: Log, search: Search, last_event: int) -> None:
        self._log, self._search, self._last_event = log, search, last_event
        self._asked = self._told = 0
        self._environments: list[dict[str, str]] = []
        self._code_digests: set[str] = set()
        self._members: dict[str, MemberPart] = {}
        self._out = _Gathered()

    def chunks(self, at: datetime) -> Iterator[bytes]:
        with ZipFile(self._out, "w") as archive:
            yield from self._write(archive, EVENTS, map(EventLine.of, self._events()))
            yield from self._write(archive, CANDIDATES, map(CandidateLine.of, self._candidates()))
            yield from self._write(archive, EVALUATIONS, self._evaluations())
            yield from self._write(archive, SEARCH, [self._document()])
            yield from self._write(archive, MANIFEST, [self._manifest(at)])
        yield self._out.take()

    def _write(self, archive: ZipFile, name: str, documents: Iterable[Any]) -> Iterator[bytes]:
        info = ZipInfo(name, EPOCH)
        info.compress_type, info.create_system, info.external_attr = ZIP_DEFLATED, 3, 0o644 << 16
        digest, size, lines = sha256(), 0, 0
        with archive.open(info, "w", force_zip64=name.endswith("l")) as member:
            for document in documents:
                line = document.to_bytes()
                member.write(line)
                digest.update(line)
                size, lines = size + len(line), lines + 1
                if self._out.held >= CHUNK:
                    yield self._out.take()
        self._members[name] = MemberPart(lines=lines, bytes=size, sha256=digest.hexdigest())

    def _events(self) -> Iterator[Event]:
        """Every event up to the last one but those that go with an outcome; counts what was asked and told by then."""
        after = 0
        while page := self._log.events(self._search.id, after=after, limit=PAGE, progress=False):
            for event in page:
                if event.ordinal > self._last_event:
                    return
                self._note(event)
                yield event
            after = page[-1].ordinal

    def _note(self, event: Event) -> None:
        self._asked += event.kind == "asked"
        self._told += event.kind == "told"
        environment = event.detail.get("environment") if event.kind == "started" else None
        if environment and environment not in self._environments:
            self._environments.append(dict(environment))

    def _candidates(self) -> Iterator[Candidate]:
        """Every candidate that was asked for by the last event, as it was then."""
        after = -1
        while page := self._log.candidates(self._search.id, after=after, limit=PAGE):
            for candidate in page:
                if candidate.ordinal >= self._asked:
                    return
                told = candidate.told_ordinal
                yield candidate if told is None or told < self._told else _untold(candidate)
            after = page[-1].ordinal

    def _evaluations(self) -> Iterator[EvaluationLine]:
        """The outcome of every candidate that has one, in the order of the candidates."""
        for candidate in self._candidates():
            if candidate.evaluation is not None:
                self._code_digests.add(candidate.evaluation.code_digest)
                yield EvaluationLine.of(candidate.evaluation)

    def _document(self) -> SearchDocument:
        found = SearchDocument.of(self._search)
        digests = tuple(sorted(self._code_digests))
        return found.model_copy(update={"code_digests": digests, "environments": tuple(self._environments)})

    def _manifest(self, at: datetime) -> Manifest:
        return Manifest(
            made_at=at,
            srnas=srnas_version(),
            search_id=self._search.id,
            last_event=self._last_event,
            candidates=self._members[CANDIDATES].lines,
            told=self._members[EVALUATIONS].lines,
            events=self._members[EVENTS].lines,
            members=dict(self._members),
        )


def _untold(candidate: Candidate) -> Candidate:
    """A candidate as it was before its outcome; the address of a failure that may not happen again was made for it."""
    return replace(
        candidate,
        state=CandidateState.EVALUATING,
        evaluation_key=candidate.evaluation_key.partition("#")[0],
        told_ordinal=None,
        told_at=None,
        cached=False,
        violation=None,
        survived=None,
        hypervolume=None,
        evaluation=None,
    )


@final
class _Gathered:
    """A file that can be written only, and is taken away piece by piece: the zip needs no going back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    def write(self, data: bytes, /) -> int:
        self._pieces.append(bytes(data))
        self.held += len(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits to be written."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        """What has gathered since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return taken
