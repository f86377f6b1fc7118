"""What an archive says it holds, checked before a byte of it is unpacked.

A zip file's directory is its sender's claim: names that lead elsewhere, sizes that are not true, entries that share
their bytes. Whatever passes here has a harmless name of an image, and bytes of its own in the archive.
"""

from __future__ import annotations

import io
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from evaluator.data.folders import DEPTH, SUFFIXES
from search_space.errors import Problem

from .limits import SHOWN, SMALL, InvalidUpload, Limits, UploadTooLarge, human

JUNK = re.compile(r"(.*/)?(__MACOSX/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.IGNORECASE | re.DOTALL)
"""What file managers leave in archives unasked."""

NAME_BYTES = 255
"""Longest name that common file systems take."""

ENTRY_BYTES = 1024
"""Bytes of a directory for each entry: the names of all of them are read at once."""

HEADER_BYTES = 30
"""Of the header that stands before the bytes of a file, at least."""

_SIGNATURE = b"PK\x01\x02"
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_DRIVE = re.compile(r"[A-Za-z]:")
_UNPRINTABLE = frozenset(("Cc", "Cs", "Zl", "Zp"))


@dataclass(frozen=True)
class Entry:
    """An image in an archive.

    Attributes:
        info: Where it lies in there.
        path: Where it shall lie in the folder.
    """

    info: ZipInfo
    path: PurePosixPath


class BoundedFile(io.FileIO):
    """A file of which no more is read at once than the directory of an honest archive takes.

    `ZipFile` reads a directory of any size whole, then makes an object of each of its entries.
    """

    def __init__(self, path: Path, entries: int) -> None:
        super().__init__(path)
        self._entries = entries

    def read(self, size: int | None = -1, /) -> bytes:
        """At most ``size`` bytes; `UploadTooLarge` when they hold more entries than are allowed."""
        most = self._entries * ENTRY_BYTES + 2**16
        if size is not None and size > most:
            raise UploadTooLarge([Problem("archive", f"a directory of {human(size)}", f"at most {human(most)}")])
        data = super().read(size) or b""
        if data.count(_SIGNATURE) > self._entries:
            raise UploadTooLarge([Problem("archive", "too many entries", f"at most {self._entries:,}")])
        return data


def opened(file: BoundedFile) -> ZipFile:
    """The archive in a file; `InvalidUpload` when it is none."""
    try:
        return ZipFile(file)
    except InvalidUpload:
        raise
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InvalidUpload([Problem("archive", str(error), "a zip file")]) from error


def images(archive: ZipFile, limits: Limits) -> list[Entry]:
    """The images of an archive, in the order of its bytes, nothing of them read yet.

    A single folder that holds all others is left out of their paths, for people pack a folder as often as its content.

    Raises:
        UploadTooLarge: It holds too many files, or says that they are too large together.
        InvalidUpload: An entry may not be unpacked; with the first `SHOWN` of them.
    """
    files = [info for info in archive.infolist() if not JUNK.fullmatch(info.orig_filename)]
    _refuse(chain.from_iterable(map(_problems_of_kind, files)))
    files = sorted((info for info in files if not info.is_dir()), key=lambda info: info.header_offset)
    _check_size(files, limits)
    paths = _unwrapped([PurePosixPath(info.filename) for info in files])
    entries = [Entry(info, path) for info, path in zip(files, paths, strict=True)]
    of_each = (_problems_of_file(entry, limits) for entry in entries)
    _refuse(chain(*of_each, _problems_of_names(entries), _problems_of_extents(archive, files)))
    if not entries:
        raise InvalidUpload([Problem("archive", "no image", f"images ({', '.join(sorted(SUFFIXES))})")])
    return entries


def problem(info: ZipInfo, value: object, allowed: str) -> Problem:
    """What is wrong with one entry of an archive."""
    return Problem(f"archive[{info.orig_filename[:NAME_BYTES]}]", value, allowed)


def _refuse(problems: Iterable[Problem]) -> None:
    if found := list(islice(problems, SHOWN)):
        raise InvalidUpload(found)


def _problems_of_kind(info: ZipInfo) -> Iterator[Problem]:
    """What may not be unpacked, be it file or folder."""
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    path = PurePosixPath(name)
    if not name.isprintable() and _UNPRINTABLE & set(map(unicodedata.category, name)):
        yield problem(info, "control characters", "a name without them")
    elif path.is_absolute() or "\\" in name or _DRIVE.match(name) or ".." in path.parts or not path.name:
        yield problem(info, name, "a path inside the archive, with / between folders")
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        yield problem(info, "a link" if stat.S_ISLNK(kind) else "a device", "files and folders alone")
    elif any(len(part.encode()) > NAME_BYTES for part in path.parts):
        yield problem(info, f"{len(name)} characters", f"names of at most {NAME_BYTES} bytes")


def _check_size(files: Sequence[ZipInfo], limits: Limits) -> None:
    """Raise `UploadTooLarge` where an archive says itself that it is."""
    if len(files) > limits.files:
        raise UploadTooLarge([Problem("archive", f"{len(files):,} files", f"at most {limits.files:,}")])
    if (size := sum(info.file_size for info in files)) > limits.unpacked_bytes:
        raise UploadTooLarge([Problem("archive", f"{human(size)} unpacked", f"at most {human(limits.unpacked_bytes)}")])
    packed = sum(info.compress_size for info in files)
    if size > SMALL + limits.overall_ratio * packed:
        value = f"{human(size)} packed into {human(packed)}"
        allowed = f"images packed at most {limits.overall_ratio} times smaller, all together"
        raise UploadTooLarge([Problem("archive", value, allowed)])


def _unwrapped(paths: Sequence[PurePosixPath]) -> list[PurePosixPath]:
    """The paths, without the one folder that all of them begin with where there is one."""
    wrapped = all(len(path.parts) > 1 for path in paths) and len({path.parts[0] for path in paths}) == 1
    return [PurePosixPath(*path.parts[1:]) if wrapped else path for path in paths]


def _problems_of_file(entry: Entry, limits: Limits) -> Iterator[Problem]:
    info = entry.info
    if entry.path.suffix.lower() not in SUFFIXES:
        yield problem(info, entry.path.suffix or "no suffix", f"images alone ({', '.join(sorted(SUFFIXES))})")
    elif len(entry.path.parts) > DEPTH:
        yield problem(info, f"{len(entry.path.parts) - 1} folders deep", f"at most {DEPTH - 1} folders deep")
    elif info.flag_bits & _ENCRYPTED:
        yield problem(info, "encrypted", "files that are not")
    elif info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        yield problem(info, f"compression method {info.compress_type}", "files stored or deflated")
    elif info.file_size > limits.image_bytes:
        yield problem(info, human(info.file_size), f"an image of at most {human(limits.image_bytes)}")
    elif info.file_size > limits.ratio * info.compress_size:
        value = f"{human(info.file_size)} packed into {human(info.compress_size)}"
        yield problem(info, value, f"an image packed at most {limits.ratio} times smaller")


def _problems_of_names(entries: Sequence[Entry]) -> Iterator[Problem]:
    """Files that would take each other's place, also where upper and lower case are the same."""
    folders = {_key(parent) for entry in entries for parent in entry.path.parents}
    taken: set[str] = set()
    for entry in entries:
        key = _key(entry.path)
        if key in taken or key in folders:
            yield problem(entry.info, "the name of another entry", "one file for each name")
        taken.add(key)


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", path.as_posix()).casefold()


def _problems_of_extents(archive: ZipFile, files: Sequence[ZipInfo]) -> Iterator[Problem]:
    """Files whose bytes are another's too, or lie outside: ``files`` by their offsets."""
    starts = [*(info.header_offset for info in files), archive.start_dir]
    for info, (start, following) in zip(files, pairwise(starts), strict=True):
        if start < 0 or start + HEADER_BYTES + info.compress_size > following:
            yield problem(info, "bytes that are not its own", "files that lie one behind the other")
