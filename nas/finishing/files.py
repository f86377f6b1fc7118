"""The files of full trainings: where each stands, what it came to, and whom it learns from. Knows no store.

What is written here is whole or not there; what is read is only believed when it belongs to the training that asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evaluator import checkpoints
from search_space.errors import InvalidInput, Problem

from ..recording import PASSING
from ..records import TrainingId
from ..states import plain
from ..store.base import StoreUnavailable

FOLDER = "trainings"
STATE, MODEL = "state", "model.safetensors"


class TrainingFiles:
    """Files below a home folder.

    Where a disk is full, or cannot be reached for now, every verb raises `StoreUnavailable`: it may be called again.

    Args:
        home: Folder that paths in the store are relative to.
        models: Folder of weights whose files may be named as teachers.
    """

    def __init__(self, home: Path, models: Path) -> None:
        self._home, self._models = home, models

    def keep_state(self, training_id: TrainingId, document: bytes) -> None:
        """Keep where a training stands, in place of where it stood before."""
        self._write(self._folder(training_id) / STATE, document)

    def state(self, training_id: TrainingId, lineage: str) -> tuple[bytes, int]:
        """Where a training of a lineage stands, and after how many steps; nothing and 0 where it is not there or unfit.

        Only what the document says of itself is looked at: whether it is whole, who goes on from it finds out.
        """
        try:
            document = self._read(self._folder(training_id) / STATE)
        except FileNotFoundError:
            return b"", 0
        steps = steps_of(document, lineage)
        return (document, steps) if steps else (b"", 0)

    def mark(self, training_id: TrainingId) -> None:
        """Have a training be among `with_states`, also one of a single stretch, that never stood anywhere."""
        path = self._folder(training_id) / STATE
        with _passing():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

    def drop_state(self, training_id: TrainingId) -> None:
        """Forget where a training stands, if that is known."""
        with _passing():
            (self._folder(training_id) / STATE).unlink(missing_ok=True)

    def with_states(self) -> list[TrainingId]:
        """The trainings that have left where they stand, in the order of their ids."""
        return sorted(TrainingId(path.parent.name) for path in (self._home / FOLDER).glob(f"*/{STATE}"))

    def keep_model(self, training_id: TrainingId, document: bytes) -> str:
        """Keep finished weights; their path below the home folder."""
        path = self._folder(training_id) / MODEL
        self._write(path, document)
        return path.relative_to(self._home).as_posix()

    def read(self, relative: str) -> bytes:
        """A file below the home folder; `FileNotFoundError`."""
        return self._read(self._home / relative)

    def teacher(self, name: str) -> bytes:
        """A file of the folder of models, by its name; `InvalidInput` where there is none, or it lies elsewhere."""
        path = (self._models / name).resolve()
        if path.parent != self._models.resolve() or path.name != name or not path.is_file():
            allowed = f"the id of a completed training, or the name of a file in {self._models.resolve()}"
            raise InvalidInput([Problem("recipe.distil.teacher", name, allowed)])
        return self._read(path)

    def _folder(self, training_id: TrainingId) -> Path:
        return self._home / FOLDER / plain(training_id)

    def _read(self, path: Path) -> bytes:
        with _passing():
            return path.read_bytes()

    def _write(self, path: Path, document: bytes) -> None:
        with _passing():
            checkpoints.write(path, document)


def steps_of(document: bytes, lineage: str) -> int:
    """How many steps a state says that it has; 0 where it is of another lineage, or no state at all."""
    try:
        header = json.loads(checkpoints.unpack(document)[1])
        steps = header["steps"] if header["lineage"] == lineage else 0
    except (InvalidInput, ValueError, TypeError, KeyError):
        return 0
    return steps if type(steps) is int and steps > 0 else 0


@contextmanager
def _passing() -> Iterator[None]:
    """Make of a disk's trouble that is over one day one of the store's."""
    try:
        yield
    except OSError as error:
        if error.errno not in PASSING:
            raise
        raise StoreUnavailable(f"files of full trainings cannot be read or written now: {error}") from error
