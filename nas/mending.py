"""Runs whose calls were broken off: each is made anew from its log, beside the others. Knows no job."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from functools import partial

from .aside import Aside
from .leases import Leases
from .records import Search
from .run import SearchRun
from .store.base import Lease

MakeRun = Callable[[Search, Lease], SearchRun]
"""Makes the run of a search that was begun, from its log."""


class Mending:
    """Makes the runs that take over from torn ones.

    Args:
        leases: Keeps their searches for us.
        make_run: Reads a log, which takes milliseconds a candidate.
        loader: Has the threads on which that is done.
    """

    def __init__(self, leases: Leases, make_run: MakeRun, loader: concurrent.futures.Executor) -> None:
        self._leases, self._make_run, self._loader = leases, make_run, loader
        self._made: dict[SearchRun, Aside[SearchRun]] = {}

    def successor(self, torn: SearchRun) -> SearchRun | None:
        """The run that takes over from a torn one; None while it is made. `LeaseLost`, `StoreUnavailable`."""
        if torn not in self._made:
            self._confirm(torn)
            self._made[torn] = Aside(self._loader, partial(self._make_run, torn.search, torn.lease))
        made = self._made[torn].result()
        if made is not None:
            self.forget(torn)
            made.succeed(torn)
        return made

    def at_once(self, torn: SearchRun) -> SearchRun:
        """The same, made here and now. `LeaseLost`, `StoreUnavailable`."""
        self._confirm(torn)
        self.forget(torn)
        made = self._make_run(torn.search, torn.lease)
        made.succeed(torn)
        return made

    def forget(self, torn: SearchRun) -> None:
        """Let go of a run that needs no successor any more."""
        self._made.pop(torn, None)

    def _confirm(self, torn: SearchRun) -> None:
        """Make sure that the log is still ours alone before it is read."""
        torn.lease, search = self._leases.renewed(torn.lease, at_once=True, settled=True)
        torn.search = search
