"""Which images a name stands for: registered datasets first, then the folders of the images root.

A search names a dataset, never a path: what is not listed here cannot be read by anybody's spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from evaluator.data.folders import SUFFIXES
from search_space.errors import InvalidInput, Problem

from .fields import DATASET_NAME
from .records import Dataset, DatasetKind

LOOKED_AT = 1000
"""Paths of a folder that are looked at to see whether it holds images."""

SHOWN = 12
"""Names that are told to whoever asks for one that is not known."""

FolderOf = Callable[[str], Path]
"""``folder_of(name)``: the folder that a dataset's name stands for; `UnknownDataset`."""


class UnknownDataset(InvalidInput):
    """No dataset has this name.

    Attributes:
        name: The name that was asked for.
        allowed: What may be asked for, in words.
    """

    hint = "Ask for one of the names that `srnas datasets list` shows, or register the images under this one."

    def __init__(self, name: str, allowed: str) -> None:
        self.name, self.allowed = name, allowed
        super().__init__([Problem("dataset", name, allowed)])

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.name, self.allowed)


@dataclass(frozen=True)
class Listed:
    """A name and what it stands for.

    Attributes:
        name: What a spec may say.
        registered: Who registered it, when, and what it held then; None for a folder of the images root as it is.
    """

    name: str
    registered: Dataset | None = None


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Finds the folder of a dataset.

    Attributes:
        images_root: Its folders are datasets by their own names; no folder outside it may be registered.
        home: Below it lie uploads. If it lies in the images root, it is no dataset.
        registered: Gives every registered dataset.
        benchmarks: Folder of the benchmark sets: what shares images with it is not offered to who asks for a name
            that is not known, since nothing that is finished may train on it.
    """

    images_root: Path
    home: Path
    registered: Callable[[], Sequence[Dataset]] = tuple
    benchmarks: Path | None = None

    def listed(self) -> list[Listed]:
        """Every dataset, by name: those that are registered, and the folders of the root that hold images."""
        found = {dataset.name: Listed(dataset.name, dataset) for dataset in self.registered()}
        for path in self.images_root.iterdir() if self.images_root.is_dir() else ():
            if path.name not in found and self._subfolder(path.name) and _holds_images(path):
                found[path.name] = Listed(path.name)
        return [found[name] for name in sorted(found)]

    def named(self, name: str) -> Listed:
        """One dataset; `UnknownDataset`."""
        for dataset in self.registered():
            if dataset.name == name:
                return Listed(name, dataset)
        if self._subfolder(name) is None:
            raise UnknownDataset(name, self._allowed(name))
        return Listed(name)

    def folder(self, name: str) -> Path:
        """The folder of a dataset; `UnknownDataset`, also where it is gone."""
        dataset = self.named(name).registered
        if dataset is None:
            return (self.images_root / name).resolve()
        root = self.home if dataset.kind is DatasetKind.UPLOAD else self.images_root
        path = _inside(root, dataset.folder)
        if path is None:
            raise UnknownDataset(name, "a dataset whose folder is there: that of this one is gone")
        return path

    def _subfolder(self, name: str) -> Path | None:
        """The folder directly below the root that has some name, if it may be a dataset."""
        if not re.fullmatch(DATASET_NAME, name):
            return None
        path = _inside(self.images_root, name)
        return None if path == self.home.resolve() else path

    def _allowed(self, name: str) -> str:
        if not re.fullmatch(DATASET_NAME, name):
            return f"the name of a dataset, of letters, digits and . _ -, no path{self._known()}"
        return f"the name of a dataset{self._known() or f': there is none, nor a folder with images in {self._root}'}"

    def _known(self) -> str:
        names = [entry.name for entry in self.listed() if self._offered(entry.name)]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f": {', '.join(names[:SHOWN])}{more}" if names else ""

    def _offered(self, name: str) -> bool:
        try:
            folder = self.folder(name)
        except UnknownDataset:  # its folder is gone
            return False
        return self.benchmarks is None or not share(folder, self.benchmarks.resolve())

    @property
    def _root(self) -> Path:
        return self.images_root.resolve()


def share(folder: Path, other: Path) -> bool:
    """Whether one of two folders, links resolved, lies in the other one and that is there."""
    return other.is_dir() and (folder.is_relative_to(other) or other.is_relative_to(folder))


def folder_inside(root: Path, folder: str, field: str) -> Path:
    """The folder at a path below a root, or the root itself; `InvalidInput` when there is none."""
    path = _inside(root, folder)
    if path is None:
        raise InvalidInput([Problem(field, folder, f"an existing folder inside {root.resolve()}")])
    return path


def _inside(root: Path, relative: str) -> Path | None:
    """An existing folder, links resolved, unless it lies outside the root."""
    try:
        path = (root / relative).resolve()
        return path if path.is_relative_to(root.resolve()) and path.is_dir() else None
    except (OSError, ValueError):  # the path is too long, or holds NUL
        return None


def _holds_images(folder: Path) -> bool:
    """Whether an image is among the first paths of a folder."""
    try:
        return any(path.suffix.lower() in SUFFIXES for path in islice(folder.rglob("*"), LOOKED_AT))
    except OSError:  # it may not be read
        return False
