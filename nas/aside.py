"""A long call beside its caller's other duties. Knows nothing of what it does."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .store.base import StoreUnavailable

T = TypeVar("T")


class Aside(Generic[T]):
    """A call on another thread, that is made again where the store did not answer it.

    Args:
        loader: Has the threads.
        call: What is to be done.
    """

    def __init__(self, loader: concurrent.futures.Executor, call: Callable[[], T]) -> None:
        self._loader, self._call = loader, call
        self._made: Future[T] | None = None

    def result(self) -> T | None:
        """What the call gave, None while it is under way; the first time begins it, and no time waits for it.

        Raises:
            StoreUnavailable: The store did not answer; the next time begins the call anew.
            Exception: Whatever else the call has raised.
        """
        if self._made is None:
            self._made = self._loader.submit(self._call)
        if not self._made.done():
            return None
        made = self._made
        if isinstance(made.exception(), StoreUnavailable):
            self._made = None
        return made.result()
