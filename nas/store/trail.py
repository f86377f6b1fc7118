"""What the audit says of each change that a person asks for: the same words from every store. Knows no store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ..records import Action, Artifact, Dataset, Search, SearchId, Token, Training


class Deed(NamedTuple):
    """An audit entry before the store numbers it; ``detail`` holds JSON values only, and no secret."""

    at: datetime
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def submitted(search: Search) -> Deed:
    """A search was handed in, maybe as a clone."""
    action = "search.submit" if search.cloned_from is None else "search.clone"
    detail = {"name": search.spec.name, "cloned_from": search.cloned_from}
    return Deed(search.created_at, search.owner, action, search.id, detail)


def acted(search_id: SearchId, action: Action, at: datetime, who: str, **detail: Any) -> Deed:
    """A search was steered."""
    return Deed(at, who, f"search.{action}", search_id, detail)


def requested(artifact: Artifact, who: str) -> Deed:
    """A file of a candidate was asked for."""
    detail = {"format": artifact.format} | ({"training": artifact.training_id} if artifact.training_id else {})
    return Deed(artifact.created_at, who, "artifact.request", artifact.candidate_id, detail)


def training_requested(training: Training, who: str) -> Deed:
    """The full training of a candidate was asked for."""
    detail = {"training": training.id, "recipe": training.recipe.name}
    return Deed(training.created_at, who, "training.request", training.candidate_id, detail)


def training_cancelled(training: Training, at: datetime, who: str) -> Deed:
    """A full training was ended before its end."""
    return Deed(at, who, "training.cancel", training.candidate_id, {"training": training.id})


def registered(dataset: Dataset) -> Deed:
    """A dataset was given a name."""
    detail = {"kind": dataset.kind.value, "folder": dataset.folder, "images": dataset.images}
    return Deed(dataset.created_at, dataset.created_by, "dataset.add", dataset.name, detail)


def removed(dataset: Dataset, at: datetime, who: str) -> Deed:
    """A dataset was forgotten."""
    return Deed(at, who, "dataset.remove", dataset.name, {"kind": dataset.kind.value, "folder": dataset.folder})


def granted(token: Token) -> Deed:
    """A token was made."""
    detail = {"name": token.name, "role": token.role.value}
    return Deed(token.created_at, token.created_by, "token.create", token.id, detail)


def revoked(token: Token, at: datetime, who: str) -> Deed:
    """A token was ended."""
    return Deed(at, who, "token.revoke", token.id, {"name": token.name, "role": token.role.value})
