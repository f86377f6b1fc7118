"""One archive of every form that a network has."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from evaluator.model import build_model
from evaluator.recipe import Recipe
from nas.export.benchmark_row import from_json
from nas.export.facts import ModelFacts
from nas.export.model import export_network
from nas.export.network import archive, forms
from nas.testing.facts import full_facts
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f8|conv-k3-f8-n1:0|tail:1")


def refused(_: object) -> forms.Made:
    raise InvalidInput([Problem("format", "onnx-luma", "another one")])


def exported(path: Path, monkeypatch: pytest.MonkeyPatch, facts: ModelFacts | None = None) -> dict[str, object]:
    """Three forms that take little time, one of which this network has not, in an archive; returns its detail."""
    chosen = {name: forms.FORMS[name] for name in ("pth", "arch")}
    chosen["onnx-luma"] = forms.Form(make=refused, tool="onnxruntime", own="a", loaded="a", beside={})
    monkeypatch.setattr(archive, "FORMS", chosen)
    monkeypatch.setattr(forms, "FORMS", chosen)
    model = build_model(GENOTYPE, Recipe(), scale=2, channels=1, generator=torch.Generator().manual_seed(0))
    seen: list[tuple[str, int]] = []
    report = export_network(
        model, file_format="all", path=path, facts=facts, step=lambda text, total: seen.append((text, total))
    )
    assert seen == [("pth", 3), ("arch", 3), ("onnx-luma", 3)]
    assert report.max_difference == 0.0
    return report.detail


def test_it_holds_each_form_with_the_card_and_its_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    detail = exported(tmp_path / "swift.zip", monkeypatch)
    with ZipFile(tmp_path / "swift.zip") as zipped:
        held = {name: zipped.read(name) for name in zipped.namelist()}
    assert set(held) == {"swift.pth", "swift-arch.py", "swift.md", "architecture.svg", "swift-openmodeldb.json"}
    files = detail["files"]
    assert isinstance(files, dict)
    assert {name: file["sha256"] for name, file in files.items()} == {
        name: sha256(content).hexdigest() for name, content in held.items()
    }
    assert files["swift.pth"]["max_difference"] == 0.0
    assert detail["left_out"] == {"onnx-luma": "format: 'onnx-luma' is not allowed; allowed: another one"}
    card = held["swift.md"].decode()
    assert all(name in card for name in ("swift.pth", "swift-arch.py", "architecture.svg"))
    assert "compared with the PyTorch network on noise" in card  # it was given no photograph


def test_it_holds_the_benchmark_of_a_model_that_has_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = full_facts()
    assert facts.benchmark is not None
    exported(tmp_path / "swift.zip", monkeypatch, facts)
    with ZipFile(tmp_path / "swift.zip") as zipped:
        names = zipped.namelist()
        document = json.loads(zipped.read("swift-benchmark.json"))
    assert names[-3:] == ["swift-benchmark.json", "swift-benchmark.md", "swift-benchmark.csv"]
    assert from_json(document) == facts.benchmark
