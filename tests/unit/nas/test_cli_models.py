"""`srnas convert` turns weights into what others run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from evaluator.model import SRModel
from evaluator.portable import read_safetensors
from evaluator.recipe import Recipe
from nas.cli import app
from nas.export import model
from nas.export.network.subject import Subject
from nas.export.network.weights import to_safetensors, training_of
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build

RUNNER = CliRunner()
GENOTYPE = "f8|conv-k3-f8-n1:0|tail:1"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Arrays as they are published."""
    torch.manual_seed(0)
    weights = build(Genotype.parse(GENOTYPE), scale=2).state_dict()
    np.savez(tmp_path / "tiny.npz", **{name: tensor.numpy() for name, tensor in weights.items()})
    return tmp_path / "tiny.npz"


def test_released_arrays_become_a_file_that_is_verified_on_photographs(
    released: Path, sample_dir: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    arguments = ["convert", str(released), "--genotype", GENOTYPE, "--format", "safetensors", "--output", str(folder)]
    result = RUNNER.invoke(app, [*arguments, "--images", str(sample_dir), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    path = folder / "tiny.safetensors"
    assert document["path"] == str(path)
    assert document["detail"]["checked_on"] == "photograph"
    content = path.read_bytes()
    found = read_safetensors(content)
    assert (str(found.genotype), found.network.tail.order) == (GENOTYPE, "tensorflow")
    again = RUNNER.invoke(app, ["convert", str(path), "--format", "pth", "-o", str(folder), "--name", "other"])
    assert again.exit_code == 0, again.output
    assert f"{folder / 'other.pth'}: " in again.stdout
    assert "within 0.0e+00 of the network" in again.stdout
    onto_itself = RUNNER.invoke(app, ["convert", str(path), "--format", "safetensors", "-o", str(folder)])
    assert onto_itself.exit_code == 2
    assert "another file than the one" in onto_itself.stderr
    assert path.read_bytes() == content


def test_a_card_and_weights_keep_what_the_header_of_their_file_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SRModel(build(Genotype.parse(GENOTYPE), scale=2), Genotype.parse(GENOTYPE), Recipe(), scale=2, channels=1)
    summary = {"search": "00000001", "steps": 300, "protocol": "y-float"}
    made = to_safetensors(Subject(model=network.eval(), pictures=(), summary=summary)).document
    (tmp_path / "a.safetensors").write_bytes(made)
    for form in ("card", "safetensors"):
        arguments = ["convert", str(tmp_path / "a.safetensors"), "--format", form, "-o", str(tmp_path / "out")]
        assert RUNNER.invoke(app, arguments).exit_code == 0
    assert training_of((tmp_path / "out" / "a.safetensors").read_bytes()) == summary
    assert training_of(b"none") == {}
    card = (tmp_path / "out" / "a.md").read_text()
    assert "| search | `00000001` |" in card
    assert "| protocol | `y-float` |" in card


def test_a_file_that_computes_something_else_is_an_error_with_a_hint(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise model.ExportError("it differs")

    monkeypatch.setattr(model, "export_network", fail)
    result = RUNNER.invoke(app, ["convert", str(released), "--genotype", GENOTYPE, "--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "error: it differs" in result.stderr
    assert "hint: export to safetensors" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.safetensors"], "none.safetensors"),
        (["network.onnx"], "network.onnx"),
        (["none.npz", "--genotype", GENOTYPE], "none.npz"),
        (["none.npz"], "the network that the arrays belong to"),
        (["none.npz", "--name", "../up"], "without folders"),
    ],
)
def test_what_cannot_be_converted_is_said(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["convert", *arguments, "--output", str(tmp_path)])
    assert isinstance(result.exception, InvalidInput) or result.exit_code != 0
    assert message in (str(result.exception) + result.output)
