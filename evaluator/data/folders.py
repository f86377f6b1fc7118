"""Finding image pairs in a folder, from names and headers alone.

It decodes nothing, follows no link out of the folder and never imports torch, so that a web process can check
a folder before anybody trains on it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from search_space.errors import InvalidInput, NoSuchFolder, Problem

from .decoding import UnreadableImage, size
from .layouts import Layout, Match, choose

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"))
DEPTH = 3
"""Levels of folders that are looked into: no layout needs more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """The files of one image.

    Attributes:
        name: Stem that HR and LR have in common.
        hr: The HR file.
        lr: The LR file; None where LR is to be made from HR.
    """

    name: str
    hr: Path
    lr: Path | None


@dataclass(frozen=True, kw_only=True)
class Folder:
    """What was found in a folder.

    Attributes:
        root: The folder, links resolved.
        layout: Name of the layout (see `layouts.LAYOUTS`).
        pairs: The usable images, in natural order of their names (2 before 10); at least one.
        problems: What was left out, each naming its file.
    """

    root: Path
    layout: str
    pairs: tuple[ImageFiles, ...]
    problems: tuple[Problem, ...]


def scan(root: Path, *, scale: int, field: str = "dataset", min_lr_side: int = 1, other_scales: bool = False) -> Folder:
    """Find the images of a folder, whichever common layout it has.

    Args:
        root: The folder.
        scale: The factor that is wanted.
        field: Where problems are reported: `field[relative/path]`.
        min_lr_side: Images whose smaller LR side is below this are left out.
        other_scales: Take the HR images of a folder that was made for other scales alone, of the smallest one where
            there are several; their LR images are then to be made.

    Returns:
        The usable images. Headers were read; an image that is broken further on is found by `images.load`.

    Raises:
        InvalidInput: There is no such folder, or no usable image in it; with everything that is wrong.
    """
    if not root.exists():
        raise InvalidInput([NoSuchFolder(field, str(root))])
    if not root.is_dir():
        raise InvalidInput([Problem(field, str(root), "an existing folder")])
    scanner = _Scan(root.resolve(), scale, field, min_lr_side, other_scales)
    layout = choose(scanner.paths)
    pairs = scanner.pairs(layout) if layout else ()
    if layout is None or not pairs:
        known = ", ".join(sorted(SUFFIXES))
        raise InvalidInput(scanner.problems or [Problem(field, str(root), f"a folder with images ({known})")])
    made = "" if any(files.lr for files in pairs) else ", LR to be made"
    log.info("%s: layout %s, %d images%s, %d problems", root, layout.name, len(pairs), made, len(scanner.problems))
    return Folder(root=scanner.root, layout=layout.name, pairs=pairs, problems=tuple(scanner.problems))


class _Scan:
    """One pass over one folder, gathering problems on the way."""

    def __init__(self, root: Path, scale: int, field: str, min_lr_side: int, other_scales: bool) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self._scale = scale
        self._field = field
        self._min_lr_side = min_lr_side
        self._other_scales = other_scales
        self.paths = tuple(sorted(self._walk(root, DEPTH), key=natural_order))

    def pairs(self, layout: Layout) -> tuple[ImageFiles, ...]:
        hr, lr = layout.hr_files(self.paths), layout.lr_files(self.paths)
        elsewhere = {match.scale for match in (*hr.values(), *lr.values())} - {self._scale, None}
        hr_by_key, lr_by_key = self._by_key(hr, self._scale), self._by_key(lr, self._scale)
        if self._other_scales and lr and not lr_by_key:
            stated = [match.scale for match in hr.values() if match.scale]
            hr_by_key, lr = self._by_key(hr, min(stated, default=self._scale)), {}
        if not hr_by_key or (lr and not lr_by_key):
            scales = ", ".join(f"x{scale}" for scale in sorted(filter(None, elsewhere)))
            self._report(None, f"scale {self._scale}", f"a scale that the folder holds: {scales}")
            return ()
        for key in sorted(lr_by_key.keys() - hr_by_key.keys(), key=natural_key):
            self._report(lr_by_key[key], "no HR image", "an LR image with its HR image")
        found = (self._pair(key, path, lr_by_key, bool(lr)) for key, path in hr_by_key.items())
        return tuple(files for files in found if files)

    def _walk(self, folder: Path, depth: int) -> Iterator[PurePosixPath]:
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            self._report(
                PurePosixPath(folder.relative_to(self.root)),
                error.strerror or "closed",
                "a folder that can be listed",
            )
            return
        for entry in entries:
            relative = PurePosixPath(entry.relative_to(self.root).as_posix())
            if entry.name.startswith("."):
                continue
            if entry.is_symlink() and not entry.resolve().is_relative_to(self.root):
                self._report(relative, "a link that leads out of the folder", "files inside the folder")
            elif entry.is_dir() and depth > 1:
                yield from self._walk(entry, depth - 1)
            elif entry.suffix.lower() in SUFFIXES and entry.is_file():
                yield relative

    def _by_key(self, matches: Mapping[PurePosixPath, Match], scale: int) -> dict[str, PurePosixPath]:
        chosen: dict[str, PurePosixPath] = {}
        for path, match in matches.items():
            if match.scale not in (None, scale):
                continue
            if match.key in chosen:
                self._report(path, f"the same name as {chosen[match.key]}", "one file for each name")
            else:
                chosen[match.key] = path
        return chosen

    def _pair(
        self, key: str, hr: PurePosixPath, lr_by_key: Mapping[str, PurePosixPath], paired: bool
    ) -> ImageFiles | None:
        lr = lr_by_key.get(key)
        if paired and lr is None:
            self._report(hr, "no LR image", f"an HR image with its x{self._scale} LR image")
            return None
        hr_size, lr_size = self._size(hr), self._size(lr) if lr else None
        if hr_size is None or (lr and lr_size is None):
            return None
        wanted = (hr_size[0] // self._scale, hr_size[1] // self._scale)
        if lr and lr_size != wanted:
            self._report(lr, _extent(lr_size), f"{_extent(wanted)}, 1/{self._scale} of {_extent(hr_size)}")
        elif min(wanted) < self._min_lr_side:
            self._report(hr, _extent(hr_size), f"sides of at least {self._min_lr_side * self._scale}")
        else:
            return ImageFiles(name=key, hr=self.root / hr, lr=self.root / lr if lr else None)
        return None

    def _size(self, path: PurePosixPath) -> tuple[int, int] | None:
        try:
            return size(self.root / path)
        except UnreadableImage as error:
            self._report(path, error.reason, "an image that can be read")
            return None

    def _report(self, path: PurePosixPath | None, value: str, allowed: str) -> None:
        field = self._field if path is None else f"{self._field}[{path}]"
        self.problems.append(Problem(field, value, allowed))


def natural_key(text: str) -> tuple[tuple[int, str], ...]:
    """A sort key under which numbers in a text count as numbers: img2 before img10."""
    parts = re.split(r"([0-9]+)", text)
    return tuple((int(part), "") if index % 2 else (-1, part) for index, part in enumerate(parts))


def natural_order(path: PurePosixPath) -> tuple[tuple[tuple[int, str], ...], str]:
    """A total order of paths: natural, ties such as 1 and 01 by the text itself."""
    return natural_key(path.as_posix()), path.as_posix()


def _extent(size: tuple[int, int] | None) -> str:
    return "unknown" if size is None else f"{size[1]}x{size[0]}"
