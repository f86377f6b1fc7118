"""Shift-averaged FSDS and frequency bands of every outcome; those recorded before have none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("evaluations", sa.Column("fsds_si_db", sa.Double))
    op.add_column("evaluations", sa.Column("bands", sa.JSON))


def downgrade() -> None:
    op.drop_column("evaluations", "bands")
    op.drop_column("evaluations", "fsds_si_db")
