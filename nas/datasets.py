"""What people do with datasets: list them, register a folder of the server, upload an archive, remove one."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from evaluator.data.folders import Folder, scan
from search_space.errors import InvalidInput, Problem

from .catalogue import Catalogue, Listed, UnknownDataset, folder_inside
from .fields import DATASET_NAME
from .records import Dataset, DatasetKind, Search, SearchState, Training, TrainingStatus
from .settings import Settings
from .store.base import AlreadyStored, Store
from .uploads import SHOWN, Disk, Limits, Received, Receiver, Room, held, sweep, unpack

FOLDER = "datasets"
"""Where uploads lie below the home folder."""

PAGE = 200
"""Searches read at once."""


class DatasetExists(ValueError):
    """A dataset's name is taken."""

    hint = "choose another name; an uploaded or registered dataset may be removed first"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"there is a dataset {name!r} already, with other images")


class DatasetKept(ValueError):
    """A dataset may not be removed."""

    hint = "wait until no search needs it, or cancel those that do"

    def __init__(self, name: str, why: str, hint: str | None = None) -> None:
        self.name, self.hint = name, hint or self.hint
        super().__init__(f"dataset {name!r} stays: {why}")


class Datasets:
    """Use cases around the images that searches may name.

    Args:
        store: Where datasets are registered.
        settings: Where images lie.
        clock: The time for records.
        limits: What an upload may hold.
        disk: How full the disk is that a folder lies on.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Callable[[], datetime],
        *,
        limits: Limits | None = None,
        disk: Disk = shutil.disk_usage,
    ) -> None:
        self._store, self._clock, self._disk = store, clock, disk
        self._images_root, self._home = settings.images_root, settings.home
        self._uploads = settings.home / FOLDER
        most = int(settings.upload_gib * 2**30)
        self._quota_bytes = int(settings.uploads_gib * 2**30)
        self._limits = limits or Limits(archive_bytes=most, unpacked_bytes=2 * most)
        self._catalogue = Catalogue(
            images_root=settings.images_root,
            home=settings.home,
            registered=store.datasets,
            benchmarks=settings.benchmarks_root,
        )

    def all(self) -> list[Listed]:
        """Every dataset, by name."""
        return self._catalogue.listed()

    def named(self, name: str) -> Listed:
        """One dataset; `UnknownDataset`."""
        return self._catalogue.named(name)

    def folder(self, name: str) -> Path:
        """The folder of a dataset; `UnknownDataset`, also where it is gone."""
        return self._catalogue.folder(name)

    def survey(self, name: str) -> Folder:
        """What a dataset holds now, whatever its scale; `UnknownDataset`, `InvalidInput` when nothing can be used."""
        return _survey(self.folder(name), "dataset")

    def add_folder(self, name: str, folder: str, *, by: str = "") -> Dataset:
        """Register a folder of the server inside the images root; the same again changes nothing.

        Raises:
            InvalidInput: The name is none, or there is no such folder inside the root, or no image in it.
            DatasetExists: The name is taken.
        """
        self.check_name(name)
        path = folder_inside(self._images_root, folder, "folder")
        relative = path.relative_to(self._images_root.resolve()).as_posix()
        if self._taken(name, lambda known: known.folder == relative, root=path):
            return self._store.dataset(name)
        found = _survey(path, "folder")
        return self._add(name, DatasetKind.FOLDER, relative, found, size_of(found), by=by)

    def receive(self, name: str) -> Receiver:
        """A place for the archive of a dataset, no larger than is allowed; what interrupted uploads have left goes.

        One whose name is known may be an archive sent again, for which no room is needed beyond the disk's.

        Raises:
            InvalidInput: The name is none.
            NoRoom: The disk is full.
        """
        self.check_name(name)
        sweep(self._uploads, now=self._clock().timestamp())
        known = any(dataset.name == name for dataset in self._store.datasets())
        return Receiver(self._room(self._limits.archive_bytes if known else self._left_bytes()), self._limits)

    def add_upload(self, name: str, archive: Received, *, by: str = "") -> Dataset:
        """Unpack an archive of images and register it; the same archive again changes nothing.

        Raises:
            InvalidInput: The name is none; or `InvalidUpload`, `UploadTooLarge`.
            DatasetExists: The name is taken.
            NoRoom: All uploads together would hold more than they may, or the disk is full.
        """
        self.check_name(name)
        if self._taken(name, lambda known: known.sha256 == archive.sha256):
            return self._store.dataset(name)
        folder = self._uploads / f"{name}-{secrets.token_hex(4)}"
        unpacked = unpack(archive, folder, self._limits, self._room(self._left_bytes()))
        try:
            self._room(self._left_bytes()).require_share(0)  # others may have been unpacked meanwhile
            found = _survey(folder, "archive")
            relative = folder.relative_to(self._home).as_posix()
            size = unpacked.size_bytes  # also of images that no search can use
            return self._add(name, DatasetKind.UPLOAD, relative, found, size, by=by, sha256=unpacked.sha256)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def remove(self, name: str, *, by: str = "") -> Dataset:
        """Forget a dataset, and delete its files where they were uploaded; `UnknownDataset`, `DatasetKept`."""
        dataset = self.named(name).registered
        if dataset is None:
            hint = "move the folder out of the images root on the server"
            raise DatasetKept(name, "it is a folder of the images root, and was registered by nobody", hint)
        if users := [search.id for search in self._unfinished() if name in _named_by(search)]:
            raise DatasetKept(name, f"unfinished searches name it: {', '.join(users[:SHOWN])}")
        if trained := [training.id for training in self._waiting() if name in _roles(training.dataset)]:
            hint = "wait until no training needs it, or cancel those that do"
            raise DatasetKept(name, f"unfinished trainings name it: {', '.join(trained[:SHOWN])}", hint)
        self._store.remove_dataset(name, at=self._clock(), by=by)
        if dataset.kind is DatasetKind.UPLOAD:
            shutil.rmtree(self._home / dataset.folder, ignore_errors=True)
        return dataset

    def check_name(self, name: str) -> None:
        """Raise `InvalidInput` unless a dataset may have this name."""
        if not re.fullmatch(DATASET_NAME, name):
            allowed = "at most 100 letters, digits and . _ -, of which the first is a letter or a digit"
            raise InvalidInput([Problem("name", name, allowed)])

    def _taken(self, name: str, same: Callable[[Dataset], bool], root: Path | None = None) -> bool:
        """Whether the dataset is there already; `DatasetExists` when another one has its name."""
        try:
            known = self.named(name).registered
        except UnknownDataset:
            return False
        if known is None and root is not None and root == self.folder(name):
            return False  # a folder of the root may be registered under its own name
        if known is None or not same(known):
            raise DatasetExists(name)
        return True

    def _add(
        self, name: str, kind: DatasetKind, folder: str, found: Folder, size_bytes: int, *, by: str, sha256: str = ""
    ) -> Dataset:
        dataset = Dataset(
            name=name,
            kind=kind,
            folder=folder,
            images=len(found.pairs),
            size_bytes=size_bytes,
            created_at=self._clock(),
            created_by=by,
            sha256=sha256,
        )
        try:
            self._store.add_dataset(dataset)
        except AlreadyStored:  # meanwhile, by somebody else
            raise DatasetExists(name) from None
        return dataset

    def _room(self, left_bytes: int) -> Room:
        return Room(folder=self._uploads, left_bytes=left_bytes, disk=self._disk)

    def _left_bytes(self) -> int:
        """Bytes by which all uploads together may grow; below 0 where they hold too much."""
        uploads = (dataset for dataset in self._store.datasets() if dataset.kind is DatasetKind.UPLOAD)
        known = {Path(dataset.folder).name: dataset.size_bytes for dataset in uploads}
        return self._quota_bytes - held(self._uploads, known)

    def _waiting(self) -> list[Training]:
        """Full trainings that have not ended."""
        statuses = [status for status in TrainingStatus if not status.ended]
        return self._store.trainings(statuses=statuses, limit=None)

    def _unfinished(self) -> Iterator[Search]:
        states = [state for state in SearchState if not state.ended]
        page = self._store.searches(states=states, limit=PAGE)
        while page:
            yield from page
            page = self._store.searches(states=states, before=page[-1].id, limit=PAGE)


def size_of(found: Folder) -> int:
    """Bytes of the images of a folder."""
    paths = [path for files in found.pairs for path in (files.hr, files.lr) if path is not None]
    return sum(path.stat().st_size for path in paths)


def _survey(folder: Path, field: str) -> Folder:
    """What a folder holds, for one scale or another; `InvalidInput` with the first problems when nothing is usable."""
    try:
        return scan(folder, scale=2, field=field, other_scales=True)
    except InvalidInput as error:
        raise InvalidInput(error.problems[:SHOWN]) from error


def _named_by(search: Search) -> tuple[str | None, str | None]:
    return search.spec.dataset.train, search.spec.dataset.validation


def _roles(dataset: Mapping[str, Any]) -> tuple[str | None, str | None]:
    return dataset.get("train"), dataset.get("validation")
