"""All that a database holds, to be compared with another. Knows no store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ..store.sql.engine import connect
from ..store.sql.tables import metadata


def rows_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, by the table's name, in an order that no database decides."""
    engine = connect(url)
    with engine.connect() as connection:
        found = {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return {name: sorted(rows, key=str) for name, rows in found.items()}
