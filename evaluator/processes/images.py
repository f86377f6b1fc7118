"""Images that many processes read and none copies: one anonymous file, mapped by each of them.

The file has no name. It lives as long as a process has it open or mapped, and the kernel frees it when the last one
ends, however it ends: nothing is left to clean up, not even after a kill.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle

from ..data.sets import EvaluationData

ALIGNMENT = 64


@dataclass(frozen=True)
class Layout:
    """How to read images from the file that follows this message through a pipe.

    Attributes:
        digest: Digest of the images.
        header: Their pickle, without pixels.
        spans: Start and length in bytes of each of its buffers.
        size: Bytes of the whole file.
    """

    digest: str
    header: bytes
    spans: tuple[tuple[int, int], ...]
    size: int


@dataclass(frozen=True)
class Forget:
    """The message that images are needed no longer."""

    digest: str


class SharedImages:
    """Images in an anonymous file, written once.

    Args:
        data: What to share; it is copied.
    """

    def __init__(self, data: EvaluationData) -> None:
        digest = data.digest
        pickled: list[pickle.PickleBuffer] = []
        header = pickle.dumps(data, protocol=5, buffer_callback=pickled.append)
        buffers = [buffer.raw() for buffer in pickled]
        ends = list(accumulate((_aligned(buffer.nbytes) for buffer in buffers), initial=0))
        spans = tuple((start, buffer.nbytes) for start, buffer in zip(ends[:-1], buffers, strict=True))
        self._layout = Layout(digest, header, spans, max(ends[-1], ALIGNMENT))
        self._file = _anonymous_file()
        os.ftruncate(self._file, self._layout.size)
        for (start, _), buffer in zip(spans, buffers, strict=True):
            _write(self._file, buffer, start)

    def send(self, connection: Connection, pid: int) -> None:
        """Tell a process how to read them, and hand it the open file.

        Raises:
            OSError: The process is gone.
        """
        connection.send(self._layout)
        send_handle(connection, self._file, pid)

    def close(self) -> None:
        """Close the file here; processes that read it go on."""
        os.close(self._file)


def receive(layout: Layout, connection: Connection) -> EvaluationData:
    """Read the images that `SharedImages.send` told of: read-only views into the file, unmapped with the last view."""
    file = recv_handle(connection)
    try:
        mapped = memoryview(mmap.mmap(file, layout.size, prot=mmap.PROT_READ))
    finally:
        os.close(file)
    data: EvaluationData = pickle.loads(
        layout.header, buffers=[mapped[start : start + length] for start, length in layout.spans]
    )
    return data


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _anonymous_file() -> int:
    """An open file without a name: in memory where the system can, else on disk and already unlinked."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("srnas-images")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write(file: int, buffer: memoryview, start: int) -> None:
    """Write all of a buffer; one call writes 2 GB at most."""
    while buffer.nbytes:
        written = os.pwrite(file, buffer, start)
        buffer, start = buffer[written:], start + written
