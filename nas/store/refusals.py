"""Why a store refuses, each with what to do next. Knows no lease: `nas.store.base.LeaseLost` is beside that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

LISTED_BY: Mapping[str, str] = {
    "search": "srnas list",
    "candidate": "srnas candidates SEARCH",
    "training": "srnas trainings",
    "finished model": "srnas models",
    "token": "srnas token list",
}
"""The command that lists what may be asked for."""


class StoreError(Exception):
    """The store refuses; ``hint`` says what to do next."""

    hint = ""


class NotFound(StoreError):
    """Nothing has that id."""

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        listed = LISTED_BY.get(what)
        self.hint = f"take an id that `{listed}` shows" if listed else f"take the id of a {what} that there is"
        super().__init__(f"no {what} has the id {name!r}")


class AlreadyStored(StoreError):
    """A record with that id, ordinal or training is there already."""

    hint = "read what is there: it was kept as it was"

    def __init__(self, what: str, name: str) -> None:
        self.what, self.name = what, name
        super().__init__(f"a {what} is stored already under the id, ordinal or training of {name!r}")


class KeyReused(StoreError):
    """A request bears the key of another one."""

    hint = "give a new request a key of its own; a key is for sending the same request again"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the key {key!r} was used for another request")


class BudgetChanged(StoreError):
    """A search has another budget by now than the one that was to be extended."""

    hint = "read the search's budget again, and extend that"

    def __init__(self, search_id: str) -> None:
        self.search_id = search_id
        super().__init__(f"the budget of search {search_id} was changed meanwhile")


class StoreInUse(StoreError):
    """Another process holds the database exclusively."""

    hint = "stop the other srnas process, or give this one another database"

    def __init__(self, path: str, pid: int | None) -> None:
        self.path, self.pid = path, pid
        super().__init__(f"{path} is in use by process {'unknown' if pid is None else pid}")


class StoreUnavailable(StoreError):
    """The database cannot be reached, read or written."""

    hint = "see that the database is up, has space left and is not damaged, then try again"


class BadArchive(StoreError):
    """A file is no archive of a database, or not as it was written."""

    hint = "give a file that `srnas db backup` wrote; nothing of this one was restored"

    def __init__(self, path: Path, why: str) -> None:
        self.path = path
        super().__init__(f"{path}: {why}")


class NotEmpty(StoreError):
    """An archive is restored into a database that holds something."""

    hint = "give it a new database (another --home or --database-url); nothing is merged, and nothing is overwritten"

    def __init__(self, database: str, tables: Sequence[str]) -> None:
        self.tables = tuple(tables)
        super().__init__(f"{database} is not empty: it has rows in {', '.join(tables)}")


class WrongSchema(StoreError):
    """The tables of the database are not those of this version of srnas."""
