"""From a file that somebody sent to the search in it, page by page; nothing in it is believed before it was checked.

It is JSON in a zip file and nothing else. What it says of itself is checked against bounds before it is read, what is
read against what it says, each line against its schema, and the files against each other: an outcome belongs to the
candidate whose address it has.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from pydantic import ValidationError

from search_space.errors import InvalidInput, NoSuchFile, Problem

from ..records import Candidate, CandidateState, Evaluation, Event, Search
from ..settings import allowed
from ..uploads import InvalidUpload, human
from ..uploads.directory import BoundedFile
from .documents import (
    CANDIDATES,
    EVALUATIONS,
    EVENTS,
    MANIFEST,
    MEMBERS,
    SEARCH,
    CandidateLine,
    EvaluationLine,
    EventLine,
    Manifest,
    MemberPart,
    Part,
    SearchDocument,
)

LINE_BYTES = 2**24
"""Longest line, which is also the longest document: only it is in memory at once."""

MEMBER_BYTES = 2**35
"""Largest file, unpacked: that of a search of a few million candidates."""

LINES = 2**25
"""Most lines of a file."""

ENTRIES = 16
"""Files in the zip of which the names are read: with more it is some other zip file."""

SHOWN = 5
"""Problems of a line that are told."""

_ENCRYPTED = 0x1 | 0x40 | 0x2000
_BROKEN = (BadZipFile, EOFError, OSError, zlib.error, NotImplementedError, RuntimeError, UnicodeDecodeError)

P = TypeVar("P", bound=Part)


class InvalidBundle(InvalidInput):
    """A file is no bundle of a search, or not as it was written."""

    hint = "Fetch the bundle again with `srnas bundle`, and leave it as it is."


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """A bundle whose manifest and search were read.

    Raises:
        InvalidBundle: It is none, or was changed; also while it is read on.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(BoundedFile(path, ENTRIES))
        except FileNotFoundError:
            raise InvalidBundle([NoSuchFile("BUNDLE", str(path))], "Look at the name and at the folder.") from None
        except OSError as error:
            raise InvalidBundle([Problem("BUNDLE", str(path), f"a readable file ({error.strerror})")]) from error
        try:
            archive = stack.enter_context(ZipFile(file))
        except InvalidUpload as error:  # its directory is too large
            raise InvalidBundle(error.problems) from error
        except (*_BROKEN, ValueError) as error:
            raise InvalidBundle([Problem("BUNDLE", str(path), f"a whole zip file ({error})")]) from error
        yield Bundle(archive)


class Bundle:
    """A bundle that is open.

    Attributes:
        manifest: What it says it is.
        search: The search, without its log.
        environments: What its controllers ran it with.
    """

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._infos = _checked_infos(archive)
        self.manifest = self._one(MANIFEST, Manifest, None)
        _check_members(self.manifest, self._infos)
        document = self._one(SEARCH, SearchDocument, self.manifest.members[SEARCH])
        _require(document.id == self.manifest.search_id, f"{SEARCH}.id", document.id, self.manifest.search_id)
        self.search: Search = document.search()
        self.environments: Sequence[Mapping[str, str]] = document.environments

    def candidates(self) -> Iterator[Candidate]:
        """Every candidate with its outcome, by ordinal."""
        outcomes = self._documents(EVALUATIONS, EvaluationLine)
        number = -1
        for number, line in enumerate(self._documents(CANDIDATES, CandidateLine)):
            field = f"{CANDIDATES}[{number}]"
            _require(line.ordinal == number, f"{field}.ordinal", line.ordinal, str(number))
            told = line.told_ordinal is not None
            over = line.state in (CandidateState.SCORED, CandidateState.FAILED)
            _require(told == over, f"{field}.state", str(line.state), "one that goes with told_ordinal")
            yield line.candidate(self.search.id, _outcome(line, field, outcomes) if told else None)
        _require(next(outcomes, None) is None, EVALUATIONS, "an outcome more", "one for each candidate that was told")
        _require(number + 1 == self.manifest.candidates, CANDIDATES, number + 1, str(self.manifest.candidates))

    def events(self) -> Iterator[Event]:
        """Every event, in order."""
        last = 0
        for number, line in enumerate(self._documents(EVENTS, EventLine)):
            _require(line.ordinal > last, f"{EVENTS}[{number}].ordinal", line.ordinal, f"more than {last}")
            last = line.ordinal
            yield line.event(self.search.id)

    def _documents(self, name: str, model: type[P]) -> Iterator[P]:
        for number, line in enumerate(self._lines(name, self.manifest.members[name])):
            yield _parsed(model, line, f"{name}[{number}]")

    def _one(self, name: str, model: type[P], member: MemberPart | None) -> P:
        lines = list(self._lines(name, member))
        _require(len(lines) == 1, name, f"{len(lines)} lines", "one")
        return _parsed(model, lines[0], name)

    def _lines(self, name: str, member: MemberPart | None) -> Iterator[bytes]:
        """The lines of a file, which is what the manifest says once the last one was read."""
        most = LINES if name.endswith(".jsonl") else 1
        digest, size, count = sha256(), 0, 0
        with _unbroken(name), self._archive.open(self._infos[name]) as file:
            while line := file.readline(LINE_BYTES + 1):
                digest.update(line)
                size, count = size + len(line), count + 1
                _require(count <= most, name, "more lines", f"at most {most:,}")
                _require(len(line) <= LINE_BYTES, name, "a longer line", f"lines of at most {human(LINE_BYTES)}")
                _require(line.endswith(b"\n"), name, "an unfinished line", "whole lines")
                yield line
        if member is not None:
            _require(digest.hexdigest() == member.sha256, name, f"SHA-256 {digest.hexdigest()}", member.sha256)
            _require((count, size) == (member.lines, member.bytes), name, f"{count} lines", f"{member.lines} lines")


def _checked_infos(archive: ZipFile) -> dict[str, ZipInfo]:
    """The files by name; `InvalidBundle` unless they are those of a bundle and of bearable size."""
    infos = {info.filename: info for info in archive.infolist()}
    wanted = (MANIFEST, *MEMBERS)
    names = sorted(info.orig_filename for info in archive.infolist())
    _require(names == sorted(wanted), "BUNDLE", ", ".join(names)[:200], f"a zip file of {', '.join(sorted(wanted))}")
    for name, info in infos.items():
        most = MEMBER_BYTES if name.endswith(".jsonl") else LINE_BYTES
        _require(not info.flag_bits & _ENCRYPTED, name, "encrypted", "a file that is not")
        _require(info.compress_type in (ZIP_STORED, ZIP_DEFLATED), name, info.compress_type, "stored or deflated")
        _require(info.file_size <= most, name, human(info.file_size), f"at most {human(most)}")
    return infos


def _check_members(manifest: Manifest, infos: Mapping[str, ZipInfo]) -> None:
    _require(set(manifest.members) == set(MEMBERS), f"{MANIFEST}.members", sorted(manifest.members), str(MEMBERS))
    for name, member in manifest.members.items():
        _require(infos[name].file_size == member.bytes, name, infos[name].file_size, f"{member.bytes} bytes")
    counts = {CANDIDATES: manifest.candidates, EVALUATIONS: manifest.told, EVENTS: manifest.events, SEARCH: 1}
    for name, count in counts.items():
        _require(manifest.members[name].lines == count, f"{MANIFEST}.members", manifest.members[name].lines, str(count))


def _outcome(line: CandidateLine, field: str, outcomes: Iterator[EvaluationLine]) -> Evaluation:
    """The outcome of a candidate that was told: the next one."""
    found = next(outcomes, None)
    if found is None or found.key != line.evaluation_key:
        raise InvalidBundle([Problem(f"{field}.evaluation_key", line.evaluation_key, "the key of the next outcome")])
    same = found.genotype_digest == line.genotype.digest
    _require(same, f"{field}.genotype", str(line.genotype), f"the network with the digest {found.genotype_digest}")
    return found.evaluation()


def _parsed(model: type[P], line: bytes, field: str) -> P:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise InvalidBundle(islice(_problems(error, field), SHOWN)) from error


def _problems(error: ValidationError, field: str) -> Iterator[Problem]:
    for entry in error.errors():
        place = ".".join([field, *map(str, entry["loc"])])
        cause = entry.get("ctx", {}).get("error")
        if isinstance(cause, InvalidInput):
            yield from (Problem(f"{place}.{found.field}", found.value, found.allowed) for found in cause.problems)
        elif entry["type"] == "missing":
            yield Problem(place, None, "a value")
        else:
            yield Problem(place, entry["input"], allowed(entry["msg"]))


@contextmanager
def _unbroken(name: str) -> Iterator[None]:
    """Turn what goes wrong while a file is unpacked into `InvalidBundle`."""
    try:
        yield
    except InvalidUpload as error:
        raise InvalidBundle(error.problems) from error
    except _BROKEN as error:
        raise InvalidBundle([Problem(name, str(error), "a file that can be unpacked")]) from error


def _require(holds: bool, field: str, value: object, allowed: str) -> None:
    if not holds:
        raise InvalidBundle([Problem(field, value, allowed)])
