"""The tables: typed columns with their units, constraints, and the indexes that the queries need. Knows no query.

A column that came after the first tables has a default in the database: what it is in the rows that were there.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from ...records import ArtifactState, CandidateState, DatasetKind, Role, SearchState
from .columns import FreeText, UtcDateTime, one_of

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

searches = Table(
    "searches",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("data_digest", String(64)),
    Column("data_notes", JSON, nullable=False),
    Column("baseline", JSON, nullable=False),
    Column("reference_point", JSON, nullable=False),
    Column("evaluated", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("cached", Integer, nullable=False),
    Column("in_flight", Integer, nullable=False),
    Column("best_psnr_db", Double),
    Column("hypervolume", Double, nullable=False),
    Column("train_s", Double, nullable=False),
    Column("validate_s", Double, nullable=False, server_default=text("0")),
    Column("steps", BigInteger, nullable=False, server_default=text("0")),
    Column("warnings", JSON, nullable=False, server_default=text("'[]'")),
    Column("parallelism", Integer),
    Column("owner", FreeText, nullable=False, server_default=text("''")),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    Column("cloned_from", String(32)),
    Column("running_since", UtcDateTime),
    Column("ran_s", Double, nullable=False, server_default=text("0")),
    Column("claims", Integer, nullable=False, server_default=text("0")),
    Column("failures", JSON, nullable=False, server_default=text("'{}'")),
    Column("retries", Integer, nullable=False, server_default=text("0")),
    Column("gpu_s", Double, nullable=False, server_default=text("0")),
    Column("event_count", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_token", BigInteger, nullable=False),
    Column("lease_expires_at", UtcDateTime),
    one_of("state", SearchState),
    Index(None, "created_at", "id"),
    Index(None, "state", "created_at", "id"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("genotype_digest", String(64), nullable=False),
    Column("recipe_digest", String(64), nullable=False),
    Column("data_digest", String(64), nullable=False),
    Column("code_digest", String(64), nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("device", FreeText, nullable=False),
    Column("protocol", String(64), nullable=False),
    Column("psnr_db", Double),
    Column("ssim", Double),
    Column("fsds_db", Double),
    Column("fsds_si_db", Double),
    Column("params", BigInteger),
    Column("mult_adds", BigInteger),
    Column("latency_ms", Double),
    Column("failure_kind", String(32)),
    Column("failure_message", FreeText, nullable=False),
    Column("train_s", Double, nullable=False),
    Column("validate_s", Double, nullable=False),
    Column("steps", BigInteger, nullable=False, server_default=text("0")),
    Column("loss_curve", JSON, nullable=False),
    Column("bands", JSON(none_as_null=True)),
    Column("weights", Text),
    Column("worker", FreeText, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("precision", String(16), nullable=False, server_default=text("''")),
    Column("peak_memory_bytes", BigInteger, nullable=False, server_default=text("0")),
    Column("setbacks", JSON, nullable=False, server_default=text("'[]'")),
)

candidates = Table(
    "candidates",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("search_id", ForeignKey("searches.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tells_before", Integer, nullable=False),
    Column("genotype", Text, nullable=False),
    Column("genotype_digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("params", BigInteger, nullable=False),
    Column("mult_adds", BigInteger, nullable=False),
    Column("latency_ms", Double),
    # No foreign key: the address of an outcome is known before there is one.
    Column("evaluation_key", String(128), nullable=False),
    Column("operator", String(32), nullable=False),
    Column("parents", JSON, nullable=False),
    Column("rung", Integer, nullable=False, server_default=text("0")),
    Column("replicate", Integer, nullable=False, server_default=text("0")),
    Column("steps", BigInteger, nullable=False, server_default=text("0")),
    Column("arm", String(16), nullable=False, server_default=text("''")),
    Column("predicted", JSON, nullable=False, server_default=text("'{}'")),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("told_ordinal", Integer),
    Column("told_at", UtcDateTime),
    Column("cached", Boolean, nullable=False),
    Column("violation", Double),
    Column("survived", Boolean),
    Column("hypervolume", Double),
    UniqueConstraint("search_id", "ordinal"),
    UniqueConstraint("search_id", "genotype_digest", "rung", "replicate"),
    UniqueConstraint("search_id", "told_ordinal"),
    one_of("state", CandidateState),
    CheckConstraint("(state IN ('scored', 'failed')) = (told_ordinal IS NOT NULL)", name="told_ordinal"),
    CheckConstraint("(told_ordinal IS NULL) = (told_at IS NULL)", name="told_at"),
)

events = Table(
    "events",
    metadata,
    Column("search_id", ForeignKey("searches.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    # Only where the event goes when this candidate is told: no foreign key, for it says nothing of the candidate.
    Column("candidate_id", String(64)),
    Index(
        None,
        "search_id",
        "candidate_id",
        sqlite_where=text("candidate_id IS NOT NULL"),
        postgresql_where=text("candidate_id IS NOT NULL"),
    ),
)

# No foreign keys: a row lasts for a moment, and says what a controller believed then.
workers = Table(
    "workers",
    metadata,
    Column("owner", String(255), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("node", FreeText, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("device", FreeText, nullable=False),
    Column("search_id", String(32)),
    Column("candidate_id", String(64)),
    Column("ordinal", Integer),
    Column("evaluation_key", String(128), nullable=False),
    Column("phase", String(16)),
    Column("step", BigInteger),
    Column("steps", BigInteger),
    Column("loss", Double),
    Column("psnr_db", Double),
    Column("patches_per_s", Double),
    Column("memory_bytes", BigInteger),
    Column("busy_since", UtcDateTime),
    Column("seen_at", UtcDateTime, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("candidate_id", ForeignKey("candidates.id"), nullable=False),
    Column("format", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("claimed_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("path", Text),
    Column("sha256", String(64)),
    Column("size_bytes", BigInteger),
    Column("detail", JSON, nullable=False),
    one_of("state", ArtifactState),
    Index(None, "candidate_id", "created_at", "id"),
    Index(None, "state", "created_at", "id"),
    # One live artifact per format; a failed one may be asked for again.
    Index(
        "uq_artifacts_candidate_id_format",
        "candidate_id",
        "format",
        unique=True,
        sqlite_where=text("state <> 'failed'"),
        postgresql_where=text("state <> 'failed'"),
    ),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("folder", Text, nullable=False),
    Column("images", Integer, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("sha256", String(64), nullable=False),
    one_of("kind", DatasetKind),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", FreeText, nullable=False),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    one_of("role", Role),
)

requests = Table(
    "requests",
    metadata,
    Column("who", String(255), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    # No foreign key: the request is taken down first, so that of two alike the second waits for the first.
    Column("search_id", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("who", FreeText, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", FreeText, nullable=False),
    Column("detail", JSON, nullable=False),
)
