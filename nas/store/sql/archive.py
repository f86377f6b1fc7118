"""A whole database as one archive, and back: JSON lines in a zip file, the same of SQLite and of PostgreSQL.

Each table is one entry, ``tables/NAME.jsonl``, a row a line; the last entry, ``manifest.json``, says of which revision
the tables are, and how many rows each has, with the digest of its entry. Which tables and columns there are is what
`nas.store.sql.tables` says: nothing is listed here.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Double, Engine, RowMapping, Table, exc, func, insert, select, text
from sqlalchemy.types import TypeEngine

from ..refusals import BadArchive, NotEmpty, WrongSchema
from .columns import UtcDateTime
from .engine import available, patient, writing
from .migrate import check_revision, head
from .tables import metadata

FORMAT = 1
"""Version of the archive's layout."""

BATCH = 1000
"""Rows that are held in memory at once."""

MANIFEST = "manifest.json"

OnRows = Callable[[str, int, int], None]
"""Told of a table, how many of its rows are done, and how many it has."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an archive has of one table.

    Attributes:
        rows: How many rows.
        sha256: Digest of its lines.
    """

    rows: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What an archive holds.

    Attributes:
        revision: The schema's revision that its tables have.
        created_at: When it was made.
        srnas: The version of srnas that made it.
        tables: Its tables, by name.
        format: Version of the archive's layout.
    """

    revision: str
    created_at: datetime
    srnas: str
    tables: Mapping[str, Contents]
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """How many rows it has in all."""
        return sum(contents.rows for contents in self.tables.values())


# -- out ---------------------------------------------------------------------------------------------------------------


def write(engine: Engine, path: Path, *, at: datetime, srnas: str, on_rows: OnRows) -> Manifest:
    """Write all that a database holds at one moment to a new file; others go on reading and writing meanwhile.

    The file has its name once it is whole and on the disk.

    Raises:
        WrongSchema: The tables are of another revision than this version's.
        OSError: The file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        with available(engine), _one_moment(engine) as connection, part.open("wb") as file:
            manifest = _write_tables(connection, file, at, srnas, on_rows)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _one_moment(engine: Engine) -> Connection:
    """A connection whose transaction sees one moment; SQLite's always do."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def _write_tables(connection: Connection, file: IO[bytes], at: datetime, srnas: str, on_rows: OnRows) -> Manifest:
    patient(connection)
    check_revision(connection)
    tables: dict[str, Contents] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in metadata.sorted_tables:
            with archive.open(_entry(table), "w", force_zip64=True) as entry:
                tables[table.name] = _write_rows(connection, table, entry, on_rows)
        manifest = Manifest(revision=head(), created_at=at, srnas=srnas, tables=tables)
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2, default=datetime.isoformat))
    return manifest


def _write_rows(connection: Connection, table: Table, entry: IO[bytes], on_rows: OnRows) -> Contents:
    total = connection.execute(select(func.count()).select_from(table)).scalar_one()
    digest, done, figures = hashlib.sha256(), 0, _of_type(table, Double)
    on_rows(table.name, done, total)
    query = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    for rows in connection.execute(query).partitions():
        data = "".join(_line(row._mapping, figures) for row in rows).encode()
        entry.write(data)
        digest.update(data)
        done += len(rows)
        on_rows(table.name, done, total)
    return Contents(rows=done, sha256=digest.hexdigest())


def _line(row: RowMapping, figures: Sequence[str]) -> str:
    """A row as JSON knows it: a moment is a text, and so is a figure that is infinite."""
    document = dict(row)
    for name in figures:
        if document[name] in (math.inf, -math.inf):
            document[name] = str(document[name])
    return json.dumps(document, default=datetime.isoformat) + "\n"


def _of_type(table: Table, kind: type[TypeEngine[Any]]) -> list[str]:
    """The columns of a table that are of a type."""
    return [column.name for column in table.c if isinstance(column.type, kind)]


# -- in ----------------------------------------------------------------------------------------------------------------


def read_manifest(path: Path) -> Manifest:
    """What an archive says of itself; `BadArchive`."""
    try:
        with zipfile.ZipFile(path) as archive:
            document = json.loads(archive.read(MANIFEST))
        if document["format"] != FORMAT:
            raise BadArchive(path, f"its layout is {document['format']!r}, and this srnas reads {FORMAT}")
        tables = {name: Contents(**contents) for name, contents in document.pop("tables").items()}
        created_at = datetime.fromisoformat(document.pop("created_at"))
        return Manifest(**document, created_at=created_at, tables=tables)
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError) as error:
        raise BadArchive(path, f"it has no manifest that can be read ({error})") from error


def require_current(path: Path) -> Manifest:
    """What an archive of this version's tables says of itself; `BadArchive`, `WrongSchema` of another version's."""
    manifest = read_manifest(path)
    if manifest.revision == head():
        return manifest
    error = WrongSchema(f"{path} is of revision {manifest.revision}, and this srnas has tables of revision {head()}")
    error.hint = f"restore it with srnas {manifest.srnas}, then run `srnas db upgrade` of this one"
    raise error


def read(engine: Engine, path: Path, *, on_rows: OnRows) -> Manifest:
    """Put all that an archive holds into a database without rows, or nothing of it.

    Raises:
        BadArchive: It is no such archive, or not as it was written.
        WrongSchema: The archive or the database is of another revision than this version's tables.
        NotEmpty: The database holds something.
    """
    manifest = require_current(path)
    with available(engine), writing(engine).connect() as connection, connection.begin():
        patient(connection)
        check_revision(connection)
        _refuse_rows(connection)
        with zipfile.ZipFile(path) as archive:
            for table in metadata.sorted_tables:
                _read_rows(connection, table, archive, manifest, path, on_rows)
    return manifest


def _read_rows(
    connection: Connection,
    table: Table,
    archive: zipfile.ZipFile,
    manifest: Manifest,
    path: Path,
    on_rows: OnRows,
) -> None:
    expected = manifest.tables.get(table.name)
    if expected is None:
        raise BadArchive(path, f"it has no table {table.name}")
    digest, done = hashlib.sha256(), 0
    on_rows(table.name, done, expected.rows)
    try:
        with archive.open(_entry(table)) as entry:
            for lines in _batches(entry):
                digest.update(b"".join(lines))
                connection.execute(insert(table), _rows(table, lines))
                done += len(lines)
                on_rows(table.name, done, expected.rows)
    except exc.OperationalError:
        raise
    except (zipfile.BadZipFile, zlib.error, KeyError, TypeError, ValueError, exc.StatementError) as error:
        raise BadArchive(path, f"its table {table.name} cannot be read ({error})") from error
    if (done, digest.hexdigest()) != (expected.rows, expected.sha256):
        raise BadArchive(path, f"its table {table.name} is not as it was written")


def _batches(entry: IO[bytes]) -> Iterator[list[bytes]]:
    while lines := list(islice(entry, BATCH)):
        yield lines


def _rows(table: Table, lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Rows from their lines; `ValueError` unless each has the table's columns and no other."""
    names, moments, figures = set(table.c.keys()), _of_type(table, UtcDateTime), _of_type(table, Double)
    documents: list[dict[str, Any]] = [json.loads(line) for line in lines]
    for document in documents:
        if not isinstance(document, dict) or document.keys() != names:
            raise ValueError("a line has other columns than the table")
        for name in moments:
            if document[name] is not None:
                document[name] = datetime.fromisoformat(document[name])
        for name in figures:
            if document[name] is not None:
                document[name] = float(document[name])
    return documents


def _refuse_rows(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {', '.join(metadata.tables)} IN EXCLUSIVE MODE"))
    full = [table.name for table in metadata.sorted_tables if connection.execute(select(table).limit(1)).first()]
    if full:
        raise NotEmpty(connection.engine.url.render_as_string(), full)


def _entry(table: Table) -> str:
    return f"tables/{table.name}.jsonl"
