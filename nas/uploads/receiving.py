"""From chunks of bytes to an archive on disk, no larger than is allowed."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from search_space.errors import Problem

from .limits import Limits, UploadTooLarge, human
from .room import ARCHIVE, Room, full_disk_told

STEP = 2**24
"""Bytes after which the disk is looked at again."""


@dataclass(frozen=True)
class Received:
    """An archive on disk.

    Attributes:
        path: Where it lies until its receiver is closed.
        size_bytes: Its size.
        sha256: 64 hexadecimal characters over its bytes.
    """

    path: Path
    size_bytes: int
    sha256: str


class Receiver:
    """Writes an archive chunk by chunk; a context, at whose end the archive is deleted.

    Args:
        room: Where the archive is kept meanwhile, a folder that is made if it does not exist; and what it may take.
        limits: How large it may grow.

    Raises:
        NoRoom: The disk is full.
    """

    @full_disk_told()
    def __init__(self, room: Room, limits: Limits) -> None:
        room.folder.mkdir(parents=True, exist_ok=True)
        self._room, self._limits = room, limits
        self._file = tempfile.NamedTemporaryFile(dir=room.folder, prefix=ARCHIVE, suffix=".zip")  # noqa: SIM115 # its own context
        self._digest = sha256()
        self._size = self._asked = 0

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # what a full disk did not take is not needed
            self._file.close()

    def expect(self, size_bytes: int) -> None:
        """Refuse an archive by its size before it is sent: with `UploadTooLarge` or, where that is all, `NoRoom`."""
        self._check_size(size_bytes)
        self._room.require(size_bytes)

    @full_disk_told()
    def write(self, chunk: bytes) -> None:
        """Append a chunk; `UploadTooLarge`, `NoRoom` as soon as there is too much, whatever was announced."""
        self._size += len(chunk)
        self._check_size(self._size)
        self._room.require_share(self._size)
        if self._size > self._asked:
            self._asked = self._size + STEP
            self._room.require_disk(len(chunk))
        self._digest.update(chunk)
        self._file.write(chunk)

    @full_disk_told()
    def received(self) -> Received:
        """What has come so far, once all has come; `NoRoom` where the disk does not take the last of it."""
        self._file.flush()
        return Received(Path(self._file.name), self._size, self._digest.hexdigest())

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes > self._limits.archive_bytes:
            allowed = f"an archive of at most {human(self._limits.archive_bytes)}"
            raise UploadTooLarge([Problem("archive", human(size_bytes), allowed)])
