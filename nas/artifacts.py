"""What an artifact holds: an exported network, its analysis, or its benchmark. Heavy: it loads torch.

Knows searches, trainings and files; who asks for artifacts, and when they are made, is `nas.exporting`'s business.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from evaluator import checkpoints
from evaluator.data.images import ImagePair, load
from evaluator.metadata import Metadata
from evaluator.recipe import Recipe
from search_space.errors import InvalidInput

from .analysing.model import analyse
from .analysing.writing import to_archive
from .catalogue import FolderOf
from .checks import dataset_folder
from .export.benchmark_document import BenchmarkDocument
from .export.benchmark_row import to_json
from .export.facts import UNKNOWN_TERMS, Found, ImagesUsed, ModelFacts, Trained, terms_of
from .export.model import export_model
from .exporting import Step, Written
from .models import load_model
from .rating.rate import rate_model
from .records import ANALYSIS, BENCHMARK, Candidate, Search, Training
from .scores import candidate_scores
from .spec import DatasetSpec, SearchSpec

PHOTOGRAPHS = 16
"""How many photographs INT8 is calibrated and scored on, at most; the first is what a file is verified on."""
CROP_PX = 256
"""Side in LR pixels of what is taken from the middle of each."""


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """A file that was written whole.

    Attributes:
        sha256: Of its bytes, 64 hexadecimal characters.
        size_bytes: Its length.
        detail: What it says, as JSON values.
    """

    sha256: str
    size_bytes: int
    detail: dict[str, Any] = field(default_factory=dict)


def write_artifact(
    folder_of: FolderOf,
    search: Search,
    candidate: Candidate,
    training: Training | None,
    weights: Path,
    form: str,
    path: Path,
    step: Step = lambda _text, _total: None,
    *,
    benchmark_sets: Callable[[], Sequence[Path]] = tuple,
) -> Written:
    """Make the file of an artifact.

    Args:
        folder_of: Finds the folder of a dataset.
        search: Whose candidate it is.
        candidate: Which network.
        training: Of which finished model; None for the weights of the search.
        weights: The trained weights of either.
        form: One of `EXPORT_FORMATS`, or `ANALYSIS`, or `BENCHMARK`.
        path: Where to write.
        step: Told of the parts of a long work.
        benchmark_sets: The folders of benchmark sets that there are now.
    """
    name = training.id if training else candidate.id
    if form == BENCHMARK:
        return _write_benchmark(weights, name, search.spec.scale, benchmark_sets(), path, step)
    spec = search.spec.model_copy(update={"dataset": _dataset(search, training)})
    photographs = _photographs(spec, folder_of, PHOTOGRAPHS)
    if form == ANALYSIS:
        return _write_analysis(photographs, candidate, weights, path)
    facts = _facts(search, candidate, training, folder_of)
    if form == "all" and training is not None:
        facts = replace(facts, benchmark=_benchmark(weights, name, spec.scale, benchmark_sets(), step))
    return export_model(
        genotype=candidate.genotype,
        recipe=facts.metadata.recipe,
        scale=spec.scale,
        channels=spec.channels,
        weights=weights,
        file_format=form,
        path=path,
        check_image=photographs[0].hr if photographs else None,
        photographs=[pair.crop(CROP_PX) for pair in photographs],
        summary=_summary(search, candidate, training),
        facts=facts,
        step=step,
    )


def _write_benchmark(weights: Path, name: str, scale: int, sets: Sequence[Path], path: Path, step: Step) -> WrittenFile:
    document = to_json(_benchmark(weights, name, scale, sets, step))
    content = f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode()
    checkpoints.write(path, content)
    return WrittenFile(sha256=sha256(content).hexdigest(), size_bytes=len(content))


def _benchmark(weights: Path, name: str, scale: int, sets: Sequence[Path], step: Step) -> BenchmarkDocument:
    return rate_model(weights, sets, scale=scale, name=name, step=step)


def _write_analysis(photographs: Sequence[ImagePair], candidate: Candidate, weights: Path, path: Path) -> WrittenFile:
    if not photographs:
        raise FileNotFoundError("the search's photographs are no longer there, and an analysis needs one")
    photograph = photographs[0]
    analysis = analyse(load_model(weights), Image.fromarray(photograph.lr))
    document = to_archive(analysis, model=candidate.id, image=photograph.name)
    checkpoints.write(path, document)
    return WrittenFile(sha256=sha256(document).hexdigest(), size_bytes=len(document), detail=analysis.to_json())


def _photographs(spec: SearchSpec, folder_of: FolderOf, limit: int) -> tuple[ImagePair, ...]:
    """Some of the photographs of a spec, best those that networks were not trained on; none if they are gone."""
    role = "train" if spec.dataset.validation is None else "validation"
    try:
        folder = dataset_folder(spec, role, folder_of, min_lr_side=16)
        return load(folder, scale=spec.scale, channels=3, limit=limit).pairs
    except (InvalidInput, OSError):
        return ()


def _facts(search: Search, candidate: Candidate, training: Training | None, folder_of: FolderOf) -> ModelFacts:
    """What is known of a network but for its benchmark; of one from a search alone, where that found it."""
    recipe = _recipe(search, candidate, training)
    name = training.id if training else candidate.id
    return ModelFacts(
        id=name,
        name=name,
        metadata=Metadata(
            genotype=candidate.genotype, recipe=recipe, scale=search.spec.scale, channels=search.spec.channels
        ),
        created_at=training.finished_at if training else None,
        trained=Trained.of(training, **_images(training, folder_of)) if training else None,
        found=Found(
            search_id=search.id,
            candidate_id=candidate.id,
            psnr_db=candidate_scores(candidate).get("psnr_db"),
            protocol=search.spec.recipe.protocol,
            objectives=tuple(objective.metric for objective in search.spec.objectives),
        ),
    )


def _recipe(search: Search, candidate: Candidate, training: Training | None) -> Recipe:
    """What the weights were trained by."""
    return training.recipe.training if training else search.spec.recipe.at_rung(candidate.rung)


def _dataset(search: Search, training: Training | None) -> DatasetSpec:
    return DatasetSpec.model_validate(training.dataset) if training else search.spec.dataset


def _images(training: Training, folder_of: FolderOf) -> dict[str, ImagesUsed]:
    """The sets of images that a model was made with, by their roles, each with where its terms stand."""
    dataset = DatasetSpec.model_validate(training.dataset)
    names = {"train": dataset.train, "validation": dataset.validation}
    return {role: ImagesUsed(name=name, terms=_terms(name, folder_of)) for role, name in names.items() if name}


def _terms(dataset: str, folder_of: FolderOf) -> str:
    try:
        return terms_of(folder_of(dataset))
    except InvalidInput:  # it is no longer registered
        return UNKNOWN_TERMS


def _summary(search: Search, candidate: Candidate, training: Training | None) -> dict[str, Any]:
    """How the weights came to be, for the header of a file."""
    recipe, final = _recipe(search, candidate, training), training.final if training else None
    scores = candidate_scores(candidate)
    return {
        "search": search.id,
        "candidate": candidate.id,
        "model": training.id if training else None,
        "steps": training.step if training else candidate.steps,
        "seed": training.seed if training else None,
        "protocol": training.protocol if training else recipe.protocol,
        "psnr_db": final.psnr_db if final else scores.get("psnr_db"),
        "train_s": training.train_s if training else None,
        "data_digest": training.data_digest if training else None,
        "code_digest": training.code_digest if training else None,
    }
