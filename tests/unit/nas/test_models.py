"""Networks out of files: every kind of file that is read, and every other refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluator import checkpoints
from evaluator.face import RgbModel
from evaluator.metadata import KEY, Metadata
from evaluator.model import SRModel, build_model
from evaluator.portable import to_portable
from evaluator.recipe import RECIPES, Recipe
from nas import models
from nas.models import load_model, open_model
from nas.onnx_models import FACE, load_onnx
from nas.testing.nearest import write_nearest
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.published import PUBLISHED

GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")


def trained(*, scale: int = 2, channels: int = 1) -> SRModel:
    generator = torch.Generator().manual_seed(1)
    return build_model(GENOTYPE, Recipe(), scale=scale, channels=channels, generator=generator).eval()


def noise(channels: int) -> np.ndarray:
    return np.random.default_rng(5).random((2, channels, 9, 14), dtype=np.float32)


def write_safetensors(path: Path, model: SRModel) -> None:
    path.write_bytes(checkpoints.to_bytes(model.network.state_dict(), model.metadata))


def write_tensors_alone(path: Path, model: SRModel) -> None:
    path.write_bytes(checkpoints.pack(to_portable(model), ""))


def write_params(path: Path, model: SRModel) -> None:
    torch.save({"params": to_portable(model)}, path)


def write_bare(path: Path, model: SRModel) -> None:
    torch.save(to_portable(model), path)


@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3)])
@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".safetensors", write_safetensors),
        (".safetensors", write_tensors_alone),
        (".pth", write_params),
        (".pth", write_bare),
    ],
)
def test_weights_compute_what_was_written(tmp_path, suffix, write, scale, channels):
    model = trained(scale=scale, channels=channels)
    write(tmp_path / f"network{suffix}", model)
    found = load_model(tmp_path / f"network{suffix}")
    assert (found.scale, found.channels, found.metadata) == (scale, channels, model.metadata)
    with torch.inference_mode():
        bare, rgb = (
            net(torch.from_numpy(noise(count))).numpy() for net, count in ((model, channels), (RgbModel(model), 3))
        )
    assert np.array_equal(found.network(noise(channels)), bare)
    assert np.array_equal(found.rgb(noise(3)), rgb)


def test_released_weights_need_their_genotype_and_show_rgb(reference_dir):
    path = reference_dir / "falsr" / "falsr_c.npz"
    found = open_model(path, PUBLISHED["falsr-c"].genotype)
    assert found.metadata.depth_to_space == "tensorflow"
    assert found.rgb(noise(3)).shape == (2, 3, 18, 28)
    with pytest.raises(InvalidInput, match="genotype"):
        open_model(path)


def test_an_export_of_another_genotype_is_refused(tmp_path):
    write_safetensors(tmp_path / "network.safetensors", trained())
    with pytest.raises(InvalidInput, match="these belong to"):
        open_model(tmp_path / "network.safetensors", PUBLISHED["falsr-c"].genotype)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.onnx", None),
        ("text.onnx", b"no"),
        ("text.safetensors", b"no"),
        ("text.pth", b"no"),
        ("model.ckpt", b"no"),
        ("anonymous.safetensors", checkpoints.pack({"a": torch.zeros(1)}, "")),
    ],
)
def test_a_file_that_is_no_export_is_refused_with_a_hint(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        load_model(path)
    assert caught.value.hint == models.HINT


def test_torchscript_is_told_whom_it_is_for(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"\.safetensors or \.pth; TorchScript is for torch\.jit\.load"):
        load_model(tmp_path / "model.pt")


class Payload:
    """Would run code where a pickle is trusted."""

    def __reduce__(self):
        return Path.touch, (Path("was-run"),)


@pytest.mark.parametrize("held", [Payload(), {"params": Payload()}, {"params": {"a": 1}}, [1], {"a": torch.zeros(1)}])
def test_a_pth_that_holds_anything_but_our_tensors_is_refused(tmp_path, monkeypatch, held):
    monkeypatch.chdir(tmp_path)
    torch.save(held, tmp_path / "network.pth")
    with pytest.raises(InvalidInput):
        load_model(tmp_path / "network.pth")
    assert not (tmp_path / "was-run").exists()


def repeated(images: np.ndarray, scale: int) -> np.ndarray:
    return images.repeat(scale, axis=2).repeat(scale, axis=3)


def described(channels: int) -> str:
    return Metadata(genotype=GENOTYPE, recipe=RECIPES["paper"], scale=2, channels=channels).to_text()


@pytest.mark.parametrize("half", [False, True])
def test_an_rgb_face_of_a_luma_network_gives_both(tmp_path, half):
    write_nearest(tmp_path / "a.onnx", channels=3, half=half, **{KEY: described(1), FACE: "rgb"})
    found = load_onnx(tmp_path / "a.onnx")
    tolerance = 1e-3 if half else 1e-6
    assert (found.channels, found.genotype) == (1, GENOTYPE)
    assert found.network(noise(1)).dtype == found.rgb(noise(3)).dtype == np.float32
    assert np.allclose(found.network(noise(1)), repeated(noise(1), 2), atol=tolerance)
    assert np.allclose(found.rgb(noise(3)), repeated(noise(3), 2), atol=tolerance)


@pytest.mark.parametrize("face", [{}, {FACE: "luma"}])
def test_a_luma_face_is_the_bare_network(tmp_path, face):
    write_nearest(tmp_path / "a.onnx", channels=1, **{KEY: described(1)}, **face)
    found = load_onnx(tmp_path / "a.onnx", threads=1)
    assert (found.channels, found.rgb) == (1, None)
    assert np.array_equal(found.network(noise(1)), repeated(noise(1), 2))


def test_an_rgb_network_is_its_own_face(tmp_path):
    write_nearest(tmp_path / "a.onnx", channels=3, **{KEY: described(3), FACE: "rgb"})
    found = load_onnx(tmp_path / "a.onnx")
    assert found.channels == 3
    assert np.array_equal(found.network(noise(3)), found.rgb(noise(3)))


@pytest.mark.parametrize(("channels", "scale"), [(1, 2), (3, 4)])
def test_an_onnx_upscaler_of_another_make_tells_its_scale(tmp_path, channels, scale):
    write_nearest(tmp_path / "nearest.onnx", channels=channels, scale=scale)
    found = load_model(tmp_path / "nearest.onnx")
    assert (found.scale, found.channels, found.genotype, found.rgb) == (scale, channels, None, None)


def test_an_onnx_file_that_is_no_upscaler_is_refused_with_a_hint(tmp_path):
    from onnx import TensorProto, helper, save

    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("input", "output")]
    graph = helper.make_graph([helper.make_node("Relu", ["input"], ["output"])], "g", value[:1], value[1:])
    save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]),
        tmp_path / "foreign.onnx",
    )
    with pytest.raises(InvalidInput) as caught:
        load_model(tmp_path / "foreign.onnx")
    assert caught.value.hint == models.HINT


@pytest.mark.parametrize(
    ("node", "taken", "made"),
    [
        ("Relu", (1, 3, 100_000, 100_000), None),
        ("Relu", (1, 3, 0, 0), None),
        ("ReduceMean", (1, 3, "h", "w"), ()),
        ("SequenceConstruct", (1, 3, "h", "w"), None),
        ("RandomNormal", None, (1, 3, 8, 8)),
    ],
)
def test_an_onnx_file_that_makes_no_picture_of_a_picture_is_refused(tmp_path, node, taken, made):
    from onnx import TensorProto, helper, save

    def place(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    options = {"keepdims": 0} if node == "ReduceMean" else {"shape": made} if node == "RandomNormal" else {}
    inputs = [] if taken is None else [place("input", taken)]
    sequence = helper.make_tensor_sequence_value_info("output", TensorProto.FLOAT, None)
    output = sequence if node == "SequenceConstruct" else place("output", taken if made is None else made)
    nodes = [helper.make_node(node, ["input"][: len(inputs)], ["output"], **options)]
    opsets = [helper.make_opsetid("", 18)]
    graph = helper.make_graph(nodes, "g", inputs, [output])
    save(helper.make_model(graph, ir_version=9, opset_imports=opsets), tmp_path / "odd.onnx")
    with pytest.raises(InvalidInput, match=r"odd\.onnx"):
        load_model(tmp_path / "odd.onnx")


def test_what_upscales_by_onnx_alone_never_loads_torch(tmp_path):
    write_nearest(tmp_path / "a.onnx", channels=3, **{KEY: described(1), FACE: "rgb"})
    code = (
        "import sys; from pathlib import Path; from PIL import Image; "
        "from nas.onnx_models import load_onnx; from nas.upscaling import upscale; "
        "upscale(load_onnx(Path(sys.argv[1])), Image.new('RGB', (8, 6))); "
        "sys.exit('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.onnx")]
    assert subprocess.run(command, check=False).returncode == 0
