"""The first tables: searches, their candidates, outcomes, events and artifacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("genotype_digest", sa.String(64), nullable=False),
        sa.Column("recipe_digest", sa.String(64), nullable=False),
        sa.Column("data_digest", sa.String(64), nullable=False),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("protocol", sa.String(64), nullable=False),
        sa.Column("psnr_db", sa.Double),
        sa.Column("ssim", sa.Double),
        sa.Column("fsds_db", sa.Double),
        sa.Column("params", sa.BigInteger),
        sa.Column("mult_adds", sa.BigInteger),
        sa.Column("failure_kind", sa.String(32)),
        sa.Column("failure_message", sa.Text, nullable=False),
        sa.Column("train_s", sa.Double, nullable=False),
        sa.Column("validate_s", sa.Double, nullable=False),
        sa.Column("loss_curve", sa.JSON, nullable=False),
        sa.Column("weights", sa.Text),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_evaluations"),
    )
    op.create_table(
        "searches",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("spec", sa.JSON, nullable=False),
        sa.Column("started_at", Moment),
        sa.Column("finished_at", Moment),
        sa.Column("data_digest", sa.String(64)),
        sa.Column("data_notes", sa.JSON, nullable=False),
        sa.Column("baseline", sa.JSON, nullable=False),
        sa.Column("reference_point", sa.JSON, nullable=False),
        sa.Column("evaluated", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("cached", sa.Integer, nullable=False),
        sa.Column("in_flight", sa.Integer, nullable=False),
        sa.Column("best_psnr_db", sa.Double),
        sa.Column("hypervolume", sa.Double, nullable=False),
        sa.Column("train_s", sa.Double, nullable=False),
        sa.Column("event_count", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_token", sa.BigInteger, nullable=False),
        sa.Column("lease_expires_at", Moment),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'paused', 'completed', 'cancelled', 'failed')", name="ck_searches_state"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_searches"),
    )
    op.create_index("ix_searches_created_at_id", "searches", ["created_at", "id"])
    op.create_index("ix_searches_state_created_at_id", "searches", ["state", "created_at", "id"])
    op.create_table(
        "candidates",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("tells_before", sa.Integer, nullable=False),
        sa.Column("genotype", sa.Text, nullable=False),
        sa.Column("genotype_digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("params", sa.BigInteger, nullable=False),
        sa.Column("mult_adds", sa.BigInteger, nullable=False),
        sa.Column("evaluation_key", sa.String(128), nullable=False),
        sa.Column("operator", sa.String(32), nullable=False),
        sa.Column("parents", sa.JSON, nullable=False),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("told_ordinal", sa.Integer),
        sa.Column("told_at", Moment),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("violation", sa.Double),
        sa.CheckConstraint(
            "(state IN ('scored', 'failed')) = (told_ordinal IS NOT NULL)", name="ck_candidates_told_ordinal"
        ),
        sa.CheckConstraint("state IN ('evaluating', 'scored', 'failed', 'abandoned')", name="ck_candidates_state"),
        sa.CheckConstraint("(told_ordinal IS NULL) = (told_at IS NULL)", name="ck_candidates_told_at"),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name="fk_candidates_search_id"),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
        sa.UniqueConstraint("search_id", "genotype_digest", name="uq_candidates_search_id_genotype_digest"),
        sa.UniqueConstraint("search_id", "ordinal", name="uq_candidates_search_id_ordinal"),
        sa.UniqueConstraint("search_id", "told_ordinal", name="uq_candidates_search_id_told_ordinal"),
    )
    op.create_table(
        "events",
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(["search_id"], ["searches.id"], name="fk_events_search_id"),
        sa.PrimaryKeyConstraint("search_id", "ordinal", name="pk_events"),
    )
    op.create_table(
        "artifacts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("candidate_id", sa.String(64), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("claimed_at", Moment),
        sa.Column("finished_at", Moment),
        sa.Column("path", sa.Text),
        sa.Column("sha256", sa.String(64)),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.CheckConstraint("state IN ('requested', 'writing', 'ready', 'failed')", name="ck_artifacts_state"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_artifacts_candidate_id"),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
    )
    op.create_index("ix_artifacts_candidate_id_created_at_id", "artifacts", ["candidate_id", "created_at", "id"])
    op.create_index("ix_artifacts_state_created_at_id", "artifacts", ["state", "created_at", "id"])
    op.create_index(
        "uq_artifacts_candidate_id_format",
        "artifacts",
        ["candidate_id", "format"],
        unique=True,
        sqlite_where=sa.text("state <> 'failed'"),
        postgresql_where=sa.text("state <> 'failed'"),
    )


def downgrade() -> None:
    op.drop_table("artifacts")
    op.drop_table("events")
    op.drop_table("candidates")
    op.drop_table("searches")
    op.drop_table("evaluations")
