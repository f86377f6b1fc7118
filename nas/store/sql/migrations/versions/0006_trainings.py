"""Full trainings, the artifacts of what comes of them, and the workers at them.

An artifact's "analysis.zip" becomes the form "analysis", and a ready "onnx" of a luma search "onnx-luma": it holds the
network of luma alone, where "onnx" is from RGB to RGB from here on. On the way back the artifacts of finished models
go: nothing there says of what they are. What the logs of searches and the audit say of trainings stays.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)

ONE_PER_FORMAT, OF_MODELS = "uq_artifacts_candidate_id_format", "uq_artifacts_training_id_format"
LIVE = "state <> 'failed'"
PENDING = "status NOT IN ('failed', 'cancelled')"


def upgrade() -> None:
    _create_trainings()
    op.drop_index(ONE_PER_FORMAT, "artifacts")
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.add_column(sa.Column("training_id", sa.String(32)))
        artifacts.create_foreign_key("fk_artifacts_training_id", "trainings", ["training_id"], ["id"])
    _unique(ONE_PER_FORMAT, "artifacts", ["candidate_id", "format"], f"training_id IS NULL AND {LIVE}")
    _unique(OF_MODELS, "artifacts", ["training_id", "format"], f"training_id IS NOT NULL AND {LIVE}")
    op.execute("UPDATE artifacts SET format = 'analysis' WHERE format = 'analysis.zip'")
    _rename_of_luma("onnx", "onnx-luma")
    op.add_column("workers", sa.Column("training_id", sa.String(32)))


def downgrade() -> None:
    op.drop_column("workers", "training_id")
    op.execute("DELETE FROM artifacts WHERE training_id IS NOT NULL")
    op.execute("UPDATE artifacts SET format = 'analysis.zip' WHERE format = 'analysis'")
    for condition in _of_luma_searches("onnx"):  # from RGB to RGB, which that version does not know
        op.get_bind().execute(sa.delete(_ARTIFACTS).where(condition))
    _rename_of_luma("onnx-luma", "onnx")
    for index in (OF_MODELS, ONE_PER_FORMAT):
        op.drop_index(index, "artifacts")
    with op.batch_alter_table("artifacts") as artifacts:
        artifacts.drop_constraint("fk_artifacts_training_id", type_="foreignkey")
        artifacts.drop_column("training_id")
    _unique(ONE_PER_FORMAT, "artifacts", ["candidate_id", "format"], LIVE)
    op.drop_table("trainings")


_ARTIFACTS = sa.table("artifacts", *(sa.column(name, sa.String) for name in ("candidate_id", "format", "state")))


def _of_luma_searches(file_format: str) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions that together hold for the ready artifacts of some form of all luma searches."""
    searches = sa.table("searches", sa.column("id", sa.String), sa.column("spec", sa.JSON))
    candidates = sa.table("candidates", sa.column("id", sa.String), sa.column("search_id", sa.String))
    for row in op.get_bind().execute(sa.select(searches.c.id, searches.c.spec)).all():
        if row.spec.get("channels", 1) == 1:
            own = sa.select(candidates.c.id).where(candidates.c.search_id == row.id)
            ready = sa.and_(_ARTIFACTS.c.format == file_format, _ARTIFACTS.c.state == "ready")
            yield sa.and_(ready, _ARTIFACTS.c.candidate_id.in_(own))


def _rename_of_luma(old: str, new: str) -> None:
    """Where nothing has the new name already."""
    taken = sa.select(_ARTIFACTS.c.candidate_id).where(_ARTIFACTS.c.format == new, _ARTIFACTS.c.state != "failed")
    for condition in _of_luma_searches(old):
        free = _ARTIFACTS.c.candidate_id.not_in(taken)
        op.get_bind().execute(sa.update(_ARTIFACTS).where(condition, free).values(format=new))


def _unique(name: str, table: str, columns: list[str], where: str) -> None:
    """Make a unique index of the rows of which something holds."""
    held = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=held, postgresql_where=held)


def _create_trainings() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("candidate_id", sa.String(64), nullable=False),
        sa.Column("search_id", sa.String(32), nullable=False),
        sa.Column("recipe", sa.JSON, nullable=False),
        sa.Column("dataset", sa.JSON, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("started_at", Moment),
        sa.Column("finished_at", Moment),
        sa.Column("expected_s", sa.Double),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("psnr_db", sa.Double),
        sa.Column("ssim", sa.Double),
        sa.Column("fsds_db", sa.Double),
        sa.Column("fsds_si_db", sa.Double),
        sa.Column("points", sa.JSON, nullable=False),
        sa.Column("train_s", sa.Double, nullable=False),
        sa.Column("validate_s", sa.Double, nullable=False),
        sa.Column("data_digest", sa.String(64)),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("precision", sa.String(16), nullable=False),
        sa.Column("protocol", sa.String(64), nullable=False),
        sa.Column("setbacks", sa.JSON, nullable=False),
        sa.Column("weights", sa.Text),
        sa.Column("claims", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_token", sa.BigInteger, nullable=False),
        sa.Column("lease_expires_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_trainings"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_trainings_candidate_id"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="ck_trainings_status"
        ),
    )
    for column in ("status", "search_id", "candidate_id"):
        op.create_index(f"ix_trainings_{column}_created_at_id", "trainings", [column, "created_at", "id"])
    op.create_index("ix_trainings_created_at_id", "trainings", ["created_at", "id"])
    _unique("uq_trainings_candidate_id_digest", "trainings", ["candidate_id", "digest"], PENDING)
