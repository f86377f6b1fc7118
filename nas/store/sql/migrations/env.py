"""What Alembic runs around the migrations: the transaction is open already, and belongs to `nas.store.sql.migrate`."""

from __future__ import annotations

from alembic import context

from nas.store.sql.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
)
context.run_migrations()
