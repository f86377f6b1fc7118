"""What pages say of files that can be made of a network: which are there, which can be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from nas.records import EXPORT_FORMATS, PICTURES, Artifact, ArtifactState, Search

from ..access import Principal, require_owner
from ..errors import Forbidden
from .wording import size

FORMS = {
    "onnx": "ONNX, RGB in and out",
    "onnx-fp16": "ONNX in half precision",
    "onnx-int8": "ONNX of 8-bit integers",
    "onnx-luma": "ONNX, the bare luma network",
    "safetensors": "weights and genotype, safetensors",
    "pth": "weights and genotype, PyTorch",
    "torchscript": "network and weights, TorchScript",
    "arch": "Python source that loads the weights",
    "card": "model card, Markdown",
    "openmodeldb": "entry for OpenModelDB, JSON",
    "all": "everything, in one archive",
}
"""What each form is, for a person."""

HURRYING = (ArtifactState.REQUESTED, ArtifactState.WRITING)


@dataclass(frozen=True, kw_only=True)
class FormRow:
    """One form of a network's file.

    Attributes:
        name: What the interface calls it.
        words: What it is.
        href: Where the file is; empty where it is not there.
        size: Of the file.
        artifact: The id of its artifact, while that is being made; empty otherwise.
        why: Why it could not be made; empty where it could.
    """

    name: str
    words: str
    href: str = ""
    size: str = ""
    artifact: str = ""
    why: str = ""


def form_rows(artifacts: Sequence[Artifact]) -> tuple[FormRow, ...]:
    """Every form that can be exported, as it stands among a network's artifacts, oldest first."""
    last = {artifact.format: artifact for artifact in artifacts}
    return tuple(_form_row(name, last.get(name)) for name in EXPORT_FORMATS)


def _form_row(name: str, artifact: Artifact | None) -> FormRow:
    words = FORMS[name]
    if artifact is None:
        return FormRow(name=name, words=words)
    if artifact.state is ArtifactState.READY:
        href = f"/v1/artifacts/{artifact.id}/file"
        return FormRow(name=name, words=words, href=href, size=size(artifact.size_bytes or 0))
    if artifact.state in HURRYING:
        return FormRow(name=name, words=words, artifact=artifact.id)
    return FormRow(name=name, words=words, why=str(artifact.detail.get("error", "it failed")))


def pictures_of(artifacts: Sequence[Artifact]) -> str:
    """The id of the pictures of a network that are there or being made; empty where none are."""
    found = [artifact for artifact in artifacts if artifact.format == PICTURES]
    return found[-1].id if found and found[-1].state is not ArtifactState.FAILED else ""


def may_change(who: Principal, search: Search) -> bool:
    """Whether somebody may have anything made of a search's networks."""
    with suppress(Forbidden):
        require_owner(who, search)
        return True
    return False
