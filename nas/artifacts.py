"""What an artifact holds: an exported network, its analysis, or its benchmark. Heavy: it loads torch.

Knows searches, trainings and files; who asks for artifacts, and when they are made, is `nas.exporting`'s business.
"""

from __future__ import annotations

import json
import re
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
from search_space.errors import InvalidInput, Problem

from .analysing.model import analyse
from .analysing.writing import to_archive
from .catalogue import FolderOf
from .checks import MIN_VALIDATION_SIDE, dataset_folder
from .export.benchmark_document import BenchmarkDocument
from .export.benchmark_row import from_json, to_json
from .export.facts import UNKNOWN_TERMS, Found, ImagesUsed, ModelFacts, Trained, terms_of
from .export.model import export_model
from .exporting import Step, Written
from .fronts import Front
from .models import load_model
from .picturing.archive import draw
from .preparing import spec_of
from .rating.rate import rate_model
from .records import ANALYSIS, BENCHMARK, BENCHMARK_SETS, PICTURES, Candidate, Search, SearchId, Training
from .scores import candidate_scores
from .spec import SearchSpec
from .validation import held_out

PHOTOGRAPHS = 16
"""How many photographs INT8 is calibrated and scored on, at most; the first is what any file is verified on."""
CROP_PX = 256
"""Side in LR pixels of what is taken from the middle of each."""

CALIBRATED = ("onnx-int8", "all")
"""Forms that need more photographs than one."""

TOLD = ("card", "openmodeldb", "all")
"""Forms that say where a network comes from and what it scores."""


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
    front_of: Callable[[SearchId], Front] | None = None,
    benchmark_of: Callable[[Training], Path | None] = lambda _: None,
) -> Written:
    """Make the file of an artifact.

    Args:
        folder_of: Finds the folder of a dataset.
        search: Whose candidate it is.
        candidate: Which network.
        training: Of which finished model; None for the weights of the search.
        weights: The trained weights of either.
        form: One of `EXPORT_FORMATS`, or `ANALYSIS`, `BENCHMARK` or `PICTURES`.
        path: Where to write.
        step: Told of the parts of a long work.
        benchmark_sets: The folders of benchmark sets that there are now.
        front_of: Finds the front of a search, for files that tell a candidate's place; None where nobody looks.
        benchmark_of: Finds the file of what a finished model scored on them before; None where nobody measured that.

    Raises:
        InvalidInput: A benchmark is asked for and there is no set; or as `export_model`.
    """
    name = training.id if training else candidate.id
    if form == BENCHMARK:
        return _write_benchmark(weights, name, search.spec.scale, benchmark_sets(), path, step)
    spec = _spec(search, training)
    if form == PICTURES:
        return _write_whole(path, draw(spec, folder_of, weights, name=name))
    if form == ANALYSIS:
        return _write_analysis(_photographs(spec, folder_of, 1), candidate, weights, path)
    photographs = _photographs(spec, folder_of, PHOTOGRAPHS if form in CALIBRATED else 1, CROP_PX)
    front = front_of(search.id) if form in TOLD and front_of is not None else None
    facts = _facts(search, candidate, training, folder_of, front)
    if form in TOLD and training is not None:
        benchmark = _measured(benchmark_of(training))
        if benchmark is None and form == "all" and (sets := benchmark_sets()):
            benchmark = _benchmark(weights, name, spec.scale, sets, step)
        facts = replace(facts, benchmark=benchmark)
    return export_model(
        genotype=candidate.genotype,
        recipe=facts.metadata.recipe,
        scale=spec.scale,
        channels=spec.channels,
        weights=weights,
        file_format=form,
        path=path,
        check_image=photographs[0].hr if photographs else None,
        photographs=photographs,
        summary=_summary(search, candidate, training),
        facts=facts,
        step=step,
    )


def _write_benchmark(weights: Path, name: str, scale: int, sets: Sequence[Path], path: Path, step: Step) -> WrittenFile:
    if not sets:
        hint = f'When they are there, POST {{"format": "benchmark"}} to /v1/models/{name}/exports.'
        allowed = "folders of images under SRNAS_BENCHMARKS_ROOT, one a set"
        raise InvalidInput([Problem(BENCHMARK_SETS, None, allowed)], hint)
    document = to_json(_benchmark(weights, name, scale, sets, step))
    return _write_whole(path, f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode())


def _benchmark(weights: Path, name: str, scale: int, sets: Sequence[Path], step: Step) -> BenchmarkDocument:
    return rate_model(weights, sets, scale=scale, name=name, step=step)


def _write_whole(path: Path, content: bytes) -> WrittenFile:
    checkpoints.write(path, content)
    return WrittenFile(sha256=sha256(content).hexdigest(), size_bytes=len(content))


def _measured(path: Path | None) -> BenchmarkDocument | None:
    """The benchmark in a file; None where there is none, none that can be read today, or one of no set."""
    if path is None:
        return None
    try:
        found = from_json(json.loads(path.read_bytes()))
    except (InvalidInput, OSError, ValueError):
        return None
    return found if found.sets else None


def _write_analysis(photographs: Sequence[ImagePair], candidate: Candidate, weights: Path, path: Path) -> WrittenFile:
    if not photographs:
        raise FileNotFoundError("the search's photographs are no longer there, and an analysis needs one")
    photograph = photographs[0]
    analysis = analyse(load_model(weights), Image.fromarray(photograph.lr))
    document = to_archive(analysis, model=candidate.id, image=photograph.name)
    checkpoints.write(path, document)
    return WrittenFile(sha256=sha256(document).hexdigest(), size_bytes=len(document), detail=analysis.to_json())


def _photographs(
    spec: SearchSpec, folder_of: FolderOf, limit: int, crop_px: int | None = None
) -> tuple[ImagePair, ...]:
    """Some of the photographs of a spec, best those that networks were not trained on; none if they are gone."""
    role = "train" if spec.dataset.validation is None else "validation"
    try:
        folder = dataset_folder(spec, role, folder_of, min_lr_side=MIN_VALIDATION_SIDE)
        return load(folder, scale=spec.scale, channels=3, limit=limit, crop=crop_px).pairs
    except (InvalidInput, OSError):
        return ()


def _facts(
    search: Search, candidate: Candidate, training: Training | None, folder_of: FolderOf, front: Front | None
) -> ModelFacts:
    """What is known of a network but for its benchmark; of one from a search alone, where that found it."""
    recipe, images = _recipe(search, candidate, training), _images(search, training, folder_of)
    found = Found.on(front, candidate) if front is not None else _found(search, candidate)
    name = training.id if training else candidate.id
    return ModelFacts(
        id=name,
        name=name,
        metadata=Metadata(
            genotype=candidate.genotype, recipe=recipe, scale=search.spec.scale, channels=search.spec.channels
        ),
        created_at=training.finished_at if training else None,
        trained=Trained.of(training, **images) if training else None,
        found=replace(found, train=images["train"], validation=images.get("validation")),
        owner=training.owner if training else search.owner,
    )


def _found(search: Search, candidate: Candidate) -> Found:
    """How a search came upon a network, whose place on the front nobody looked for."""
    return Found(
        search_id=search.id,
        candidate_id=candidate.id,
        psnr_db=candidate_scores(candidate).get("psnr_db"),
        protocol=search.spec.recipe.protocol,
        objectives=tuple(objective.metric for objective in search.spec.objectives),
    )


def _recipe(search: Search, candidate: Candidate, training: Training | None) -> Recipe:
    """What the weights were trained by."""
    return training.recipe.training if training else search.spec.recipe.at_rung(candidate.rung)


def _spec(search: Search, training: Training | None) -> SearchSpec:
    """The search's spec, with the images and the recipe of a full training where there is one."""
    return spec_of(search.spec, training) if training else search.spec


def _images(search: Search, training: Training | None, folder_of: FolderOf) -> dict[str, ImagesUsed]:
    """The sets of images that a model was made with, by their roles, each with where its terms stand."""
    spec = _spec(search, training)
    dataset = spec.dataset
    same = training is None or training.data_digest == search.data_digest
    notes = search.data_notes if same else ()
    count = _count(spec, "train", folder_of, notes)
    train = ImagesUsed(name=dataset.train, count=count, terms=_terms(dataset.train, folder_of))
    if dataset.validation is not None:
        count, terms = _count(spec, "validation", folder_of, notes), _terms(dataset.validation, folder_of)
        return {"train": train, "validation": ImagesUsed(name=dataset.validation, count=count, terms=terms)}
    if count is None:
        return {"train": train}
    held = held_out(dataset, count)
    validation = replace(train, name=f"{dataset.train}, held out", count=held)
    return {"train": replace(train, count=count - held), "validation": validation}


def _count(spec: SearchSpec, role: str, folder_of: FolderOf, notes: Sequence[str]) -> int | None:
    """How many images of a role were decoded, as notes say, or else are there by their headers; None without any."""
    for note in notes:
        if noted := re.match(rf"dataset\.{role}: (\d+) images, layout ", note):
            return int(noted[1])
    side = spec.recipe.patch if role == "train" else MIN_VALIDATION_SIDE
    try:
        folder = dataset_folder(spec, role, folder_of, min_lr_side=side)
    except (InvalidInput, OSError):
        return None
    return len(folder.pairs[: getattr(spec.dataset, f"{role}_limit")])


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
