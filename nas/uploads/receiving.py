"""From chunks of bytes to an archive on disk, no larger than is allowed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from search_space.errors import Problem

from .limits import Limits, UploadTooLarge, human


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
        folder: Where the archive is kept meanwhile; made if it does not exist.
        limits: How large it may grow.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._limits = limits
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix=".archive-", suffix=".zip")  # noqa: SIM115 # its own context
        self._digest = sha256()
        self._size = 0

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def expect(self, size_bytes: int) -> None:
        """Refuse with `UploadTooLarge` before anything is sent that says it is larger than is allowed."""
        if size_bytes > self._limits.archive_bytes:
            allowed = f"an archive of at most {human(self._limits.archive_bytes)}"
            raise UploadTooLarge([Problem("archive", human(size_bytes), allowed)])

    def write(self, chunk: bytes) -> None:
        """Append a chunk; `UploadTooLarge` as soon as there is more than is allowed, whatever was announced."""
        self._size += len(chunk)
        self.expect(self._size)
        self._digest.update(chunk)
        self._file.write(chunk)

    def received(self) -> Received:
        """What has come so far, once all has come."""
        self._file.flush()
        return Received(Path(self._file.name), self._size, self._digest.hexdigest())
