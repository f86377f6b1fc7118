"""Whether a file is a whole image of allowed size, by its headers: nothing is decoded.

What is broken inside an image's data is found when it is decoded, by `evaluator.data.images`.
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Callable
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from evaluator.data.decoding import FORMATS

from . import tiff
from .limits import Limits

READS = 200_000
"""Pieces in which a file is read: a large PNG has many, and Pillow walks hostile headers byte by byte."""

HEAD_BYTES, HEAD_READS = 2**16, 5_000
"""Bytes at the beginning of a file that are looked at first, and the pieces in which they are read."""

_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"BM", *tiff.MAGIC)
_HEADED = tuple(name for name in FORMATS if name != "TIFF")  # whose headers may lie anywhere
_OFFSETS, _COUNTS = (273, 324), (279, 325)  # TIFF tags of strips and of tiles


class NotAnImage(ValueError):
    """A file is no image that can be taken.

    Attributes:
        value: What it is instead.
        allowed: What is taken.
    """

    def __init__(self, value: str, allowed: str) -> None:
        self.value = value
        self.allowed = allowed
        super().__init__(f"{value}; allowed: {allowed}")


class Tedious(NotAnImage):
    """A file takes so long to look at that no other like it is looked at."""


class _TooManyPieces(OSError):
    """Headers are in more pieces than those of photographs."""


class _PatientHead(io.BytesIO):
    """The beginning of a file, read in so many pieces and no more."""

    def __init__(self, head: bytes) -> None:
        super().__init__(head)
        self._left = HEAD_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise _TooManyPieces("headers in too many pieces")
        return super().read(size)


class _PatientFile(io.FileIO):
    """A file that is read in so many pieces and no more."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._left = READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise _TooManyPieces("headers in too many pieces")
        return super().read(size) or b""


def check_head(head: bytes, limits: Limits) -> None:
    """Refuse what its first bytes show to be no image that can be taken, before the rest of it is unpacked.

    Nothing is said of a file whose headers go on behind them: `check_image` looks at the whole of it.

    Raises:
        NotAnImage: It is none, or too large; `Tedious` where it takes too long to say.
    """
    if not head.startswith(_MAGIC):
        raise NotAnImage("no image", "an image, whatever its name")
    try:
        with Image.open(_PatientHead(head), formats=_HEADED) as image:
            width, height = image.size
    except _TooManyPieces as error:
        raise Tedious(str(error), "an image that can be read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotAnImage("too many pixels", _most(limits)) from error
    except Exception:  # of hostile bytes, and of half a header, Pillow raises almost anything
        return
    _check_size(width, height, limits)


def check_image(path: Path, limits: Limits) -> int:
    """The pixels of a whole image within limits; `NotAnImage` otherwise, `Tedious` where it takes too long."""
    try:
        with _PatientFile(path) as file:
            if excess := tiff.excess(file, _size(file)):
                raise NotAnImage(excess, "an image of a camera or an editor")
            file.seek(0)
            with Image.open(file, formats=FORMATS) as image:
                width, height = image.size
                _check_size(width, height, limits)
                whole = _WHOLE[image.format or ""](file)
    except NotAnImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # the latter where it is an error
        raise NotAnImage("too many pixels", _most(limits)) from error
    except _TooManyPieces as error:
        raise Tedious(str(error), "an image that can be read") from error
    except UnidentifiedImageError as error:
        raise NotAnImage("no image of a known format", f"an image ({', '.join(FORMATS)})") from error
    except Exception as error:  # of hostile bytes Pillow raises almost anything
        raise NotAnImage(str(error) or type(error).__name__, "an image that can be read") from error
    if not whole:
        raise NotAnImage("an image that breaks off", "whole images")
    return width * height


def _check_size(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > limits.side:
        raise NotAnImage(f"{width}x{height}", f"at most {limits.side} pixels a side")
    if width * height > limits.pixels:
        raise NotAnImage(f"{width}x{height}", _most(limits))


def _most(limits: Limits) -> str:
    return f"at most {limits.pixels / 1e6:g} megapixels"


# -- Whether a file ends where it should, by format ----------------------------------------------------------------


def _whole_png(file: io.FileIO) -> bool:
    """Every chunk is there, with its checksum: Pillow raises otherwise."""
    file.seek(0)
    with PngImageFile(file) as fresh:
        fresh.verify()
    return True


def _whole_jpeg(file: io.FileIO) -> bool:
    """The data of the image is followed by its end marker, which cannot stand inside them."""
    file.seek(2)
    while (marker := file.read(2)) and marker != b"\xff\xda":
        if marker == b"\xff\xff":  # padding
            file.seek(-1, io.SEEK_CUR)
        elif marker[0] == 0xFF:
            file.seek(max(int.from_bytes(file.read(2)), 2) - 2, io.SEEK_CUR)
        else:  # Pillow skips junk between segments
            file.seek(-1, io.SEEK_CUR)
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return marker == b"\xff\xda" and data.find(b"\xff\xd9", file.tell()) >= 0


def _whole_webp(file: io.FileIO) -> bool:
    return _stated(file, 4) + 8 <= _size(file)


def _whole_bmp(file: io.FileIO) -> bool:
    return _stated(file, 2) <= _size(file)


def _whole_tiff(file: io.FileIO) -> bool:
    """The last strip or tile lies inside the file."""
    file.seek(0)
    ends = [0]
    with TiffImageFile(file) as fresh:
        for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True):
            places = zip(fresh.tag_v2.get(offsets, ()), fresh.tag_v2.get(counts, ()), strict=True)
            ends += [start + size for start, size in places]
    return 0 < max(ends) <= _size(file)


def _stated(file: io.FileIO, offset: int) -> int:
    """The size that a header states, four bytes, the lowest first."""
    file.seek(offset)
    return int.from_bytes(file.read(4), "little")


def _size(file: io.FileIO) -> int:
    return file.seek(0, io.SEEK_END)


_WHOLE: dict[str, Callable[[io.FileIO], bool]] = {
    "PNG": _whole_png,
    "JPEG": _whole_jpeg,
    "MPO": _whole_jpeg,  # a JPEG of several pictures, as phones write them
    "WEBP": _whole_webp,
    "BMP": _whole_bmp,
    "TIFF": _whole_tiff,
}
