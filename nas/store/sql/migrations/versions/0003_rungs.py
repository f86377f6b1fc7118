"""Candidates at several rungs and from several seeds, what was expected of them, and what became of them.

What was recorded before stands at rung 0 and replicate 0, without steps; a search keeps its spec's parallelism. On the
way back a genotype keeps one row, the highest rung of replicate 0: the others and their artifacts have no place there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ONE_ROW = "uq_candidates_search_id_genotype_digest"
ROW_PER_RUNG = "uq_candidates_search_id_genotype_digest_rung_replicate"

MOST = 100_000

ZERO, NO_TEXT, NO_LIST, NO_OBJECT = sa.text("0"), sa.text("''"), sa.text("'[]'"), sa.text("'{}'")


def upgrade() -> None:
    op.add_column("searches", sa.Column("validate_s", sa.Double, nullable=False, server_default=ZERO))
    op.add_column("searches", sa.Column("steps", sa.BigInteger, nullable=False, server_default=ZERO))
    op.add_column("searches", sa.Column("warnings", sa.JSON, nullable=False, server_default=NO_LIST))
    op.add_column("searches", sa.Column("parallelism", sa.Integer))
    op.add_column("evaluations", sa.Column("steps", sa.BigInteger, nullable=False, server_default=ZERO))
    with op.batch_alter_table("candidates") as candidates:
        candidates.add_column(sa.Column("rung", sa.Integer, nullable=False, server_default=ZERO))
        candidates.add_column(sa.Column("replicate", sa.Integer, nullable=False, server_default=ZERO))
        candidates.add_column(sa.Column("steps", sa.BigInteger, nullable=False, server_default=ZERO))
        candidates.add_column(sa.Column("arm", sa.String(16), nullable=False, server_default=NO_TEXT))
        candidates.add_column(sa.Column("predicted", sa.JSON, nullable=False, server_default=NO_OBJECT))
        candidates.add_column(sa.Column("survived", sa.Boolean))
        candidates.add_column(sa.Column("hypervolume", sa.Double))
        candidates.drop_constraint(ONE_ROW, type_="unique")
        candidates.create_unique_constraint(ROW_PER_RUNG, ["search_id", "genotype_digest", "rung", "replicate"])
    searches = sa.table("searches", sa.column("spec", sa.JSON), sa.column("parallelism", sa.Integer))
    told = searches.c.spec["parallelism"].as_float()  # of any size: nothing limited it
    op.execute(searches.update().values(parallelism=sa.cast(sa.case((told > MOST, MOST), else_=told), sa.Integer)))


def downgrade() -> None:
    lower = """
        SELECT lower.id FROM candidates AS lower WHERE lower.replicate > 0 OR EXISTS (
            SELECT 1 FROM candidates AS higher
            WHERE higher.search_id = lower.search_id AND higher.genotype_digest = lower.genotype_digest
            AND higher.replicate = 0 AND higher.rung > lower.rung
        )
    """
    op.execute(f"DELETE FROM artifacts WHERE candidate_id IN ({lower})")
    op.execute(f"DELETE FROM candidates WHERE id IN ({lower})")
    with op.batch_alter_table("candidates") as candidates:
        candidates.drop_constraint(ROW_PER_RUNG, type_="unique")
        candidates.create_unique_constraint(ONE_ROW, ["search_id", "genotype_digest"])
        for name in ("hypervolume", "survived", "predicted", "arm", "steps", "replicate", "rung"):
            candidates.drop_column(name)
    op.drop_column("evaluations", "steps")
    for name in ("parallelism", "warnings", "steps", "validate_s"):
        op.drop_column("searches", name)
