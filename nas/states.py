"""A shelf for the states from which trainings go on: files that save steps, and that nobody misses once gone."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from evaluator.checkpoints import write

SUFFIX = ".state"

log = logging.getLogger(__name__)


class StateShelf:
    """Keeps the latest states below a directory, the oldest give way where there is no room.

    Args:
        root: The directory; made when something is kept.
        limit_bytes: Most bytes kept, over all searches; 0 keeps nothing.
    """

    def __init__(self, root: Path, limit_bytes: int) -> None:
        self._root, self._limit = root, limit_bytes
        self._sizes: dict[Path, int] = {}  # oldest first
        found: list[tuple[int, Path, int]] = []
        for path in self._found():
            with suppress(FileNotFoundError):  # another controller has dropped it meanwhile
                found.append((path.stat().st_mtime_ns, path, path.stat().st_size))
        self._sizes |= {path: size_bytes for _, path, size_bytes in sorted(found)}
        self._make_room(0)

    def keep(self, search: str, name: str, state: bytes) -> None:
        """Keep a state under a search's name for it, in place of an earlier one."""
        path = self._path(search, name)
        try:
            self._drop(path)
            if len(state) > self._limit:
                return
            self._make_room(len(state))
            write(path, state)
        except OSError as error:  # a full disk: the next rung trains from the start
            log.warning("a state was not kept: %s", error)
            return
        self._sizes[path] = len(state)

    def take(self, search: str, name: str) -> bytes:
        """A state, or nothing where it is not there."""
        try:
            return self._path(search, name).read_bytes()
        except OSError:
            return b""

    def forget(self, search: str) -> None:
        """Drop every state of a search."""
        for path in [path for path in self._sizes if path.parent.name == search]:
            del self._sizes[path]
        rmtree(self._folder(search), ignore_errors=True)

    def _path(self, search: str, name: str) -> Path:
        return self._folder(search) / f"{plain(name)}{SUFFIX}"

    def _folder(self, search: str) -> Path:
        return self._root / plain(search)

    def _make_room(self, size_bytes: int) -> None:
        while self._sizes and sum(self._sizes.values()) + size_bytes > self._limit:
            self._drop(next(iter(self._sizes)))

    def _drop(self, path: Path) -> None:
        self._sizes.pop(path, None)
        path.unlink(missing_ok=True)

    def _found(self) -> Iterator[Path]:
        return self._root.glob(f"*/*{SUFFIX}")


def plain(name: str) -> str:
    """The name; `ValueError` unless it is letters, digits, hyphens and underscores, so that it stays in its folder."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"{name!r} is no name of a search, a training or a network")
    return name
