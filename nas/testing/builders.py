"""Records made with one call: everything has a value that is plausible, and any field can be given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np

from evaluator.executor import Setback
from evaluator.finishing import FINISHING_RECIPES
from evaluator.outcome import Bands
from evaluator.progress import TrainingProgress
from search_space.genotype import Genotype
from search_space.spaces import SPACES

from ..objectives import Prediction
from ..records import (
    Artifact,
    ArtifactId,
    ArtifactState,
    Candidate,
    CandidateId,
    CandidateState,
    Dataset,
    DatasetKind,
    Evaluation,
    Progress,
    Request,
    Role,
    Search,
    SearchId,
    SearchState,
    Token,
    TokenId,
    Training,
    TrainingId,
    TrainingPoint,
    TrainingStatus,
    Worker,
)
from ..spec import SearchSpec
from ..store.base import Lease, TrainingReport

START = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
"""When the tests' time begins; microseconds must survive storage."""


@cache
def make_genotype(number: int = 0) -> Genotype:
    """A genotype of the FALSR space, the same for the same number and another for another."""
    return SPACES["falsr"].sample(np.random.default_rng(number))


def make_tiny_spec(**fields: Any) -> SearchSpec:
    """A search of the tiny space, for two objectives, that takes a moment with scripted outcomes."""
    values: dict[str, Any] = {
        "space": "tiny",
        "dataset": {"train": "photos"},
        "population": 8,
        "objectives": ["psnr", "mult_adds"],
    }
    return SearchSpec.model_validate(values | fields)


def make_search(search_id: str = "00000001", *, minute: int = 0, **fields: Any) -> Search:
    """A queued search, submitted some minutes after the start."""
    values: dict[str, Any] = {
        "spec": SearchSpec.model_validate({"name": f"search {search_id}", "dataset": {"train": "train"}}),
        "state": SearchState.QUEUED,
        "created_at": START + timedelta(minutes=minute),
    }
    return Search(id=SearchId(search_id), **values | fields)


def make_candidate(search_id: str = "00000001", ordinal: int = 0, **fields: Any) -> Candidate:
    """A candidate in flight; its multiply-adds take more than 32 bits, and each rung and replicate another address."""
    genotype = fields.pop("genotype", None) or make_genotype(ordinal)
    values: dict[str, Any] = {
        "id": CandidateId(f"{search_id}-{ordinal}"),
        "tells_before": 0,
        "state": CandidateState.EVALUATING,
        "params": 326_000 + ordinal,
        "mult_adds": 74_700_000_000 + ordinal,
        "evaluation_key": f"key-{genotype.digest}-{fields.get('rung', 0)}-{fields.get('replicate', 0)}",
        "operator": "random",
        "steps": 200,
        "arm": "screened",
        "predicted": {"psnr": Prediction(mean=30.125, std=0.1)},
        "parents": (make_genotype(ordinal + 1).digest,),
        "asked_at": START + timedelta(hours=1, seconds=ordinal),
    }
    return Candidate(search_id=SearchId(search_id), ordinal=ordinal, genotype=genotype, **values | fields)


def make_evaluation(candidate: Candidate | None = None, **fields: Any) -> Evaluation:
    """The success of a candidate; with ``failure_kind``, its failure."""
    candidate = candidate or make_candidate()
    values: dict[str, Any] = {
        "key": candidate.evaluation_key,
        "genotype_digest": candidate.genotype.digest,
        "recipe_digest": "recipe",
        "data_digest": "data",
        "code_digest": "code",
        "seed": 2**32 - 1,
        "device": "cpu (1 thread) x86_64",
        "created_at": START + timedelta(hours=2, seconds=candidate.ordinal),
        "train_s": 12.5,
        "validate_s": 1.25,
        "steps": 200,
        "loss_curve": ((1, 0.25), (100, 0.0625)),
        "worker": "worker-0",
        "attempts": 2,
        "setbacks": (Setback(cause="worker_lost", worker="worker-1", message="killed by signal 9"),),
    }
    success: dict[str, Any] = {
        "protocol": "y-float",
        "psnr_db": 30.0 + 1 / (candidate.ordinal + 3),
        "ssim": 0.875,
        "fsds_db": 41.5,
        "fsds_si_db": 38.25,
        "precision": "bfloat16",
        "peak_memory_bytes": 3 * 2**31 + candidate.ordinal,
        "bands": Bands(correspondence=(1.0, 0.75, 0.5, 0.25, 0.125), log_ratio_db=(0.0, -1.5, -3.0, -6.0, -12.5)),
        "params": candidate.params,
        "mult_adds": candidate.mult_adds,
        "weights": f"weights/{candidate.id}.safetensors",
    }
    return Evaluation(**values | ({} if fields.get("failure_kind") else success) | fields)


def told(candidate: Candidate, evaluation: Evaluation, told_ordinal: int = 0, **fields: Any) -> Candidate:
    """The told form of a candidate in flight: feasible when its evaluation is a success."""
    scored = evaluation.failure_kind is None
    values: dict[str, Any] = {
        "state": CandidateState.SCORED if scored else CandidateState.FAILED,
        "told_ordinal": told_ordinal,
        "told_at": START + timedelta(hours=3, seconds=told_ordinal),
        "violation": 0.0 if scored else None,
        "hypervolume": 1.5 * (told_ordinal + 1),
        "evaluation": evaluation,
    }
    return replace(candidate, **values | fields)


def make_progress(evaluated: int = 1, **fields: Any) -> Progress:
    """The progress of a search that was told about so many candidates."""
    values: dict[str, Any] = {
        "evaluated": evaluated,
        "best_psnr_db": 30.25,
        "hypervolume": 1.5 * evaluated,
        "train_s": 12.5 * evaluated,
        "validate_s": 1.25 * evaluated,
        "steps": 200 * evaluated,
        "failures": {"diverged": evaluated, "out_of_memory": 1},
        "retries": 2,
        "gpu_s": 0.5 * evaluated,
    }
    return Progress(**values | fields)


def make_worker(name: str = "worker-0", candidate: Candidate | None = None, **fields: Any) -> Worker:
    """A worker of the first controller, idle or halfway through the training of a candidate."""
    values: dict[str, Any] = {
        "owner": "controller-1",
        "node": "node-a",
        "pid": 4711,
        "device": "cpu (1 thread, x86_64)",
        "seen_at": START + timedelta(hours=2),
    }
    busy: dict[str, Any] = {}
    if candidate is not None:
        busy = {
            "search_id": candidate.search_id,
            "candidate_id": candidate.id,
            "ordinal": candidate.ordinal,
            "evaluation_key": candidate.evaluation_key,
            "progress": make_training_progress(),
            "busy_since": candidate.asked_at,
        }
    return Worker(name=name, **values | busy | fields)


def make_training_progress(**fields: Any) -> TrainingProgress:
    """What a training tells of itself, halfway."""
    values: dict[str, Any] = {
        "step": 100,
        "steps": 200,
        "loss": 0.1 + 0.2,
        "psnr_db": 27.5,
        "patches_per_s": 52.25,
        "memory_bytes": 3 * 2**31,
    }
    return TrainingProgress(**values | fields)


def make_report(lease: Lease, candidate: Candidate, **fields: Any) -> TrainingReport:
    """What a candidate's training tells the log of its search."""
    values: dict[str, Any] = {"worker": "worker-0", "progress": make_training_progress()}
    return TrainingReport(lease=lease, candidate_id=candidate.id, ordinal=candidate.ordinal, **values | fields)


def make_training(training_id: str = "00000000000t", candidate_id: str = "00000001-0", **fields: Any) -> Training:
    """The full training of a candidate, asked for by the recipe "quick" and queued."""
    recipe = fields.pop("recipe", FINISHING_RECIPES["quick"])
    values: dict[str, Any] = {
        "search_id": SearchId(candidate_id.split("-")[0]),
        "dataset": {"train": "train", "validation": "set5"},
        "seed": 2**32 - 1,
        "digest": recipe.digest,
        "status": TrainingStatus.QUEUED,
        "created_at": START + timedelta(hours=4),
        "owner": "anna",
        "expected_s": 240.5,
    }
    return Training(
        id=TrainingId(training_id), candidate_id=CandidateId(candidate_id), recipe=recipe, **values | fields
    )


def make_training_point(step: int = 1000, **fields: Any) -> TrainingPoint:
    """What a full training had reached after some steps."""
    values: dict[str, Any] = {
        "loss": 0.1 + 0.2,
        "psnr_db": 36.5 + step / 2**20,
        "ssim": 0.953125,
        "fsds_db": 41.5,
        "fsds_si_db": 38.25,
        "bands": Bands(correspondence=(1.0, 0.75, 0.5, 0.25, 0.125), log_ratio_db=(0.0, -1.5, -3.0, -6.0, -12.5)),
        "train_s": step / 40,
    }
    return TrainingPoint(step=step, **values | fields)


def advanced(training: Training, step: int = 1000, **fields: Any) -> Training:
    """A full training after one stretch more; completed at the last step of its recipe."""
    done = step >= training.steps
    point = make_training_point(step)
    values: dict[str, Any] = {
        "status": TrainingStatus.COMPLETED if done else TrainingStatus.RUNNING,
        "step": step,
        "points": (*training.points, point),
        "train_s": point.train_s,
        "validate_s": training.validate_s + 1.25,
        "data_digest": "data",
        "code_digest": "code",
        "device": "cpu (1 thread) x86_64",
        "precision": "bfloat16",
        "protocol": "y-float",
        "weights": f"models/{training.id}.safetensors" if done else None,
    }
    return replace(training, **values | fields)


def make_artifact(artifact_id: str = "00000000000a", candidate_id: str = "00000001-0", **fields: Any) -> Artifact:
    """A requested artifact."""
    values: dict[str, Any] = {
        "format": "onnx",
        "state": ArtifactState.REQUESTED,
        "created_at": START + timedelta(hours=4),
    }
    return Artifact(id=ArtifactId(artifact_id), candidate_id=CandidateId(candidate_id), **values | fields)


def make_dataset(name: str = "photos", **fields: Any) -> Dataset:
    """A folder of photographs under a name."""
    values: dict[str, Any] = {
        "kind": DatasetKind.FOLDER,
        "folder": f"sets/{name}",
        "images": 200,
        "size_bytes": 3 * 2**31,
        "created_at": START,
        "created_by": "anna",
    }
    return Dataset(name=name, **values | fields)


def make_token(token_id: str = "0000000t", **fields: Any) -> Token:
    """A submitter's token."""
    values: dict[str, Any] = {
        "name": "anna",
        "role": Role.SUBMITTER,
        "digest": "d" * 64,
        "created_at": START,
        "created_by": "local",
    }
    return Token(id=TokenId(token_id), **values | fields)


def make_request(key: str = "once", **fields: Any) -> Request:
    """A request of a submitter."""
    values: dict[str, Any] = {"who": "anna", "digest": "d" * 64}
    return Request(key=key, **values | fields)
