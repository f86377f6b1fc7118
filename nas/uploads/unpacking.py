"""From an archive to a folder of images, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from search_space.errors import Problem

from .directory import BoundedFile, Entry, images, opened, problem
from .limits import SHOWN, InvalidUpload, Limits, UploadTooLarge, human
from .pictures import HEAD_BYTES, NotAnImage, Tedious, check_head, check_image
from .receiving import Received
from .room import ARCHIVE, DRAFT, Room, full_disk_told

CHUNK = 2**18
"""Bytes inflated at a time."""

STALE_S = 86_400.0
"""Age after which what an interrupted upload left behind is deleted."""


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """What was unpacked.

    Attributes:
        images: How many images.
        size_bytes: Their bytes.
        pixels: Their pixels.
        sha256: 64 hexadecimal characters over the archive.
    """

    images: int
    size_bytes: int
    pixels: int
    sha256: str


@full_disk_told()
def unpack(archive: Received, folder: Path, limits: Limits, room: Room) -> Unpacked:
    """Unpack an archive of images into a new folder.

    Every image lies on the disk before the folder has its name: whenever the power fails, there is all of it or
    nothing. What an interrupted call leaves has another name, and is deleted by `sweep`.

    Args:
        archive: The archive.
        folder: The folder that shall be; its parent is made if it does not exist.
        limits: How much it may hold.
        room: How much all uploads may yet hold, and the disk.

    Raises:
        NoRoom: There is no room for what it holds, or the disk ran full.
        FileExistsError: There is such a folder already, with something in it.
        UploadTooLarge: The archive holds more than is allowed.
        InvalidUpload: It is no zip file, or holds what is no image, or what would be written elsewhere.
    """
    with BoundedFile(archive.path, limits.entries) as file, opened(file) as source:
        entries = images(source, limits)
        with _becoming(folder) as draft:
            size_bytes, pixels = _unpack_all(source, entries, draft, limits, room)
    return Unpacked(images=len(entries), size_bytes=size_bytes, pixels=pixels, sha256=archive.sha256)


def sweep(parent: Path, *, now: float, stale_s: float = STALE_S) -> None:
    """Delete what uploads left behind that were interrupted long ago: archives and drafts.

    A finished folder stays, whether or not anybody knows it: a database may be new, or restored, and its home old.

    Args:
        parent: Where the folders of uploads lie, and nothing else.
        now: Seconds since the epoch.
        stale_s: Seconds for which nothing changed in what is deleted.
    """
    for left in parent.iterdir() if parent.is_dir() else ():
        with suppress(FileNotFoundError):  # somebody else sweeps too, or an upload has ended
            if left.name.startswith((ARCHIVE, DRAFT)) and left.lstat().st_mtime < now - stale_s:
                shutil.rmtree(left) if left.is_dir() else left.unlink()


@contextmanager
def _becoming(folder: Path) -> Iterator[Path]:
    """A folder beside another that takes its name at the end, or goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{DRAFT}{folder.name}-"))
    try:
        yield draft
        for inner in (path for path in draft.rglob("*") if path.is_dir()):
            _sync(inner)
        draft.chmod(0o755)
        _sync(draft)
        try:
            draft.rename(folder)
        except OSError as error:
            if folder.exists():
                raise FileExistsError(f"there is a folder {folder} already") from error
            raise
        _sync(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _unpack_all(source: ZipFile, entries: list[Entry], draft: Path, limits: Limits, room: Room) -> tuple[int, int]:
    """(bytes, pixels) of all images, written; `InvalidUpload` with the first `SHOWN` of them that are none.

    The beginnings of all are looked at before any of them is written.
    """
    size_bytes = pixels = 0

    def look(entry: Entry) -> None:
        with source.open(entry.info) as packed:
            check_head(packed.read(HEAD_BYTES), limits)

    def take(entry: Entry) -> None:
        nonlocal size_bytes, pixels
        path = draft / entry.path
        room.require_disk(entry.info.file_size)
        size_bytes += _inflate(source, entry, path, limits.unpacked_bytes - size_bytes)
        pixels += check_image(path, limits)

    room.require(sum(entry.info.file_size for entry in entries))
    _with_each(entries, look)
    _with_each(entries, take)
    return size_bytes, pixels


def _with_each(entries: list[Entry], do: Callable[[Entry], None]) -> None:
    """Do something with each image; `InvalidUpload` where that cannot be done, with the first `SHOWN` of them."""
    problems: list[Problem] = []
    for entry in entries:
        try:
            do(entry)
        except NotAnImage as error:
            problems.append(problem(entry.info, error.value, error.allowed))
            if isinstance(error, Tedious):
                break
        except (BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
            problems.append(problem(entry.info, str(error), "an entry that can be unpacked"))
        if len(problems) == SHOWN:
            break
    if problems:
        raise InvalidUpload(problems)


def _inflate(source: ZipFile, entry: Entry, path: Path, room: int) -> int:
    """Write one image; its bytes, counted: what the archive says of them is not believed."""
    size = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with source.open(entry.info) as packed, path.open("xb") as target:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            if size > room:
                raise UploadTooLarge([Problem("archive", "more than it says", f"at most {human(room)} more")])
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    if size != entry.info.file_size:
        raise NotAnImage(f"{size} bytes", f"the {entry.info.file_size} bytes that the archive says it has")
    return size


def _sync(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
