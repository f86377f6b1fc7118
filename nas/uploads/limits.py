"""How much an upload may hold, and the two ways in which it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.data.decoding import MAX_PIXELS
from search_space.errors import InvalidInput, Problem

SHOWN = 5
"""Problems of an archive that are told; it is given up after so many."""


SMALL = 2**26
"""Bytes unpacked that are no trouble, however well they were packed."""


class InvalidUpload(InvalidInput):
    """An archive holds what may not be unpacked, or is none."""

    hint = "Pack a folder of photographs into a plain zip file, with nothing else in it."


class UploadTooLarge(InvalidUpload):
    """An archive is larger than is taken, packed or unpacked."""

    hint = "Send fewer or smaller photographs, or ask an administrator to register a folder of the server."


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that an upload may hold.

    Attributes:
        archive_bytes: Bytes of the archive.
        unpacked_bytes: Bytes of all its images.
        files: Images.
        image_bytes: Bytes of an image: some formats are read whole to see that they are.
        pixels: Pixels of an image; by default what a training would refuse to decode.
        side: Pixels of an image's longer side.
        ratio: How many times larger a file may be unpacked than packed: photographs hardly shrink in a zip file, and
            a bomb of zeros shrinks a thousandfold.
        overall_ratio: The same of all files together, beyond the first `SMALL` bytes of them: what a few bytes sent
            can make the service do stays bounded.
    """

    archive_bytes: int = 2 * 2**30
    unpacked_bytes: int = 4 * 2**30
    files: int = 20_000
    image_bytes: int = 2**28
    pixels: int = MAX_PIXELS
    side: int = 16_384
    ratio: int = 100
    overall_ratio: int = 8

    def __post_init__(self) -> None:
        low = [Problem(name, value, "at least 1") for name, value in vars(self).items() if value < 1]
        if low:
            raise InvalidInput(low)

    @property
    def entries(self) -> int:
        """Entries of an archive: images, the shadow that macOS adds to each, and a hundred folders or a few more."""
        return 2 * self.files + 100 + self.files // 100


def human(size: int) -> str:
    """Bytes for people: 2 GiB, 512 B."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} GiB"
