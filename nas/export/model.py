"""A trained network as a file that others run, in any form: ONNX, TorchScript, weights, source, or all in one archive.

Heavy: it loads torch, and for ONNX the exporter and onnxruntime. A file that computes something is verified before
anyone can see it: a fresh process runs it on a photograph, and what comes out is compared with the torch network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluator import checkpoints
from evaluator.data.images import ImagePair
from evaluator.metadata import Metadata
from evaluator.model import SRModel
from evaluator.portable import read_safetensors
from evaluator.recipe import Recipe
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from ..records import ENDINGS, EXPORT_FORMATS
from .card import card_text
from .facts import ModelFacts
from .network.archive import to_archive
from .network.forms import FORMS, verified
from .network.subject import ExportError, Subject, crops
from .network.weights import training_of
from .openmodeldb import openmodeldb_document

__all__ = ["ExportError", "ExportReport", "export_model", "export_network", "training_of"]

Step = Callable[[str, int], None]
"""Called with what is made next, and how many parts there are."""


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """A file that was written and verified.

    Attributes:
        path: Where it lies.
        sha256: Of its bytes, 64 hexadecimal characters.
        size_bytes: Its length.
        max_difference: Largest absolute difference from the torch network over the checked images, on [0, 1]; in an
            archive of all forms that of its float32 files; None for a file that computes nothing.
        detail: How it was checked, as JSON values.
    """

    path: Path
    sha256: str
    size_bytes: int
    max_difference: float | None
    detail: dict[str, Any] = field(default_factory=dict)


def export_model(
    *,
    genotype: Genotype,
    recipe: Recipe,
    scale: int,
    channels: int,
    weights: bytes | Path,
    file_format: str,
    path: Path,
    check_image: NDArray[np.uint8] | None = None,
    photographs: Sequence[ImagePair] = (),
    summary: Mapping[str, Any] | None = None,
    facts: ModelFacts | None = None,
    step: Step | None = None,
) -> ExportReport:
    """Write the network of a checkpoint, which must be the one that the caller speaks of; see `export_network`.

    Args:
        genotype: The network.
        recipe: How it was trained, and what it is wrapped in.
        scale: 2, 3 or 4.
        channels: 1 (luma) or 3 (RGB).
        weights: A checkpoint, or the path of one.
        file_format: As below, and what follows too.
        path: As below.
        check_image: As below.
        photographs: As below.
        summary: As below.
        facts: As below.
        step: As below.

    Raises:
        InvalidInput: As below; or the weights cannot be read or are those of another network.
        ExportError: As below.
    """
    _require_format(file_format)
    metadata = Metadata(genotype=genotype, recipe=recipe, scale=scale, channels=channels)
    return export_network(
        _trained(weights, metadata),
        file_format=file_format,
        path=path,
        check_image=check_image,
        photographs=photographs,
        summary=summary,
        facts=facts,
        step=step,
    )


def export_network(
    model: SRModel,
    *,
    file_format: str,
    path: Path,
    check_image: NDArray[np.uint8] | None = None,
    photographs: Sequence[ImagePair] = (),
    summary: Mapping[str, Any] | None = None,
    facts: ModelFacts | None = None,
    step: Step | None = None,
) -> ExportReport:
    """Write a trained network, with its input mapping and image residual, whole or not at all.

    Args:
        model: The network, on the CPU.
        file_format: One of `EXPORT_FORMATS`. In the archive of "all" is every form that this network has; the report's
            detail says what was left out and why.
        path: Where to write; folders are made, a file that is there is replaced.
        check_image: uint8 H x W x 1 or 3 to verify on, best a photograph; noise without it.
        photographs: RGB at the network's scale: INT8 is calibrated and scored on them.
        summary: How it was trained, as JSON values, for files that have a place for it.
        facts: What its card tells of it; where they are None the network itself and the summary.
        step: Told of the parts of the work.

    Raises:
        InvalidInput: The format is unknown, or this network has none such.
        ExportError: The file computes something else than the network.
    """
    _require_format(file_format)
    subject = Subject(
        model=model.eval(),
        pictures=crops(check_image),
        photographs=tuple(photographs),
        summary=summary or {},
        checked_on="noise" if check_image is None else "photograph",
    )
    name = path.name.removesuffix(ENDINGS[file_format])
    bare = ModelFacts(id=name, name=name, metadata=model.metadata, header=summary or {})
    facts = replace(facts, name=name) if facts else bare
    document, difference, detail = _made(subject, facts, file_format, step or (lambda *_: None))
    checkpoints.write(path, document)
    if difference is not None:
        detail |= {"checked_on": subject.checked_on, "torch": str(torch.__version__)}
    return ExportReport(
        path=path,
        sha256=sha256(document).hexdigest(),
        size_bytes=len(document),
        max_difference=difference,
        detail=detail,
    )


def _made(
    subject: Subject, facts: ModelFacts, file_format: str, step: Step
) -> tuple[bytes, float | None, dict[str, Any]]:
    """The document of a format, how far it is from the network where it computes something, and what to know of it."""
    if file_format in FORMS:
        step(file_format, 1)
        made = verified(subject, file_format)
        return made.document, made.difference, made.detail
    if file_format == "card":
        return card_text(facts).encode(), None, {}
    if file_format == "openmodeldb":
        return f"{json.dumps(openmodeldb_document(facts), indent=2)}\n".encode(), None, {}
    archive = to_archive(subject, facts, step)
    return archive.document, archive.difference, archive.detail


def _require_format(file_format: str) -> None:
    if file_format not in EXPORT_FORMATS:
        raise InvalidInput([Problem("format", file_format, " or ".join(EXPORT_FORMATS))])


def _trained(weights: bytes | Path, metadata: Metadata) -> SRModel:
    """The model of a checkpoint, which must be the one that the caller speaks of."""
    model = read_safetensors(weights.read_bytes() if isinstance(weights, Path) else weights)
    problems = [
        Problem(f"weights.{name}", found, str(wanted))
        for name, found, wanted in (
            ("genotype", model.genotype, metadata.genotype),
            ("recipe", model.recipe.digest, metadata.recipe.digest),
            ("scale", model.scale, metadata.scale),
            ("channels", model.channels, metadata.channels),
        )
        if found != wanted
    ]
    if problems:
        raise InvalidInput(problems, "Give the weights that were trained for this network.")
    return model
