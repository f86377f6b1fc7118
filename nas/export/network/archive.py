"""All forms of a network in one archive, with its card and what it scored on benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from search_space.drawing import draw
from search_space.errors import InvalidInput

from ...records import ENDINGS
from ..benchmark_row import as_csv, as_markdown
from ..benchmark_row import to_json as benchmark_json
from ..card import DRAWING, card_text
from ..facts import CheckedOn, ModelFacts, ModelFile, loss_in_words
from ..openmodeldb import openmodeldb_document
from .forms import FLOAT32, FORMS, Verified, verified
from .subject import ExportError, Subject


@dataclass(frozen=True, kw_only=True)
class Archive:
    """All forms of a network.

    Attributes:
        document: A ZIP.
        difference: Largest absolute difference of its float32 files from the torch network, on [0, 1].
        detail: Each file with how it was checked, and each form that was left out with why, as JSON values.
    """

    document: bytes
    difference: float
    detail: dict[str, Any]


def to_archive(subject: Subject, facts: ModelFacts, step: Callable[[str, int], None]) -> Archive:
    """Make and verify every form that this network has.

    A form that it does not have, or that its files cannot keep to, is left out and named in the detail.
    """
    made: dict[str, Verified] = {}
    left_out = {}
    for name in FORMS:
        step(name, len(FORMS))
        try:
            made[name] = verified(subject, name)
        except (InvalidInput, ExportError) as error:
            left_out[name] = str(error)
    files = {f"{facts.name}{ENDINGS[name]}": one.document for name, one in made.items()}
    facts = replace(facts, files=tuple(_file(facts.name, name, one, subject.checked_on) for name, one in made.items()))
    files |= dict(_texts(facts))
    checks = {f"{facts.name}{ENDINGS[name]}": one.detail for name, one in made.items()}
    listed = {
        file: {"size_bytes": len(content), "sha256": _digest(content)} | checks.get(file, {})
        for file, content in files.items()
    }
    difference = max((one.difference for name, one in made.items() if FORMS[name].tolerance == FLOAT32), default=0.0)
    detail = {"files": listed, "left_out": left_out, "max_difference": difference}
    return Archive(document=_zipped(files), difference=difference, detail=detail)


def _file(model: str, name: str, made: Verified, checked_on: CheckedOn) -> ModelFile:
    """What the card says of a file."""
    loss = made.detail.get("psnr_loss_db")
    note = "" if loss is None else loss_in_words(loss, made.detail["photographs"])
    return ModelFile(
        name=f"{model}{ENDINGS[name]}",
        form=name,
        size_bytes=len(made.document),
        sha256=_digest(made.document),
        max_difference=made.difference,
        tolerance=FORMS[name].tolerance,
        tool=made.detail["runtime"],
        note=note,
        checked_on=checked_on,
    )


def _texts(facts: ModelFacts) -> Iterator[tuple[str, bytes]]:
    """The card with its drawing, the entry for catalogues, and the benchmark where there is one."""
    yield f"{facts.name}{ENDINGS['card']}", card_text(facts, drawn=True).encode()
    yield DRAWING, draw(facts.genotype, title=facts.name).encode()
    yield f"{facts.name}{ENDINGS['openmodeldb']}", _json(openmodeldb_document(facts))
    if facts.benchmark is not None:
        yield f"{facts.name}-benchmark.json", _json(benchmark_json(facts.benchmark))
        yield f"{facts.name}-benchmark.md", as_markdown(facts.benchmark).encode()
        yield f"{facts.name}-benchmark.csv", as_csv(facts.benchmark).encode()


def _json(document: Any) -> bytes:
    return f"{json.dumps(document, indent=2, allow_nan=False)}\n".encode()


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _zipped(files: dict[str, bytes]) -> bytes:
    """One ZIP document; equal files give equal bytes."""
    document = BytesIO()
    with ZipFile(document, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return document.getvalue()
