"""Single members of ZIP archives that we wrote ourselves. It writes nothing to a disk and follows no path."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile

MOST_BYTES = 16 * 2**20
"""Largest member that is read: a picture of 1024 x 1024 pixels is a fifth of it at worst."""


def member(archive: Path, name: str) -> bytes | None:
    """A member of an archive by its exact name in the archive's own listing.

    Returns:
        Its bytes; None where there is no such member, it is larger than `MOST_BYTES`, or the file is no whole archive.
    """
    try:
        with ZipFile(archive) as opened:
            found = next((info for info in opened.infolist() if info.filename == name and not info.is_dir()), None)
            if found is None or found.file_size > MOST_BYTES:
                return None
            return opened.read(found)
    except BadZipFile:
        return None
