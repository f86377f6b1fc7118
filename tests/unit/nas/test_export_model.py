import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from evaluator import checkpoints
from evaluator.metadata import KEY, Metadata
from evaluator.model import SRModel, build_model
from evaluator.recipe import RECIPES, Recipe
from evaluator.weights import load_model
from nas.export.model import ExportError, export_model
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f32|ib-k3-f16-n1:0|g2-k3-f16-n2-r:0,1|tail:1,2")


def trained(scale: int, channels: int, recipe: Recipe | None = None) -> tuple[SRModel, bytes]:
    recipe = recipe or Recipe()
    generator = torch.Generator().manual_seed(scale)
    model = build_model(GENOTYPE, recipe, scale=scale, channels=channels, generator=generator).eval()
    metadata = Metadata(genotype=GENOTYPE, recipe=recipe, scale=scale, channels=channels)
    return model, checkpoints.to_bytes(model.network.state_dict(), metadata)


def photo(sample_dir: Path) -> np.ndarray:
    return np.asarray(Image.open(sample_dir / "chelsea.png").convert("RGB"))


@pytest.mark.parametrize(("scale", "channels", "name"), [(2, 1, "default"), (3, 3, "default"), (2, 1, "paper")])
def test_an_onnx_file_computes_what_the_network_computes_at_any_size(tmp_path, sample_dir, scale, channels, name):
    model, weights = trained(scale, channels, RECIPES[name])
    report = export_model(
        genotype=GENOTYPE,
        recipe=RECIPES[name],
        scale=scale,
        channels=channels,
        weights=weights,
        file_format="onnx",
        path=tmp_path / "deep" / "network.onnx",
        check_image=photo(sample_dir),
    )
    assert report.max_difference <= 1e-4
    assert report.detail["checked_on"] == "photograph"
    assert report.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert report.size_bytes == report.path.stat().st_size
    assert [file.name for file in report.path.parent.iterdir()] == ["network.onnx"]
    session = onnxruntime.InferenceSession(report.path, providers=["CPUExecutionProvider"])
    for shape in [(1, channels, 7, 33), (3, channels, 40, 5)]:
        images = torch.rand(shape)
        (output,) = session.run(["output"], {"input": images.numpy()})
        assert output.shape == (*shape[:2], scale * shape[2], scale * shape[3])
        with torch.no_grad():
            assert np.abs(output - model(images).numpy()).max() <= 1e-4


def test_an_onnx_file_says_what_it_is(tmp_path):
    _, weights = trained(2, 1)
    report = export_model(
        genotype=GENOTYPE,
        recipe=Recipe(),
        scale=2,
        channels=1,
        weights=weights,
        file_format="onnx",
        path=tmp_path / "a.onnx",
    )
    proto = onnx.load(report.path)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    expected = Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=2, channels=1)
    assert Metadata.from_text(properties[KEY]) == expected
    assert (properties["genotype"], properties["scale"], properties["channels"]) == (str(GENOTYPE), "2", "1")
    assert proto.opset_import[0].version >= 17
    assert [value.name for value in proto.graph.input] == ["input"]
    assert [value.name for value in proto.graph.output] == ["output"]


def test_a_safetensors_file_builds_the_same_network_again(tmp_path, sample_dir):
    model, weights = trained(3, 3)
    (tmp_path / "kept.safetensors").write_bytes(weights)
    report = export_model(
        genotype=GENOTYPE,
        recipe=Recipe(),
        scale=3,
        channels=3,
        weights=tmp_path / "kept.safetensors",
        file_format="safetensors",
        path=tmp_path / "out.safetensors",
        check_image=photo(sample_dir),
    )
    assert report.max_difference == 0.0
    again = load_model(report.path.read_bytes())
    images = torch.rand(1, 3, 9, 11)
    with torch.no_grad():
        assert torch.equal(again(images), model(images))


def test_weights_of_another_network_are_refused_with_every_difference(tmp_path):
    _, weights = trained(2, 1)
    with pytest.raises(InvalidInput) as caught:
        export_model(
            genotype=GENOTYPE,
            recipe=RECIPES["paper"],
            scale=3,
            channels=1,
            weights=weights,
            file_format="onnx",
            path=tmp_path / "a.onnx",
        )
    assert [problem.field for problem in caught.value.problems] == ["weights.recipe", "weights.scale"]
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused(tmp_path):
    _, weights = trained(2, 1)
    with pytest.raises(InvalidInput, match="onnx or safetensors"):
        export_model(
            genotype=GENOTYPE,
            recipe=Recipe(),
            scale=2,
            channels=1,
            weights=weights,
            file_format="tflite",
            path=tmp_path / "a",
        )


def test_a_file_that_computes_something_else_is_not_written(tmp_path, monkeypatch):
    model, weights = trained(2, 1)
    torch.nn.init.constant_(model.network.tail.out.bias, 1.0)
    metadata = Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=2, channels=1)
    broken = checkpoints.to_bytes(model.network.state_dict(), metadata)
    monkeypatch.setattr(checkpoints, "to_bytes", lambda *_: broken)
    with pytest.raises(ExportError, match="differs"):
        export_model(
            genotype=GENOTYPE,
            recipe=Recipe(),
            scale=2,
            channels=1,
            weights=weights,
            file_format="safetensors",
            path=tmp_path / "a.safetensors",
        )
    assert not list(tmp_path.iterdir())
