"""Whether a database is sound: its revision, its tables, its pages and what its rows point to. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, ForeignKey, Table, and_, func, inspect, select, text

from .engine import available, patient
from .migrate import check, head, revision_of
from .tables import metadata


@dataclass(frozen=True, kw_only=True)
class Health:
    """What was found of a database.

    Attributes:
        revision: The revision of its tables; None when it has none.
        head: The revision that this version needs.
        differences: How its tables differ from this version's; empty when they do not.
        damages: What is broken in its pages, or points nowhere; empty when nothing is.
        rows: How many rows each table has.
    """

    revision: str | None
    head: str
    differences: tuple[str, ...]
    damages: tuple[str, ...]
    rows: Mapping[str, int]

    @property
    def sound(self) -> bool:
        """Whether this version can work on it."""
        return self.revision == self.head and not self.differences and not self.damages


def examine(engine: Engine) -> Health:
    """Look at all of a database, which takes the longer the larger it is; `StoreUnavailable`."""
    differences = tuple(check(engine))
    with available(engine), engine.connect() as connection:
        patient(connection)
        return Health(
            revision=revision_of(connection),
            head=head(),
            differences=differences,
            damages=tuple(_damages(connection)),
            rows=_counts(connection),
        )


def _counts(connection: Connection) -> dict[str, int]:
    return {table.name: _count(connection, table) for table in _there(connection)}


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _damages(connection: Connection) -> list[str]:
    broken = []
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("PRAGMA integrity_check")).scalars()
        broken = [line for line in found if line != "ok"]
    tables = _there(connection)
    return broken + [
        line for table in tables for key in table.foreign_keys for line in _orphans(connection, key, set(tables))
    ]


def _orphans(connection: Connection, key: ForeignKey, there: set[Table]) -> Iterator[str]:
    """What to say of rows that point to rows that are not there."""
    child, parent = key.parent, key.column
    if parent.table not in there:
        return
    alone = child.table.join(parent.table, child == parent, isouter=True)
    lost = and_(child.is_not(None), parent.is_(None))
    number = connection.execute(select(func.count()).select_from(alone).where(lost)).scalar_one()
    if number:
        yield f"{number} rows of {child.table.name} point to no row of {parent.table.name}"


def _there(connection: Connection) -> list[Table]:
    names = set(inspect(connection).get_table_names())
    return [table for table in metadata.sorted_tables if table.name in names]
