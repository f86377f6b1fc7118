"""Searches on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from nas.fields import Integer, Priority
from nas.pace import fraction, seconds_left
from nas.records import ACTIONS, Action, Search, SearchState
from nas.spec import SearchSpec

from .wire import Figure, Figures, Links, Wire

PARTS = ("front", "cloud", "candidates", "events", "statistics", "history")
"""What else can be asked of a search."""


def _without_defaults(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema that a field may be left out, and not what it would then be: it stays as it is."""
    schema["minProperties"] = 1
    for field in schema["properties"].values():
        field.pop("default", None)


class SearchChange(Wire):
    """What may change in a search that has not ended; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    parallelism: Integer | None = Field(
        None, ge=1, le=100_000, description="Most in flight from now on; null for every worker."
    )
    priority: Priority = Field(0, description="Free workers go to searches of higher priority first.")


class CloneRequest(Wire):
    """How a search's clone differs from it."""

    changes: dict[str, Any] = Field(
        {},
        description="A JSON merge patch (RFC 7396) on the spec: objects are merged, null goes back to the default, "
        "anything else replaces what is there.",
    )


class ProgressView(Wire):
    """What a search has reached."""

    fraction: float = Field(ge=0, le=1, description="Share of the budget that is used; 1 when it has completed.")
    seconds_left: Figure = Field(description="Estimate from the pace while it ran; null unless it runs and has a pace.")
    budget: int = Field(description="Candidates that the engine may ask for.")
    evaluated: int = Field(
        description="Candidates looked at, failures and cache hits included, and those that confirm the front beyond "
        "`budget`."
    )
    failed: int = Field(description="Those of them that failed.")
    failures: dict[str, int] = Field(description="Those by the kind of their failure.")
    retries: int = Field(description="Starts of trainings that came to nothing and were tried again.")
    cached: int = Field(description="Those of them whose outcome was known already.")
    in_flight: int = Field(description="Candidates being trained now.")
    best_psnr_db: Figure = Field(description="Best PSNR of a feasible candidate, in dB.")
    hypervolume: Figure = Field(description="Hypervolume of the feasible front at `reference_point`.")
    train_s: Figure = Field(description="Seconds of training, summed over workers.")
    validate_s: Figure = Field(description="Seconds of validation, summed over workers.")
    gpu_s: Figure = Field(description="Those seconds of training and validation that were spent on GPUs.")
    steps: int = Field(description="Training steps taken, summed over candidates; known outcomes cost none.")

    @classmethod
    def of(cls, search: Search, now: datetime) -> ProgressView:
        """The progress of a search as seen at a time."""
        reached = search.progress
        return cls(
            fraction=fraction(search, now),
            seconds_left=seconds_left(search, now),
            budget=search.spec.budget.evaluations,
            evaluated=reached.evaluated,
            failed=reached.failed,
            failures=dict(reached.failures),
            retries=reached.retries,
            cached=reached.cached,
            in_flight=reached.in_flight,
            best_psnr_db=reached.best_psnr_db,
            hypervolume=reached.hypervolume,
            train_s=reached.train_s,
            validate_s=reached.validate_s,
            gpu_s=reached.gpu_s,
            steps=reached.steps,
        )


class SearchView(Wire):
    """One search."""

    id: str = Field(description="Eight hexadecimal characters.")
    name: str = Field(description="The name that its spec gives it.")
    owner: str = Field(description="Who submitted it; empty where nobody was asked.")
    cloned_from: str | None = Field(description="The search whose spec it began with.")
    state: SearchState = Field(description="Where it stands.")
    actions: list[Action] = Field(description="What may be done with it in this state, by its owner or an admin.")
    reason: str = Field(description="Why it ended or stands still; empty otherwise.")
    created_at: datetime = Field(description="When it was submitted (UTC, like every time).")
    started_at: datetime | None = Field(description="When a controller first took it.")
    finished_at: datetime | None = Field(description="When it ended.")
    running_s: Figure = Field(description="Seconds for which it ran; waiting and pauses are not in it.")
    progress: ProgressView = Field(description="What it has reached.")
    baseline: Figures = Field(description="Scores of bicubic upscaling on the validation images.")
    reference_point: Figures = Field(description="Reference of the hypervolume, by metric.")
    data_digest: str | None = Field(description="Digest of its images, once they were decoded.")
    data_notes: list[str] = Field(description="What was found in the image folders, and what a latency is.")
    warnings: list[str] = Field(description="What to know of the spec before believing the result.")
    parallelism: int | None = Field(description="Most candidates in flight now; null for every worker.")
    priority: int = Field(description="Free workers go to searches of higher priority first.")
    spec: SearchSpec = Field(description="What was asked for, every default filled in.")
    links: Links

    @classmethod
    def of(cls, search: Search, now: datetime) -> SearchView:
        """A search as seen at a time."""
        path = f"/v1/searches/{search.id}"
        return cls(
            id=search.id,
            name=search.spec.name,
            owner=search.owner,
            cloned_from=search.cloned_from,
            state=search.state,
            actions=[action for action, states in ACTIONS.items() if search.state in states],
            reason=search.reason,
            created_at=search.created_at,
            started_at=search.started_at,
            finished_at=search.finished_at,
            running_s=search.running_s(now),
            progress=ProgressView.of(search, now),
            baseline=dict(search.baseline),
            reference_point=dict(search.reference_point),
            data_digest=search.data_digest,
            data_notes=list(search.data_notes),
            warnings=list(search.warnings),
            parallelism=search.parallelism,
            priority=search.priority,
            spec=search.spec,
            links={"self": path} | {name: f"{path}/{name}" for name in PARTS},
        )


class SearchPage(Wire):
    """Some searches, newest first."""

    items: list[SearchView] = Field(description="The searches.")
    next: str | None = Field(description="Give it as `before` for the next page; null on the last.")
