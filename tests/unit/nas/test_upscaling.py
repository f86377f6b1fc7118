import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from evaluator.data.degrade import imresize
from evaluator.metadata import Metadata
from evaluator.model import build_model
from evaluator.recipe import Recipe
from nas.models import Upscaler, of_model
from nas.upscaling import bicubic, errands, open_image, open_picture, side_by_side, upscale
from nas.upscaling.enlarging import tile_count
from nas.upscaling.faces import show
from nas.upscaling.tiles import SMALLEST_PX, core_px, reach_px, spans, tiles
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f32|conv-k3-f16-n1:0|tail:0,1")
METADATA = Metadata(genotype=GENOTYPE, recipe=Recipe(), scale=2, channels=1)
NETWORKS = [
    ("f32|conv-k3-f16-n1:0|tail:0,1", 2, 1),
    ("f32|ib-k3-f16-n2-r:0|g2-k3-f16-n1:0,1|tail:0,2", 2, 1),
    ("f32|g4-k3-f16-n2:0|tail:0,1", 4, 3),
    ("f32|conv-k1-f16-n1:0|tail:1", 3, 1),
]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_gray_keeps_its_depth(tmp_path, channels):
    ramp = np.linspace(0, 65535, 12 * 9).reshape(9, 12).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    enlarged = upscale(bicubic_upscaler(2, channels), open_image(tmp_path / "deep.png"))
    wanted = np.floor(65535 * imresize(ramp / 65535, 2) + 0.5).clip(0, 65535)
    assert enlarged.mode == "I;16"
    assert np.abs(np.asarray(enlarged) - wanted).max() <= 1
    errands.save(enlarged, tmp_path / "larger.png")
    assert np.array_equal(np.asarray(open_image(tmp_path / "larger.png")), np.asarray(enlarged))


def test_the_transparent_level_of_sixteen_bit_gray_is_left_out_with_a_note(tmp_path):
    Image.new("I;16", (4, 4), 300).save(tmp_path / "gray.png", transparency=300)
    found = open_picture(tmp_path / "gray.png")
    assert bicubic(found.image, 2).mode == "I;16"
    assert "transparent level" in " ".join(found.notes)


def test_premultiplied_gray_is_taken_apart(photo):
    levels = Image.merge("LA", [photo.convert("L"), Image.new("L", photo.size, 128)])
    enlarged = bicubic(levels.convert("La"), 2)
    assert enlarged.mode == "LA"
    expected = np.asarray(bicubic(levels, 2)).astype(int)
    assert np.abs(np.asarray(enlarged).astype(int) - expected).max() <= 4


def test_sixteen_bit_colour_is_reduced_and_says_so(tmp_path):
    write_deep_colour(tmp_path / "deep.png", np.full((4, 5, 3), 0xC8FF, dtype=np.uint16))
    picture = open_picture(tmp_path / "deep.png")
    assert picture.notes == ("16-bit colour was reduced to 8 bits",)
    assert np.asarray(picture.image).max() == 0xC8


def write_deep_colour(path: Path, pixels: np.ndarray) -> None:
    """A PNG of 16 bits a channel, which Pillow cannot write."""

    def chunk(name, data):
        return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")

    height, width, _ = pixels.shape
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def test_a_colour_profile_is_kept(tmp_path, photo):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo.save(tmp_path / "a.jpg", icc_profile=profile)
    enlarged = upscale(bicubic_upscaler(2, 1), open_image(tmp_path / "a.jpg"))
    for name in ("a.png", "b.jpg", "c.webp"):
        errands.save(enlarged, tmp_path / name)
        assert open_image(tmp_path / name).info["icc_profile"] == profile


def test_a_network_that_gives_no_numbers_is_refused(photo):
    broken = Upscaler(network=lambda images: np.full((1, 3, 46, 74), np.nan), scale=2, channels=3)
    with pytest.raises(InvalidInput, match="not finite"):
        upscale(broken, photo)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize(("text", "scale", "channels"), NETWORKS)
def test_tiles_leave_no_seam(photo, text, scale, channels, mode):
    genotype = Genotype.parse(text)
    model = of_model(build_model(genotype, Recipe(), scale=scale, channels=channels, generator=seeded(2)).eval())
    image = photo.resize((41, 67)).convert("L" if mode == "I;16" else mode)
    if mode in ("LA", "RGBA"):
        image.putalpha(photo.resize(image.size).convert("L"))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    whole = np.asarray(upscale(model, image, tile_px=100)).astype(int)
    counted = []
    cut = np.asarray(upscale(model, image, tile_px=7, step=lambda: counted.append(1))).astype(int)
    assert len(counted) == tile_count(model, *image.size, 7) > 4
    assert np.abs(cut - whole).max() <= (7 if mode == "I;16" else 1)  # 1e-4 of the range
    assert np.mean(cut != whole) < 0.01 or mode == "I;16"


@pytest.mark.parametrize(("height", "width"), [(9, 200), (64, 63), (200, 2)])
def test_what_a_network_makes_of_tiles_is_what_it_makes_of_the_whole(height, width):
    genotype = Genotype.parse(NETWORKS[1][0])
    model = of_model(build_model(genotype, Recipe(), scale=2, channels=1, generator=seeded(3)).eval())
    planes = np.random.default_rng(4).random((3, height, width), dtype=np.float32)
    whole, cut = show(model, planes), np.empty((3, 2 * height, 2 * width))
    for rows, columns in tiles(height, width, 11, reach_px(model)):
        part = show(model, planes[:, rows.start : rows.stop, columns.start : columns.stop])
        cut[:, 2 * rows.first : 2 * rows.last, 2 * columns.first : 2 * columns.last] = part[
            :,
            2 * (rows.first - rows.start) : 2 * (rows.last - rows.start),
            2 * (columns.first - columns.start) : 2 * (columns.last - columns.start),
        ]
    assert np.abs(cut - whole).max() < 1e-5


@given(length=st.integers(1, 400), core=st.integers(1, 90), reach=st.integers(0, 40))
def test_parts_of_an_axis_cover_it_once_and_see_far_enough(length, core, reach):
    parts = list(spans(length, core, reach))
    assert [part.first for part in parts] == [0, *(part.last for part in parts[:-1])]
    assert parts[-1].last == length
    assert len({part.stop - part.start for part in parts}) == 1
    for part in parts:
        assert 0 <= part.start <= part.first < part.last <= part.stop <= length
        assert part.stop - part.start <= core + 2 * reach
        assert part.start in (0, *range(part.first - reach + 1))
        assert part.stop in (length, *range(part.last + reach, length + 1))


def test_a_tile_fits_into_its_memory_and_is_never_all_overlap():
    model = Upscaler.ours(METADATA, lambda images: images)
    assert core_px(model, 2**30) > 4 * core_px(model, 2**24) > 0
    assert core_px(model, 1) == SMALLEST_PX


def test_tiles_without_a_side_are_refused(photo):
    with pytest.raises(InvalidInput):
        upscale(bicubic_upscaler(2, 1), photo, tile_px=0)


def test_floating_point_and_a_single_pixel_are_refused_together():
    with pytest.raises(InvalidInput) as caught:
        upscale(bicubic_upscaler(2, 1), Image.new("F", (1, 5)))
    assert [problem.field for problem in caught.value.problems] == ["image.mode", "image.size"]


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
