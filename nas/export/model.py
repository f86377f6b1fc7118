"""A trained network as a file that others run: ONNX, or weights with all it takes to build the network again.

Heavy: it loads torch, and for ONNX the exporter and onnxruntime. A file is verified before anyone can see it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluator import checkpoints
from evaluator.data.decoding import as_rgb, luma
from evaluator.metadata import KEY, Metadata
from evaluator.model import SRModel
from evaluator.recipe import Recipe
from evaluator.weights import load_model
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from ..records import EXPORT_FORMATS

OPSET = 18
TOLERANCE = 1e-4
CHECKED_SIZES = ((61, 97), (48, 35))
"""(height, width) of the two crops that a file is checked on; neither is square, and one is odd both ways."""

RANGES = {
    1: "full-range BT.601 luma in [0, 1], n x 1 x h x w",
    3: "RGB in [0, 1], n x 3 x h x w",
}


class ExportError(RuntimeError):
    """A file was made, but it does not compute what the network computes, so it was not written.

    Attributes:
        hint: What to do next.
    """

    hint = "export to safetensors instead, and report this with the versions of torch and onnxruntime"


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """A file that was written and verified.

    Attributes:
        path: Where it lies.
        sha256: Of its bytes, 64 hexadecimal characters.
        size_bytes: Its length.
        max_difference: Largest absolute difference from the torch network over the checked images, on [0, 1].
        detail: How it was checked, as JSON values.
    """

    path: Path
    sha256: str
    size_bytes: int
    max_difference: float
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
) -> ExportReport:
    """Write a trained network, with its input mapping and image residual, whole or not at all.

    The ONNX file has one input ``input`` and one output ``output`` with free batch, height and width. Its
    ``metadata_props`` hold ``genotype``, ``scale`` and ``channels`` for any reader, and under ``srnas`` the
    document that a safetensors file has in its header.

    Args:
        genotype: The network.
        recipe: How it was trained, and what it is wrapped in.
        scale: 2, 3 or 4.
        channels: 1 (luma) or 3 (RGB).
        weights: A checkpoint, or the path of one.
        file_format: One of `EXPORT_FORMATS`.
        path: Where to write; folders are made, a file that is there is replaced.
        check_image: uint8 H x W x 1 or 3 to verify on, best a photograph; noise without it.

    Raises:
        InvalidInput: The format is unknown, or the weights cannot be read or are those of another network.
        ExportError: The file computes something else than the network.
    """
    if file_format not in EXPORT_FORMATS:
        raise InvalidInput([Problem("format", file_format, " or ".join(EXPORT_FORMATS))])
    metadata = Metadata(genotype=genotype, recipe=recipe, scale=scale, channels=channels)
    model = _trained(weights, metadata)
    images = _crops(check_image, channels)
    if file_format == "onnx":
        document, outputs, detail = _as_onnx(model, metadata, images)
    else:
        document, outputs, detail = _as_safetensors(model, metadata, images)
    difference = _largest_difference(model, images, outputs)
    if not difference <= TOLERANCE:  # a NaN is a difference too
        raise ExportError(f"the {file_format} file differs from the network by {difference:.2e}, not {TOLERANCE:g}")
    checkpoints.write(path, document)
    checks = {
        "checked_on": "noise" if check_image is None else "photograph",
        "checked_shapes": [list(image.shape) for image in images],
        "max_difference": difference,
    }
    return ExportReport(
        path=path,
        sha256=sha256(document).hexdigest(),
        size_bytes=len(document),
        max_difference=difference,
        detail=checks | detail | {"torch": str(torch.__version__)},
    )


def _trained(weights: bytes | Path, metadata: Metadata) -> SRModel:
    """The model of a checkpoint, which must be the one that the caller speaks of."""
    model = load_model(weights.read_bytes() if isinstance(weights, Path) else weights)
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


def _crops(image: NDArray[np.uint8] | None, channels: int) -> list[Tensor]:
    """Two batches in [0, 1] of two sizes, the second of two images; smaller where the image is smaller."""
    if image is None:
        image = np.random.default_rng(0).integers(0, 256, (*CHECKED_SIZES[0], channels), dtype=np.uint8)
    image = luma(image) if channels == 1 else as_rgb(image)
    crops = []
    for count, (height, width) in enumerate(CHECKED_SIZES, start=1):
        top, left = (max(0, side - crop) // 2 for side, crop in zip(image.shape, (height, width), strict=False))
        crop = torch.tensor(image[top : top + height, left : left + width]).permute(2, 0, 1) / 255
        crops.append(torch.stack([crop, crop.flip(-1)][:count]))
    return crops


def _as_safetensors(
    model: SRModel, metadata: Metadata, images: Sequence[Tensor]
) -> tuple[bytes, list[Tensor], dict[str, Any]]:
    """The document, what it computes when it is read back, and how that was found."""
    document = checkpoints.to_bytes(model.network.state_dict(), metadata)
    return document, _run(load_model(document), images), {"runtime": "torch"}


def _as_onnx(
    model: SRModel, metadata: Metadata, images: Sequence[Tensor]
) -> tuple[bytes, list[Tensor], dict[str, Any]]:
    """The document, what onnxruntime makes of it, and how that was found."""
    import onnx
    import onnxruntime

    proto = _traced(model)
    proto.doc_string = (
        f"Super-resolution x{model.scale}. Input and output: {RANGES[model.channels]}; output not clipped."
    )
    onnx.helper.set_model_props(proto, _properties(metadata))
    document: bytes = proto.SerializeToString()
    onnx.checker.check_model(document, full_check=True)
    session = onnxruntime.InferenceSession(document, providers=["CPUExecutionProvider"])
    outputs = [torch.from_numpy(session.run(["output"], {"input": image.numpy()})[0]) for image in images]
    return document, outputs, {"runtime": f"onnxruntime {onnxruntime.__version__}", "opset": OPSET}


def _properties(metadata: Metadata) -> dict[str, str]:
    return {
        KEY: metadata.to_text(),
        "genotype": str(metadata.genotype),
        "scale": str(metadata.scale),
        "channels": str(metadata.channels),
    }


def _traced(model: SRModel) -> Any:
    """The model as an `onnx.ModelProto` with all weights inside."""
    batch, height, width = (torch.export.Dim(name) for name in ("batch", "height", "width"))
    example = torch.zeros(2, model.channels, 13, 17)
    with _quiet_exporter():
        program = torch.onnx.export(
            model,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: batch, 2: height, 3: width},),
            verbose=False,
        )
    if program is None:
        raise ExportError("torch.onnx.export returned nothing")
    return program.model_proto


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence what torch's exporter tells its own developers: a deprecation, and torchvision's absence."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
            yield
    finally:
        logger.setLevel(level)


@torch.no_grad()
def _run(model: SRModel, images: Sequence[Tensor]) -> list[Tensor]:
    return [model(image) for image in images]


def _largest_difference(model: SRModel, images: Sequence[Tensor], outputs: Sequence[Tensor]) -> float:
    """Over all images; infinite where a shape differs."""
    differences = [
        (mine - theirs).abs().max().item() if mine.shape == theirs.shape else float("inf")
        for mine, theirs in zip(_run(model, images), outputs, strict=True)
    ]
    return float(np.max(differences))  # unlike max(), it does not lose a NaN
