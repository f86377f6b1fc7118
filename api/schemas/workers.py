"""Workers on the wire, and how far the trainings are that they are at."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from evaluator.progress import TrainingProgress
from nas.records import Worker

from .wire import Figure, Links, Wire


class TrainingView(Wire):
    """Where a training stood when it last told, at most a second or two ago. None of its figures is a score."""

    phase: str = Field(description="What it was doing: training, validation or latency.")
    step: int = Field(description="Training steps done, those of a shorter training it went on from included.")
    steps: int = Field(description="Training steps in all.")
    loss: Figure = Field(description="Mean loss of the last steps that were looked at; null before the first.")
    psnr_db: Figure = Field(description="Of a crop of a validation image, at the last checkpoint; null before it.")
    patches_per_s: Figure = Field(description="Patches trained on each second.")
    memory_bytes: int = Field(description="Largest memory that the device gave to it so far; 0 where not known.")

    @classmethod
    def of(cls, progress: TrainingProgress) -> TrainingView:
        """The wire form of a report."""
        return cls(
            phase=progress.phase,
            step=progress.step,
            steps=progress.steps,
            loss=progress.loss,
            psnr_db=progress.psnr_db,
            patches_per_s=progress.patches_per_s,
            memory_bytes=progress.memory_bytes,
        )


class WorkerView(Wire):
    """One worker process, and what it does now."""

    name: str = Field(description="Name of its place; what a candidate's evaluation calls its worker.")
    state: Literal["busy", "idle"] = Field(description="Whether it works on a candidate.")
    node: str = Field(description="Host name of its machine.")
    pid: int = Field(description="Process number there.")
    device: str = Field(description="Name of its device; empty before it said so.")
    controller: str = Field(description="The controller that it works for.")
    search_id: str | None = Field(description="Whose candidate it trains; null when idle.")
    candidate_id: str | None = Field(description="Which candidate; where two searches wait for it, the first's.")
    ordinal: int | None = Field(description="Number of that candidate in its search.")
    training_id: str | None = Field(description="Which full training of it; null where it is trained for its search.")
    training: TrainingView | None = Field(description="How far that is; null before its first word.")
    busy_since: datetime | None = Field(description="Since when it has been seen at that work.")
    busy_s: Figure = Field(description="Seconds since then; null when idle.")
    seen_at: datetime = Field(description="When it was last written down; one that falls silent is soon not listed.")
    links: Links

    @classmethod
    def of(cls, worker: Worker, now: datetime) -> WorkerView:
        """A worker as seen at a time."""
        links = {"search": f"/v1/searches/{worker.search_id}", "candidate": f"/v1/candidates/{worker.candidate_id}"}
        if worker.training_id is not None:
            links["training"] = f"/v1/trainings/{worker.training_id}"
        return cls(
            name=worker.name,
            state="busy" if worker.busy else "idle",
            node=worker.node,
            pid=worker.pid,
            device=worker.device,
            controller=worker.owner,
            search_id=worker.search_id,
            candidate_id=worker.candidate_id,
            ordinal=worker.ordinal,
            training_id=worker.training_id,
            training=None if worker.progress is None else TrainingView.of(worker.progress),
            busy_since=worker.busy_since,
            busy_s=worker.busy_s(now),
            seen_at=worker.seen_at,
            links=links if worker.busy else {},
        )


class WorkerList(Wire):
    """Every worker, by node and name."""

    items: list[WorkerView] = Field(description="The workers.")
