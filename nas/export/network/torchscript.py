"""A network as a TorchScript file, which `torch.jit.load` and libtorch read without any of our code."""

from __future__ import annotations

import io
import warnings
from copy import deepcopy

import torch

from evaluator.metadata import KEY

from .subject import Made, Subject


def to_torchscript(subject: Subject) -> Made:
    """Trace the upscaler of RGB; every size is left open, as nothing that it computes depends on one.

    What the weights belong to stands in the file as the extra file `srnas`.
    """
    network = deepcopy(subject.rgb).requires_grad_(False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of torch.jit, which is what was asked for
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)  # type: ignore[attr-defined]  # it is there; of checks of shapes
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]  # torch.jit has no types
            network, torch.zeros(2, 3, 13, 17), check_trace=False
        )
        held = io.BytesIO()
        torch.jit.save(traced, held, _extra_files={KEY: subject.model.metadata.to_text().encode()})
    return Made(document=held.getvalue())
