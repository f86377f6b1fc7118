"""The forms that are run to be verified: how each file is made, what runs it, and how near it must come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from evaluator.metrics.protocol import PROTOCOLS
from evaluator.score import mean_scores, network_input, score_image
from search_space.errors import InvalidInput, Problem

from .arch import to_arch
from .int8 import to_int8
from .onnx_file import to_onnx
from .reload import Tool, reload
from .subject import ExportError, Made, Subject, largest_difference, run
from .torchscript import to_torchscript
from .weights import to_pth, to_safetensors

FLOAT32, FLOAT16 = 1e-4, 2e-2
"""Largest absolute differences from the torch network, on [0, 1]."""

LOSS_DB = 3.0
"""A quantised network that loses more PSNR than this is broken and not merely coarse."""

PROTOCOL = "y-float"


@dataclass(frozen=True, kw_only=True)
class Form:
    """One form of a network.

    Attributes:
        make: Makes the file.
        tool: What runs it.
        own: What the file is called for the tool.
        loaded: Which file the tool loads: this one, or one beside it.
        beside: Other forms that must lie beside it, by what they are called.
        face: What it computes: "rgb" or "luma".
        tolerance: Largest absolute difference from the torch network, on [0, 1]; None where `LOSS_DB` decides.
    """

    make: Callable[[Subject], Made]
    tool: Tool
    own: str
    loaded: str
    beside: Mapping[str, Callable[[Subject], Made]]
    face: str = "rgb"
    tolerance: float | None = FLOAT32


def _onnx(make: Callable[[Subject], Made], face: str = "rgb", tolerance: float | None = FLOAT32) -> Form:
    return Form(make=make, tool="onnxruntime", own="a.onnx", loaded="a.onnx", beside={}, face=face, tolerance=tolerance)


def _weights(make: Callable[[Subject], Made], own: str) -> Form:
    return Form(make=make, tool="arch", own=own, loaded=own, beside={"arch.py": to_arch})


def _luma(subject: Subject) -> Made:
    if subject.model.channels != 1:
        problem = Problem("format", "onnx-luma", "another format: this network sees RGB, and has no luma form")
        raise InvalidInput([problem], "Ask for onnx, which is this network as it is.")
    return to_onnx(subject, face="luma")


FORMS: Mapping[str, Form] = {
    "onnx": _onnx(to_onnx),
    "onnx-fp16": _onnx(partial(to_onnx, dtype=torch.float16), tolerance=FLOAT16),
    "onnx-int8": _onnx(to_int8, tolerance=None),
    "onnx-luma": _onnx(_luma, face="luma"),
    "safetensors": _weights(to_safetensors, "a.safetensors"),
    "pth": _weights(to_pth, "a.pth"),
    "torchscript": Form(make=to_torchscript, tool="torchscript", own="a.pt", loaded="a.pt", beside={}),
    "arch": Form(
        make=to_arch, tool="arch", own="arch.py", loaded="a.safetensors", beside={"a.safetensors": to_safetensors}
    ),
}
"""Every form that computes something, by its name in `EXPORT_FORMATS`."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A file that computes what the network computes.

    Attributes:
        document: Its bytes.
        difference: Largest absolute difference from the torch network over the checked pictures, on [0, 1].
        detail: How it was made and checked, as JSON values.
    """

    document: bytes
    difference: float
    detail: dict[str, Any]


def verified(subject: Subject, name: str, *, python: str = sys.executable) -> Verified:
    """Make a file, and run it in a fresh process that has nothing of srnas.

    Args:
        subject: The network.
        name: Which of `FORMS`.
        python: The interpreter that runs it, which needs nothing but the form's tool.

    Raises:
        InvalidInput: This network has no such form, or it needs photographs and there are none.
        ExportError: The file computes something else than the network, or does not run.
    """
    form = FORMS[name]
    made = form.make(subject)
    beside = {own: make(subject).document for own, make in form.beside.items()}
    pictures = subject.inputs(form.face)
    photographs = [network_input(pair, 3) for pair in subject.photographs] if form.tolerance is None else []
    files = {form.own: made.document, **beside}
    reloaded = reload(form.tool, form.loaded, files, [*pictures, *photographs], python=python)
    outputs, predictions = reloaded.outputs[: len(pictures)], reloaded.outputs[len(pictures) :]
    difference = largest_difference(run(subject.network(form.face), pictures), outputs)
    if form.tolerance is not None and not difference <= form.tolerance:  # a NaN is a difference too
        raise ExportError(f"the {name} file differs from the network by {difference:.2e}, not {form.tolerance:g}")
    checks = {
        "checked_shapes": [list(picture.shape) for picture in pictures],
        "max_difference": difference,
        "tolerance": form.tolerance,
        "runtime": " ".join(f"{tool} {version}" for tool, version in reloaded.versions.items()),
        "process": "fresh, without srnas",
        "face": form.face,
    }
    losses = _losses(subject, photographs, predictions) if photographs else {}
    return Verified(document=made.document, difference=difference, detail=dict(made.detail) | checks | losses)


def _losses(subject: Subject, inputs: Sequence[Tensor], predictions: Sequence[Tensor]) -> dict[str, Any]:
    """What quantisation costs on the photographs."""
    before, after = (_psnr_db(subject, found) for found in (run(subject.rgb, inputs), predictions))
    if not before - after <= LOSS_DB:
        raise ExportError(f"quantisation costs {before - after:.2f} dB, more than {LOSS_DB:g}")
    return {
        "psnr_loss_db": before - after,
        "psnr_db": after,
        "psnr_float32_db": before,
        "protocol": PROTOCOL,
        "photographs": len(inputs),
    }


def _psnr_db(subject: Subject, predictions: Sequence[Tensor]) -> float:
    scores = (
        score_image(prediction, pair, PROTOCOLS[PROTOCOL], metrics=["psnr_db"])
        for prediction, pair in zip(predictions, subject.photographs, strict=True)
    )
    return mean_scores(scores)["psnr_db"]
