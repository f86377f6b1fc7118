"""Each form of an exported network computes what the network computes, and says what it is."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from evaluator import checkpoints, named_tensors
from evaluator.data.degrade import imresize
from evaluator.data.images import ImagePair
from evaluator.face import RgbModel
from evaluator.metadata import KEY
from evaluator.model import SRModel, build_model
from evaluator.portable import PARAMS, read_pth, read_safetensors
from evaluator.recipe import RECIPES, Recipe
from nas.export.model import ExportError, ExportReport, export_model, export_network
from nas.export.network import forms
from nas.export.network.subject import Made
from nas.export.network.weights import TRAINING
from nas.onnx_models import FACE
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f16|ib-k3-f8-n1:0|g2-k3-f8-n2-r:0,1|tail:1,2")

Export = Callable[..., ExportReport]


def built(scale: int = 2, channels: int = 1, recipe: Recipe | None = None) -> SRModel:
    generator = torch.Generator().manual_seed(scale)
    return build_model(GENOTYPE, recipe or Recipe(), scale=scale, channels=channels, generator=generator).eval()


@pytest.fixture(scope="module")
def photo() -> np.ndarray[Any, Any]:
    path = Path(__file__).parents[3] / "examples" / "photos" / "chelsea.png"
    return np.asarray(Image.open(path).convert("RGB"))[60:260, 100:360]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory, photo: np.ndarray[Any, Any]) -> Export:
    """Exports a network, verified on the photograph."""

    def write(model: SRModel, form: str, **options: Any) -> ExportReport:
        path = tmp_path_factory.mktemp("exports") / "deep" / "network"
        return export_network(model, file_format=form, path=path, check_image=photo, **options)

    return write


@torch.no_grad()
def differences(network: nn.Module, path: Path, channels: int, dtype: type = np.float32) -> list[float]:
    """From the network, of what onnxruntime makes of a file at sizes that were not checked."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found = []
    for shape in [(1, channels, 7, 33), (3, channels, 40, 5)]:
        images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        (output,) = session.run(["output"], {"input": images.numpy().astype(dtype)})
        found.append(float(np.abs(output.astype(np.float32) - network(images).numpy()).max()))
    return found


def properties(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_an_onnx_file_takes_rgb_of_any_size_and_says_what_it_is(export: Export) -> None:
    model = built(4, 1)
    report = export(model, "onnx")
    assert max(differences(RgbModel(model).eval(), report.path, 3)) <= 1e-4
    assert report.max_difference is not None
    assert report.max_difference <= 1e-4
    assert report.detail["checked_on"] == "photograph"
    assert report.detail["checked_shapes"] == [[1, 3, 61, 97], [2, 3, 48, 35]]
    assert report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert report.size_bytes == report.path.stat().st_size
    assert [file.name for file in report.path.parent.iterdir()] == ["network"]
    proto = onnx.load(report.path)
    found = properties(report.path)
    assert found[KEY] == model.metadata.to_text()
    assert (found["genotype"], found["scale"], found["channels"]) == (str(GENOTYPE), "4", "1")
    assert found[FACE] == "rgb"
    assert proto.opset_import[0].version >= 17
    assert [value.name for value in (*proto.graph.input, *proto.graph.output)] == ["input", "output"]
    assert b"/evaluator/" not in report.path.read_bytes()


def test_a_half_precision_file_takes_and_gives_halves(export: Export) -> None:
    model = built(3, 3, RECIPES["paper"])
    report = export(model, "onnx-fp16")
    assert max(differences(RgbModel(model).eval(), report.path, 3, np.float16)) <= 2e-2
    assert report.detail["tolerance"] == 2e-2
    types = {tensor.data_type for tensor in onnx.load(report.path).graph.initializer}
    assert onnx.TensorProto.FLOAT not in types
    assert next(model.parameters()).dtype == torch.float32


def test_a_luma_file_is_the_network_itself(export: Export) -> None:
    model = built(2, 1)
    report = export(model, "onnx-luma")
    assert max(differences(model, report.path, 1)) <= 1e-4
    assert properties(report.path)[FACE] == "luma"


def test_an_rgb_network_has_no_luma_form(export: Export) -> None:
    with pytest.raises(InvalidInput, match="sees RGB"):
        export(built(2, 3), "onnx-luma")


def test_an_int8_file_states_what_it_loses(export: Export, photo: np.ndarray[Any, Any]) -> None:
    pairs = [
        ImagePair(name=str(i), hr=hr, lr=imresize(hr, 1 / 2))
        for i, hr in enumerate((photo[:120, :160], photo[60:180, 60:220]))
    ]
    report = export(built(2, 1), "onnx-int8", photographs=pairs)
    detail = report.detail
    assert detail["psnr_loss_db"] == pytest.approx(detail["psnr_float32_db"] - detail["psnr_db"])
    assert abs(detail["psnr_loss_db"]) < 0.5
    assert detail["photographs"] == detail["calibrated_on"] == 2
    graph = onnx.load(report.path).graph
    kept = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT}
    assert {"model.network.feat.weight", "enlarge.kernels", "model.upscale.kernels"} <= kept
    quantised = {tensor.name for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.INT8}
    assert len([name for name in quantised if name.endswith("weight_quantized")]) == 8  # all convolutions but the first


def test_int8_is_not_calibrated_on_noise(export: Export) -> None:
    with pytest.raises(InvalidInput, match="photographs to calibrate"):
        export(built(), "onnx-int8")


def test_a_torchscript_file_takes_any_size_and_needs_no_gradient(export: Export) -> None:
    model = built(3, 1)
    report = export(model, "torchscript")
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        loaded = torch.jit.load(report.path)
    images = torch.rand(3, 3, 9, 4)
    with torch.no_grad():
        assert torch.allclose(loaded(images), RgbModel(model)(images), atol=1e-6)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    assert report.max_difference is not None
    assert report.max_difference <= 1e-4


def test_a_safetensors_file_builds_the_same_network_again_and_says_how_it_was_trained(export: Export) -> None:
    model = built(3, 3)
    report = export(model, "safetensors", summary={"steps": 300, "seed": 4})
    document = report.path.read_bytes()
    again = read_safetensors(document)
    images = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        assert torch.equal(again(images), model(images))
    tensors, texts = named_tensors.from_bytes(document)
    assert texts == {KEY: model.metadata.to_text(), TRAINING: '{"seed": 4, "steps": 300}'}
    assert tensors[KEY].dtype == torch.int32
    assert report.detail["runtime"].startswith("torch ")


def test_a_pth_file_holds_tensors_alone_under_params(export: Export) -> None:
    model = built()
    document = export(model, "pth").path.read_bytes()
    held = torch.load(io.BytesIO(document), weights_only=True)
    assert list(held) == [PARAMS]
    assert {tensor.dtype for tensor in held[PARAMS].values()} == {torch.float32, torch.int32}
    assert read_pth(document).metadata == model.metadata


def test_a_checkpoint_of_another_network_is_refused_with_every_difference(tmp_path: Path) -> None:
    model = built()
    with pytest.raises(InvalidInput) as caught:
        export_model(
            genotype=GENOTYPE,
            recipe=RECIPES["paper"],
            scale=3,
            channels=1,
            weights=checkpoints.to_bytes(model.network.state_dict(), model.metadata),
            file_format="onnx",
            path=tmp_path / "a.onnx",
        )
    assert [problem.field for problem in caught.value.problems] == ["weights.recipe", "weights.scale"]
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(export: Export) -> None:
    with pytest.raises(InvalidInput, match="onnx or onnx-fp16"):
        export(built(), "tflite")


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = built(recipe=RECIPES["paper"])
    form = forms.FORMS["pth"]

    def of_another(subject: forms.Subject) -> Made:
        return form.make(replace(subject, model=other))

    monkeypatch.setitem(forms.FORMS, "pth", replace(form, make=of_another))  # type: ignore[arg-type]
    with pytest.raises(ExportError, match="differs"):
        export_network(built(), file_format="pth", path=tmp_path / "a.pth")
    assert not list(tmp_path.iterdir())
