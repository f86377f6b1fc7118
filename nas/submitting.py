"""From a document to a search that waits for a controller, and the request that it came by. Knows no store."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from .advice import budget_warnings, latency_warnings
from .catalogue import FolderOf
from .checks import checked_spec
from .records import Request, Search, SearchId, SearchState
from .redundancy import redundancy_warnings
from .settings import Settings
from .spec import SearchSpec
from .validation import validation_pixels, validation_warnings

LAG_PER_WORKER = 4
"""Asks between a network and the outcomes that it was bred from, where they are told in order and no lag is given."""


class Advised(NamedTuple):
    """A spec that can be accepted, and what its submitter should know of it, e.g. objectives that rank alike.

    ``validation_pixels`` are the LR pixels of its validation images, which take a look at all of them to count.
    """

    spec: SearchSpec
    warnings: tuple[str, ...]
    validation_pixels: int


class Accepted(NamedTuple):
    """A search that was asked for; ``repeated`` where the same request had been carried out before."""

    search: Search
    repeated: bool


def new_search(
    document: Mapping[str, Any],
    folder_of: FolderOf,
    settings: Settings,
    *,
    at: datetime,
    owner: str = "",
    cloned_from: SearchId | None = None,
) -> Search:
    """A queued search for what a document asks; `InvalidSpec` with every problem.

    Args:
        document: A JSON object.
        folder_of: Finds the folder of a dataset.
        settings: Where profiles of devices lie, and how many workers there are.
        at: When it was asked for.
        owner: By whom.
        cloned_from: The search that its document was made from.
    """
    spec, warnings, _ = advised(document, folder_of, settings)
    return Search(
        id=SearchId(secrets.token_hex(4)),
        spec=spec,
        state=SearchState.QUEUED,
        created_at=at,
        warnings=warnings,
        parallelism=spec.parallelism,
        owner=owner,
        priority=spec.priority,
        cloned_from=cloned_from,
    )


def advised(document: Mapping[str, Any], folder_of: FolderOf, settings: Settings) -> Advised:
    """The spec in a document, whole, and what to know of it; `InvalidSpec` with every problem.

    Args:
        document: A JSON object.
        folder_of: Finds the folder of a dataset.
        settings: Where profiles of devices lie, and how many workers there are.
    """
    spec = _with_lag(checked_spec(document, folder_of, settings.home), settings.worker_count)
    pixels = validation_pixels(spec, folder_of)
    warnings = (
        *redundancy_warnings(spec),
        *budget_warnings(spec),
        *validation_warnings(spec, pixels),
        *latency_warnings(spec),
    )
    return Advised(spec, warnings, pixels)


def _with_lag(spec: SearchSpec, workers: int) -> SearchSpec:
    """The spec with its lag spelled out, so that it gives the same search wherever it is run again."""
    engine = spec.engine
    if engine.order != "ordered" or engine.lag is not None:
        return spec
    return spec.model_copy(update={"engine": replace(engine, lag=LAG_PER_WORKER * (spec.parallelism or workers))})


def repeatable(key: str | None, who: str, wish: Sequence[Any]) -> Request | None:
    """The request that a wish came by, where it bears a key; equal wishes, as JSON values, are the same request."""
    if key is None:
        return None
    text = json.dumps(wish, sort_keys=True, separators=(",", ":"))
    return Request(key=key, who=who, digest=hashlib.sha256(text.encode()).hexdigest())
