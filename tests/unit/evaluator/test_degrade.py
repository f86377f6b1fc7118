"""MATLAB's bicubic resizing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evaluator.data.degrade import imresize, modcrop, weights
from search_space.errors import InvalidInput

SCALES = {"d2": 1 / 2, "d3": 1 / 3, "d4": 1 / 4, "u2": 2, "u3": 3, "u4": 4, "d0.7": 0.7, "u1.5": 1.5}


def goldens(reference_dir: Path):
    return np.load(reference_dir / "spectral" / "sr_protocol_golden.npz")


@pytest.mark.parametrize("case", SCALES)
def test_resizing_reproduces_matlab(reference_dir, case):
    golden = goldens(reference_dir)
    for name in ("img0_24x36x3", "img2_21x27x3"):
        image, wanted = golden[name], f"{name}/{case}"
        for border, short in (("symmetric", "sym"), ("replicate", "rep")):
            eight_bit = imresize(image, SCALES[case], border=border)
            np.testing.assert_array_equal(eight_bit, golden[f"{wanted}/u8_{short}"])
            double = imresize(image.astype(float), SCALES[case], border=border)
            np.testing.assert_allclose(double, golden[f"{wanted}/double_{short}"], atol=1e-11)
        plain = imresize(image.astype(float), SCALES[case], antialias=False)
        np.testing.assert_allclose(plain, golden[f"{wanted}/double_noaa"], atol=1e-11)


def test_weights_reproduce_matlab(reference_dir):
    golden = goldens(reference_dir)
    for scale in (1 / 2, 1 / 3, 1 / 4, 2, 3, 4):
        taps, table = weights(24, scale)
        mirrored = np.minimum(taps % 48, 47 - taps % 48)
        np.testing.assert_array_equal(mirrored, golden[f"table24/{scale:.6f}/idx0"])
        np.testing.assert_allclose(table, golden[f"table24/{scale:.6f}/w"], atol=1e-15)


@pytest.mark.parametrize("name", ["Set5", pytest.param("Set14", marks=pytest.mark.slow)])
def test_published_low_resolution_images_are_reproduced_bit_for_bit(images_dir, name):
    files = sorted((images_dir / "benchmarks" / name).glob("*_HR.png"))
    assert files
    for path in files:
        hr = np.asarray(Image.open(path))
        lr = np.asarray(Image.open(path.with_name(path.name.replace("_HR", "_LR"))))
        np.testing.assert_array_equal(imresize(hr, 1 / 2, border="replicate"), lr)


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    scale=st.sampled_from([1 / 4, 1 / 3, 1 / 2, 0.7, 1, 1.5, 2, 3]),
    value=st.integers(0, 255),
    border=st.sampled_from(["symmetric", "replicate"]),
)
def test_a_constant_image_stays_constant_at_any_scale(height, width, scale, value, border):
    resized = imresize(np.full((height, width), value, np.uint8), scale, border=border)
    assert resized.shape == (int(np.ceil(scale * height)), int(np.ceil(scale * width)))
    assert (resized == value).all()


def test_resizing_by_one_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(imresize(image, 1), image)


@given(st.integers(4, 30), st.integers(4, 30), st.integers(2, 4))
def test_modcrop_keeps_the_largest_top_left_part_that_divides(height, width, scale):
    image = np.arange(height * width).reshape(height, width)
    cropped = modcrop(image, scale)
    assert all(side % scale == 0 for side in cropped.shape)
    assert height - cropped.shape[0] < scale
    assert width - cropped.shape[1] < scale
    np.testing.assert_array_equal(cropped, image[: cropped.shape[0], : cropped.shape[1]])


def test_every_problem_of_a_resizing_is_named_at_once():
    with pytest.raises(InvalidInput) as caught:
        imresize(np.zeros((0, 4)), -1.0)
    assert [problem.field for problem in caught.value.problems] == ["image.shape", "scale"]
