"""The storage port: what every store promises, then its verbs.

Guarantees, in every implementation:

* A verb is one transaction: it happens whole or not at all. Whoever gets `StoreUnavailable` may repeat it: nothing was
  done, unless the database went away in the very moment of the commit. Then the repetition finds the work done, and is
  refused as such (`AlreadyStored`, `NotFound` in flight), or is answered with it (a request with a key).
* What a verb returned is durable before it returns.
* Writes to the log of a search take a `Lease` and are refused with `LeaseLost` once another owner has claimed the
  search (fencing token), so that a controller that was cut off writes nothing.
* An evaluation is written once per key; a second write of the same key keeps the first.
* Every change of a search appends its event in the same transaction; events are numbered from 1. A renewed lease and a
  mark of survival are no changes in that sense; marks take a number all the same, so that the pulse of the search
  shows them.
* A number is given once, and numbers only grow. They have gaps where marks were written, and where a training told of
  its progress: those events go in the transaction that records the training's outcome, or gives it up. A reader that
  keeps the last number that it read misses nothing else.
* What a person asks for bears who: its `AuditEntry` is appended in the same transaction, numbered from 1.
* Times are timezone-aware UTC and come from the caller.
* A figure that is not a number is stored as unknown (None); infinity is kept.
* Nothing is what a listing of an unknown id holds; only a verb that names `NotFound` raises it.
* A full training is written under its `TrainingLease` only, and cancelling it voids that.

A lease lets its holder *ask* while the search is running, and *tell* until the search has ended: pausing a search, or
queueing it again, does not throw away what was in flight. It is lost when the search is claimed again.
"""

from __future__ import annotations

from typing import Protocol

from .lease import Lease, LeaseLost, TrainingLease, TrainingReport
from .port.access import Access
from .port.artifacts import Artifacts
from .port.claims import Claims
from .port.datasets import Datasets
from .port.log import LogWrites
from .port.reads import LogReads
from .port.searches import REMEMBERED, Searches
from .port.trainings import Trainings
from .port.workers import Workers
from .refusals import (
    AlreadyStored,
    BudgetChanged,
    KeyReused,
    NotFound,
    StoreError,
    StoreInUse,
    StoreUnavailable,
    WrongSchema,
)

__all__ = [
    "REMEMBERED",
    "AlreadyStored",
    "BudgetChanged",
    "KeyReused",
    "Lease",
    "LeaseLost",
    "NotFound",
    "Store",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "TrainingLease",
    "TrainingReport",
    "WrongSchema",
]


class Store(Searches, Claims, LogWrites, Workers, LogReads, Trainings, Artifacts, Datasets, Access, Protocol):
    """Remembers searches and what became of them, datasets, tokens and the audit, and for a moment what workers do."""

    def check_schema(self) -> None:
        """Raise `WrongSchema` unless the tables are those of this version, as they are when a store is opened."""
        ...

    def close(self) -> None:
        """Release connections."""
        ...
