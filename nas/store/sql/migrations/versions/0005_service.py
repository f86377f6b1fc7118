"""Priorities, owners and running times of searches; datasets, tokens, requests and the audit; setbacks of outcomes.

A search that was running is taken to have run since it was started.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)

ZERO, NO_TEXT, NOTHING, NONE = sa.text("0"), sa.text("''"), sa.text("'{}'"), sa.text("'[]'")


def _search_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("owner", sa.Text, nullable=False, server_default=NO_TEXT),
        sa.Column("priority", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("cloned_from", sa.String(32)),
        sa.Column("running_since", Moment),
        sa.Column("ran_s", sa.Double, nullable=False, server_default=ZERO),
        sa.Column("claims", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("failures", sa.JSON, nullable=False, server_default=NOTHING),
        sa.Column("retries", sa.Integer, nullable=False, server_default=ZERO),
        sa.Column("gpu_s", sa.Double, nullable=False, server_default=ZERO),
    ]


def upgrade() -> None:
    for column in _search_columns():
        op.add_column("searches", column)
    op.execute("UPDATE searches SET running_since = started_at WHERE state = 'running'")
    op.add_column("evaluations", sa.Column("setbacks", sa.JSON, nullable=False, server_default=NONE))
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("images", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_datasets"),
        sa.CheckConstraint("kind IN ('folder', 'upload')", name="ck_datasets_kind"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", Moment),
        sa.Column("revoked_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.CheckConstraint("role IN ('viewer', 'submitter', 'admin')", name="ck_tokens_role"),
    )
    op.create_table(
        "requests",
        sa.Column("who", sa.String(255), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("who", "key", name="pk_requests"),
    )
    op.create_index("ix_requests_at", "requests", ["at"])
    op.create_table(
        "audit",
        sa.Column("ordinal", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("ordinal", name="pk_audit"),
    )


def downgrade() -> None:
    for name in ("audit", "requests", "tokens", "datasets"):
        op.drop_table(name)
    op.drop_column("evaluations", "setbacks")
    for column in reversed(_search_columns()):
        op.drop_column("searches", column.name)
