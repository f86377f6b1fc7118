from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from evaluator import checkpoints
from evaluator.data.degrade import imresize
from evaluator.metadata import Metadata
from evaluator.model import build_model
from evaluator.recipe import Recipe
from nas import models
from nas.export.model import export_model
from nas.models import Upscaler, load_model
from nas.upscaling import bicubic, open_image, side_by_side, upscale
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")


def written(path: Path, *, scale: int = 2, channels: int = 1) -> Path:
    recipe = Recipe()
    model = build_model(GENOTYPE, recipe, scale=scale, channels=channels, generator=torch.Generator().manual_seed(1))
    metadata = Metadata(genotype=GENOTYPE, recipe=recipe, scale=scale, channels=channels)
    export_model(
        genotype=GENOTYPE,
        recipe=recipe,
        scale=scale,
        channels=channels,
        weights=checkpoints.to_bytes(model.network.state_dict(), metadata),
        file_format=path.suffix[1:],
        path=path,
    )
    return path


@pytest.fixture
def photo(sample_dir) -> Image.Image:
    return Image.open(sample_dir / "coffee.png").convert("RGB").crop((100, 100, 137, 123))


def bicubic_upscaler(scale: int, channels: int) -> Upscaler:
    """A network that is MATLAB's bicubic, so that every path through the colours must equal `bicubic`."""
    metadata = Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=scale, channels=channels)

    def network(images):
        return np.stack([[imresize(plane.astype(np.float64), scale) for plane in image] for image in images])

    return Upscaler.ours(metadata, network)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK"])
def test_a_bicubic_network_gives_the_bicubic_picture_in_every_mode(photo, mode, channels):
    image = photo.convert(mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(photo.convert("L"))
    network, reference = upscale(bicubic_upscaler(3, channels), image), bicubic(image, 3)
    assert network.mode == reference.mode == {"P": "RGB", "CMYK": "RGB", "1": "L"}.get(mode, mode)
    assert network.size == (3 * image.width, 3 * image.height)
    assert np.abs(np.asarray(network, dtype=int) - np.asarray(reference, dtype=int)).max() <= 1


def test_a_palette_with_transparency_keeps_it(photo):
    image = photo.convert("RGBA")
    image.putalpha(128)
    assert upscale(bicubic_upscaler(2, 1), image.quantize(16)).mode == "RGBA"


def test_sixteen_bit_gray_becomes_eight_bit():
    image = Image.fromarray(np.full((4, 5), 257 * 200, dtype=np.uint16))
    assert np.asarray(upscale(bicubic_upscaler(2, 1), image)).tolist() == [[200] * 10] * 8


def test_floating_point_and_a_single_pixel_are_refused_together():
    with pytest.raises(InvalidInput) as caught:
        upscale(bicubic_upscaler(2, 1), Image.new("F", (1, 5)))
    assert [problem.field for problem in caught.value.problems] == ["image.mode", "image.size"]


@pytest.mark.parametrize(("scale", "channels"), [(2, 1), (3, 3)])
def test_onnx_and_safetensors_give_the_same_picture(tmp_path, photo, scale, channels):
    pictures = []
    for suffix in (".onnx", ".safetensors"):
        upscaler = load_model(written(tmp_path / f"network{suffix}", scale=scale, channels=channels))
        assert (upscaler.scale, upscaler.channels) == (scale, channels)
        assert upscaler.genotype == GENOTYPE
        pictures.append(np.asarray(upscale(upscaler, photo), dtype=int))
    assert pictures[0].shape == (scale * photo.height, scale * photo.width, 3)
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


@pytest.mark.parametrize(
    ("name", "content"),
    [("none.onnx", None), ("text.onnx", b"no"), ("text.safetensors", b"no"), ("model.pth", b"no")],
)
def test_a_file_that_is_no_export_is_refused_with_a_hint(tmp_path, name, content):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        load_model(path)
    assert caught.value.hint == models.HINT


@pytest.mark.parametrize(("channels", "scale"), [(1, 2), (3, 4)])
def test_an_onnx_upscaler_of_another_make_tells_its_scale(tmp_path, photo, channels, scale):
    from onnx import TensorProto, helper, save

    sides = [["n", channels, "h", "w"], ["n", channels, "H", "W"]]
    image, larger = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(("image", "larger"), sides, strict=True)
    )
    factors = helper.make_tensor("factors", TensorProto.FLOAT, [4], [1, 1, scale, scale])
    node = helper.make_node("Resize", ["image", "", "factors"], ["larger"], mode="nearest")
    graph = helper.make_graph([node], "g", [image], [larger], [factors])
    save(
        helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 18)]),
        tmp_path / "nearest.onnx",
    )
    model = load_model(tmp_path / "nearest.onnx")
    assert (model.scale, model.channels, model.genotype) == (scale, channels, None)
    enlarged = upscale(model, photo)
    assert enlarged.size == (scale * photo.width, scale * photo.height)


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


def test_pictures_are_turned_as_their_exif_asks(tmp_path, photo):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "turned.jpg", exif=exif)
    assert open_image(tmp_path / "turned.jpg").size == (photo.height, photo.width)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    for name in ("a.png", "none.png"):
        with pytest.raises(InvalidInput):
            open_image(tmp_path / name)


def test_panels_stand_beside_each_other(photo):
    sheet = side_by_side([("bicubic", photo), ("network", photo.convert("L"))], margin_px=4)
    assert sheet.width == 2 * photo.width + 12
    assert sheet.height > photo.height
