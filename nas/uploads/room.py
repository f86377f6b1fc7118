"""How much more uploads may write, to a disk that the database and the weights need too."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .limits import human

RESERVE_BYTES, RESERVE_SHARE = 2**30, 0.05
"""What uploads leave free of a disk: so many bytes, and this share of it where that is more."""

ARCHIVE, DRAFT = ".archive-", ".draft-"
"""How the names begin of what is received and of what is unpacked; no dataset's name begins with a dot."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


class NoRoom(Exception):
    """Uploads have no room for one more."""

    hint = (
        "Remove datasets that nobody needs, or ask an administrator for room: SRNAS_UPLOADS_GIB bounds all uploads, "
        f"and {human(RESERVE_BYTES)} or {RESERVE_SHARE:.0%} of the disk stay free."
    )


class Usage(Protocol):
    """Bytes of a disk, as `shutil.disk_usage` gives them."""

    @property
    def total(self) -> int:
        """All of them."""

    @property
    def free(self) -> int:
        """Those that this process may still write."""


Disk = Callable[[Path], Usage]
"""The disk that a folder lies on."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What an upload may take.

    Attributes:
        folder: Where it lies.
        left_bytes: Bytes by which all uploads together may grow; 0 or below where they may not.
        disk: Tells how full a disk is.
    """

    folder: Path
    left_bytes: int
    disk: Disk = shutil.disk_usage

    def require(self, size_bytes: int) -> None:
        """Raise `NoRoom` unless uploads may grow by so many bytes, and the disk takes them."""
        self.require_share(size_bytes)
        self.require_disk(size_bytes)

    def require_share(self, size_bytes: int) -> None:
        """Raise `NoRoom` unless uploads may grow by so many bytes."""
        if size_bytes > self.left_bytes:
            left = human(max(0, self.left_bytes))
            raise NoRoom(f"{human(size_bytes)} are more than the {left} by which all uploads together may grow")

    def require_disk(self, size_bytes: int) -> None:
        """Raise `NoRoom` unless the disk takes so many bytes and keeps its reserve."""
        usage = self.disk(self.folder)
        if usage.free - size_bytes < max(RESERVE_BYTES, int(RESERVE_SHARE * usage.total)):
            raise NoRoom(f"the server's disk is too full for {human(size_bytes)} more")


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn the system's word that a disk is full into `NoRoom`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("the server's disk is full") from error
        raise


def held(parent: Path, known: Mapping[str, int]) -> int:
    """Bytes of all that is unpacked in a folder, finished or not; archives are not counted, since they go.

    Args:
        parent: Where the folders of uploads lie.
        known: Bytes of those that need not be looked at, by name.
    """
    names = os.listdir(parent) if parent.is_dir() else []
    unknown = [parent / name for name in names if name not in known and not name.startswith(ARCHIVE)]
    return sum(known.values()) + sum(map(_bytes_below, unknown))


def _bytes_below(folder: Path) -> int:
    size = 0
    for inner, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # another upload has ended meanwhile
                size += Path(inner, name).lstat().st_size
    return size
