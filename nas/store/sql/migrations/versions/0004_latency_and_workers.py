"""Latency, precision and memory of every outcome; what each worker does now; events that go when a candidate is told.

Of what was recorded before none of that is known. On the way back the events that would have gone go at once: nobody
would drop them there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)

ZERO, NO_TEXT, PASSING = sa.text("0"), sa.text("''"), sa.text("candidate_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("latency_ms", sa.Double))
    op.add_column("evaluations", sa.Column("precision", sa.String(16), nullable=False, server_default=NO_TEXT))
    op.add_column("evaluations", sa.Column("peak_memory_bytes", sa.BigInteger, nullable=False, server_default=ZERO))
    op.add_column("candidates", sa.Column("latency_ms", sa.Double))
    op.add_column("events", sa.Column("candidate_id", sa.String(64)))
    op.create_index(
        "ix_events_search_id_candidate_id",
        "events",
        ["search_id", "candidate_id"],
        sqlite_where=PASSING,
        postgresql_where=PASSING,
    )
    op.create_table(
        "workers",
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("search_id", sa.String(32)),
        sa.Column("candidate_id", sa.String(64)),
        sa.Column("ordinal", sa.Integer),
        sa.Column("evaluation_key", sa.String(128), nullable=False),
        sa.Column("phase", sa.String(16)),
        sa.Column("step", sa.BigInteger),
        sa.Column("steps", sa.BigInteger),
        sa.Column("loss", sa.Double),
        sa.Column("psnr_db", sa.Double),
        sa.Column("patches_per_s", sa.Double),
        sa.Column("memory_bytes", sa.BigInteger),
        sa.Column("busy_since", Moment),
        sa.Column("seen_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name="pk_workers"),
    )


def downgrade() -> None:
    op.drop_table("workers")
    op.execute("DELETE FROM events WHERE candidate_id IS NOT NULL")
    op.drop_index("ix_events_search_id_candidate_id", "events")
    op.drop_column("events", "candidate_id")
    op.drop_column("candidates", "latency_ms")
    for name in ("peak_memory_bytes", "precision", "latency_ms"):
        op.drop_column("evaluations", name)
