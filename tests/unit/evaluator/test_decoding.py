"""What becomes of one image file."""

import pickle
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from evaluator.data.decoding import MAX_PIXELS, UnreadableImage, as_rgb, conversion, decode, luma, size

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def saved(tmp_path, image, name="image.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_rgb_is_kept(tmp_path, name):
    path = saved(tmp_path, Image.fromarray(RGB), name)
    np.testing.assert_array_equal(decode(path), RGB)
    assert size(path) == (5, 7)


def test_lossless_webp_is_kept(tmp_path):
    np.testing.assert_array_equal(decode(saved(tmp_path, Image.fromarray(RGB), "a.webp", lossless=True)), RGB)


def test_gray_has_one_channel(tmp_path):
    np.testing.assert_array_equal(decode(saved(tmp_path, Image.fromarray(RGB[..., 0]))), RGB[..., :1])


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = RGB[..., 0] > 127
    decoded = decode(saved(tmp_path, Image.fromarray(bits)))
    np.testing.assert_array_equal(decoded[..., 0], np.where(bits, 255, 0))


def test_sixteen_bits_are_divided_by_257_and_rounded(tmp_path):
    wide = np.array([[0, 128, 129, 257, 65535, 65534]], dtype=np.uint16)
    decoded = decode(saved(tmp_path, Image.fromarray(wide)))
    np.testing.assert_array_equal(decoded[..., 0], [[0, 0, 1, 1, 255, 255]])


def test_a_palette_becomes_rgb(tmp_path):
    image = Image.fromarray(RGB).quantize(8)
    np.testing.assert_array_equal(decode(saved(tmp_path, image)), np.asarray(image.convert("RGB")))


def test_transparency_lies_on_black(tmp_path):
    alpha = np.full((5, 7, 1), 255, np.uint8)
    alpha[0] = 0
    decoded = decode(saved(tmp_path, Image.fromarray(np.concatenate((RGB, alpha), axis=2))))
    np.testing.assert_array_equal(decoded[1:], RGB[1:])
    assert not decoded[0].any()


def test_a_transparent_palette_lies_on_black(tmp_path):
    image = Image.fromarray(np.zeros((2, 2), np.uint8)).convert("P")
    image.putpalette([200, 100, 50])
    assert not decode(saved(tmp_path, image, transparency=0)).any()


def test_gray_with_transparency_stays_gray(tmp_path):
    pixels = np.stack((RGB[..., 0], np.full((5, 7), 255, np.uint8)), axis=2)
    np.testing.assert_array_equal(decode(saved(tmp_path, Image.fromarray(pixels))), RGB[..., :1])


def test_cmyk_becomes_rgb(tmp_path):
    image = Image.fromarray(RGB).convert("CMYK")
    np.testing.assert_array_equal(decode(saved(tmp_path, image, "a.tif")), RGB)


def test_floating_point_is_refused(tmp_path):
    path = saved(tmp_path, Image.fromarray(np.zeros((3, 3), np.float32)), "a.tif")
    with pytest.raises(UnreadableImage, match="range is unknown"):
        decode(path)


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(UnreadableImage, match="known format"):
        size(saved(tmp_path, Image.fromarray(RGB), "a.png", format="PPM"))


def test_a_file_that_ends_early_has_a_size_but_no_pixels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:3000])
    assert size(path) == (64, 64)
    with pytest.raises(UnreadableImage) as caught:
        decode(path)
    assert caught.value.path == path
    assert pickle.loads(pickle.dumps(caught.value)).reason == caught.value.reason


def test_luma_is_full_range_and_rounded():
    decoded = luma(np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))
    np.testing.assert_array_equal(decoded[..., 0], [[255, 0, 76, 150, 29]])


def test_gray_and_its_rgb_form_have_the_same_luma():
    gray = RGB[..., :1]
    np.testing.assert_array_equal(luma(as_rgb(gray)), luma(gray))


def test_an_image_of_more_than_64_megapixels_is_refused_by_its_header(tmp_path):
    path = saved(tmp_path, Image.new("1", (8001, 8001)))
    assert MAX_PIXELS < 8001**2
    for read in (size, decode):
        with pytest.raises(UnreadableImage, match="8001x8001, over 64 megapixels"):
            read(path)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (Image.fromarray(RGB), ""),
        (Image.fromarray(RGB[..., 0]), ""),
        (Image.fromarray(RGB[..., 0] > 9), "one bit to gray"),
        (Image.fromarray(RGB).quantize(8), "palette to RGB"),
        (Image.fromarray(RGB).convert("RGBA"), "transparency composited on black"),
        (Image.fromarray(RGB[..., 0].astype(np.uint16)), "16-bit gray divided by 257"),
    ],
)
def test_what_decoding_changes_is_said(tmp_path, image, said):
    assert conversion(saved(tmp_path, image)) == said


def test_other_colour_spaces_and_frames_are_said(tmp_path):
    assert conversion(saved(tmp_path, Image.fromarray(RGB).convert("CMYK"), "a.tif")) == "CMYK to RGB"
    frames = {"save_all": True, "append_images": [Image.fromarray(RGB)]}
    assert conversion(saved(tmp_path, Image.fromarray(RGB), "b.tif", **frames)) == "the first of several frames"


def test_sixteen_bit_colour_is_said_to_be_cut(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(_sixteen_bit_png())
    assert conversion(path) == "16-bit colour cut to its high bytes"


def _sixteen_bit_png() -> bytes:
    """One white pixel of 3 x 16 bits."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff" * 6)) + chunk(b"IEND", b"")
