"""What is kept beside the searches: artifacts, datasets, tokens and the audit."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from ....records import Artifact, ArtifactState, AuditEntry, Dataset, DatasetKind, Role, Token
from .figures import Columns

ARTIFACT = tuple(field.name for field in fields(Artifact))
DATASET = tuple(field.name for field in fields(Dataset))
TOKEN = tuple(field.name for field in fields(Token))
AUDIT = tuple(field.name for field in fields(AuditEntry))


def artifact_columns(artifact: Artifact) -> Columns:
    """Every column of an artifact that its record knows."""
    columns = {name: getattr(artifact, name) for name in ARTIFACT}
    return columns | {"state": artifact.state.value, "detail": dict(artifact.detail)}


def to_artifact(row: Row[Any]) -> Artifact:
    """An artifact from its row."""
    columns = {name: getattr(row, name) for name in ARTIFACT}
    return Artifact(**columns | {"state": ArtifactState(row.state)})


def dataset_columns(dataset: Dataset) -> Columns:
    """Every column of a dataset."""
    return {name: getattr(dataset, name) for name in DATASET} | {"kind": dataset.kind.value}


def to_dataset(row: Row[Any]) -> Dataset:
    """A dataset from its row."""
    columns = {name: getattr(row, name) for name in DATASET}
    return Dataset(**columns | {"kind": DatasetKind(row.kind)})


def token_columns(token: Token) -> Columns:
    """Every column of a token."""
    return {name: getattr(token, name) for name in TOKEN} | {"role": token.role.value}


def to_token(row: Row[Any]) -> Token:
    """A token from its row."""
    columns = {name: getattr(row, name) for name in TOKEN}
    return Token(**columns | {"role": Role(row.role)})


def to_audit_entry(row: Row[Any]) -> AuditEntry:
    """An audit entry from its row."""
    return AuditEntry(**{name: getattr(row, name) for name in AUDIT})
