"""A network's weights as files, safetensors and `.pth`; both say by their tensors alone what they belong to."""

from __future__ import annotations

import io
import json
from typing import Any

import torch

from evaluator import named_tensors
from evaluator.metadata import KEY
from evaluator.portable import PARAMS, to_portable
from search_space.errors import InvalidInput

from .subject import Made, Subject

TRAINING = f"{KEY}.training"
"""The text in a safetensors header that says how the weights were trained, as JSON."""


def to_safetensors(subject: Subject) -> Made:
    """The portable tensors; the header repeats what they belong to, and says how they were trained."""
    texts = {KEY: subject.model.metadata.to_text()}
    if subject.summary:
        texts[TRAINING] = json.dumps(dict(subject.summary), sort_keys=True)
    return Made(document=named_tensors.to_bytes(to_portable(subject.model), texts))


def training_of(document: bytes) -> dict[str, Any]:
    """What a safetensors header says of how its weights were trained; nothing where it does not say so."""
    try:
        _, texts = named_tensors.from_bytes(document)
        found = json.loads(texts.get(TRAINING, "{}"))
    except (InvalidInput, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def to_pth(subject: Subject) -> Made:
    """The portable tensors under "params", in a pickle that `torch.load(..., weights_only=True)` reads."""
    held = io.BytesIO()
    torch.save({PARAMS: to_portable(subject.model)}, held)
    return Made(document=held.getvalue())
