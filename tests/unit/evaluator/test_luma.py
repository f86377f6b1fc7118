"""Luma and chroma in both ranges."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluator.metrics.luma import chroma, full_luma, rgb_from_full, studio_from_full, studio_luma

byte = st.integers(0, 255)


@given(byte, byte, byte)
def test_studio_luma_through_full_range_is_the_same(red, green, blue):
    direct = studio_luma(float(red), float(green), float(blue))
    assert studio_from_full(full_luma(red, green, blue) / 255) == pytest.approx(direct, abs=1e-10)


@given(byte, byte, byte)
def test_colours_survive_the_way_to_luma_and_back(red, green, blue):
    luma = full_luma(red, green, blue)
    cb, cr = chroma(red, green, blue)
    assert max(abs(cb), abs(cr)) <= 127.5 + 1e-9
    assert rgb_from_full(luma, cb, cr) == pytest.approx((red, green, blue), abs=1e-10)


def test_studio_luma_reproduces_matlab(reference_dir):
    golden = np.load(reference_dir / "spectral" / "sr_protocol_golden.npz")
    luma = studio_luma(*golden["ycbcr/rgb"].T)
    np.testing.assert_allclose(luma, golden["ycbcr/ycbcr"][:, 0], atol=1e-12)


def test_black_and_white_are_the_ends_of_each_range():
    assert (studio_luma(0, 0, 0), studio_luma(255, 255, 255)) == (16, 235)
    assert (full_luma(0, 0, 0), full_luma(255, 255, 255)) == (0, 255)


@given(byte)
def test_gray_is_its_own_luma_exactly(value):
    assert full_luma(value, value, value) == value


def test_tensors_and_arrays_give_the_same():
    planes = np.random.default_rng(0).uniform(0, 255, (3, 4, 5))
    tensors = torch.from_numpy(planes)
    np.testing.assert_array_equal(studio_luma(*tensors).numpy(), studio_luma(*planes))
