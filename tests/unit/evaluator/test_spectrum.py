"""Hybrid response analysis: the impulse response, the two parts of an output, and the figures."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import interpolate, pixel_shuffle

from evaluator.data.resize_torch import upscale
from evaluator.score import NonFiniteOutput
from evaluator.spectrum.analysis import analyse
from evaluator.spectrum.impulse import Dot, impulse_response
from evaluator.spectrum.network import of_arrays, of_module, respond
from evaluator.spectrum.response import convolve, split
from evaluator.spectrum.statistics import frequencies, low_pass, sinc_kernel, statistics
from search_space.errors import InvalidInput

LINEAR = ["nearest_x2", "bilinear_x2", "bicubic_x2", "nearest_x3", "bilinear_x3", "bilinear_x4", "bicubic_x4"]
TINY = ["tiny_x2_bias0", "tiny_x2_bias1", "tiny_x3_bias0"]


@pytest.fixture
def golden(reference_dir):
    folder = reference_dir / "spectral"
    figures = json.loads((folder / "hyra_golden.json").read_text())["results"]
    return np.load(folder / "hyra_golden.npz"), figures


def scale_of(name):
    return int(name.split("_x")[1][0])


def resize(mode, scale):
    corners = {} if mode == "nearest" else {"align_corners": False}
    return lambda images: interpolate(images, scale_factor=scale, mode=mode, **corners)


def toy(arrays, name):
    """The network of the golden file: two convolutions and a pixel shuffle, beside nearest upscaling."""
    scale = scale_of(name)
    weights = {key: torch.from_numpy(arrays[f"{name}/{key}"]) for key in ("c1.weight", "c2.weight")}
    biases = {
        key: torch.from_numpy(arrays[f"{name}/{key}"]) if f"{name}/{key}" in arrays else None
        for key in ("c1.bias", "c2.bias")
    }

    def network(images):
        hidden = nn.functional.conv2d(images, weights["c1.weight"], biases["c1.bias"], padding=1).relu()
        detail = nn.functional.conv2d(hidden, weights["c2.weight"], biases["c2.bias"], padding=1)
        return pixel_shuffle(detail, scale) + interpolate(images, scale_factor=scale, mode="nearest")

    return network


def random_toy(seed, scale, channels):
    """A network with biases that is anything but linear."""
    torch.manual_seed(seed)
    layers = [nn.Conv2d(channels, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, channels * scale**2, 3, padding=1)]
    return nn.Sequential(*layers, nn.PixelShuffle(scale)).double()


def random_image(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", LINEAR)
def test_linear_upscalers_have_the_known_responses(golden, name):
    arrays, _ = golden
    network, scale = resize(name.split("_")[0], scale_of(name)), scale_of(name)
    kernel = impulse_response(network, scale=scale, channels=3)
    parts = split(network, torch.from_numpy(arrays["I"])[0], kernel, scale=scale)
    np.testing.assert_allclose(kernel, arrays[f"{name}/impulse_response"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts.linear, arrays[f"{name}/H_replicate"][0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", TINY)
def test_small_networks_have_the_known_responses(golden, name):
    arrays, figures = golden
    network, scale, image = toy(arrays, name), scale_of(name), torch.from_numpy(arrays["I"])[0]
    kernel = impulse_response(network, scale=scale, channels=3)
    linear = convolve(image, kernel, scale=scale, border="reflect")
    published = convolve(image, torch.from_numpy(arrays[f"{name}/impulse_response"]), scale=scale, border="reflect")
    parts = split(network, image, kernel, scale=scale, border="reflect")
    for value, key in (
        (kernel, "impulse_response_minus_zero"),
        (parts.output[None], "N"),
        (linear[None], "H_reflect_minus_zero"),
        (published[None], "H_reflect"),
        (parts.output[None] - published, "G_reflect"),
    ):
        np.testing.assert_allclose(value, arrays[f"{name}/{key}"], rtol=0, atol=1e-12, err_msg=key)
    assert parts.nonlinear.square().mean().sqrt().item() == pytest.approx(figures[name]["G_rms_minus_zero"], rel=1e-9)


@pytest.mark.parametrize("name", LINEAR + TINY)
def test_figures_of_known_responses_are_the_known_ones(golden, name):
    arrays, figures = golden
    measured = statistics(arrays[f"{name}/impulse_response"], scale_of(name))
    expected = figures[name]
    assert (measured.dc, *measured.phase_gain_range) == pytest.approx(
        tuple(expected[key] for key in ("dc_gain_over_s2", "polyphase_dc_min", "polyphase_dc_max")), abs=1e-12
    )
    assert measured.stopband_ratio == pytest.approx(expected["stopband_energy_ratio"], abs=1e-12)
    assert measured.sinc_cosine == pytest.approx(expected["ncc_sinc"], abs=1e-12)
    assert measured.truncated_energy == pytest.approx(expected["border_energy"], abs=1e-12)


@pytest.mark.parametrize(
    ("scale", "cosine", "stopband"), [(2, 0.9411276, 0.0866022), (3, 0.9422067, 0.0938728), (4, 0.9419172, 0.0830558)]
)
def test_bicubic_is_the_reference_that_it_is_known_to_be(scale, cosine, stopband):
    analysis = analyse(lambda images: upscale(images, scale), random_image(0, 1, 12, 14).numpy(), scale=scale)
    figures = analysis.impulse.statistics
    assert figures == analysis.bicubic.statistics
    assert (figures.sinc_cosine, figures.stopband_ratio) == pytest.approx((cosine, stopband), abs=1e-6)
    assert figures.dc == pytest.approx(1)
    assert figures.phase_gain_range == pytest.approx((1, 1))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["nearest", "bilinear", "bicubic"]),
    st.sampled_from([2, 3, 4]),
    st.integers(4, 12),
    st.integers(4, 12),
    st.floats(0.05, 1),
    st.floats(0, 1),
)
def test_what_is_linear_leaves_no_rest(seed, mode, scale, height, width, amplitude, background):
    network, dot = resize(mode, scale), Dot(amplitude=amplitude, background=background)
    kernel = impulse_response(network, scale=scale, channels=1, dot=dot)
    image = random_image(seed, 1, height, width)
    parts = split(network, image, kernel, scale=scale, background=background)
    assert parts.nonlinear.abs().max() < 1e-12


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([2, 3]), st.sampled_from([1, 3]), st.sampled_from([5, 11]))
def test_the_impulse_itself_leaves_no_rest(seed, scale, channels, size):
    network, dot = of_module(random_toy(seed, scale, channels)), Dot(size=size, amplitude=-0.5, background=0.7)
    kernel = impulse_response(network, scale=scale, channels=channels, dot=dot)
    parts = split(network, dot.images(channels)[0], kernel, scale=scale, background=0.7)
    assert parts.nonlinear.abs().max() < 1e-12


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["replicate", "reflect"]))
def test_the_parts_add_up_to_the_output(seed, border):
    network = of_module(random_toy(seed, 2, 3))
    kernel = impulse_response(network, scale=2, channels=3)
    parts = split(network, random_image(seed, 3, 9, 8), kernel, scale=2, border=border)
    torch.testing.assert_close(parts.linear + parts.nonlinear, parts.output, rtol=0, atol=1e-12)
    assert parts.nonlinear.abs().max() > 1e-3


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_ideal_interpolator_is_as_good_as_its_window(scale):
    figures = statistics(sinc_kernel(63, scale)[None], scale)
    assert figures.sinc_cosine == pytest.approx(1)
    assert figures.dc == pytest.approx(1, abs=0.02)
    assert figures.stopband_ratio < 0.02
    magnitude = low_pass(sinc_kernel(63, scale)[None], scale)
    assert magnitude[128, 128] == pytest.approx(abs(figures.dc))
    assert magnitude[128, np.abs(frequencies()) < 0.3 / scale] == pytest.approx(1, abs=0.05)


def test_a_response_of_nothing_has_no_shares():
    figures = statistics(np.zeros((1, 22, 22)), 2)
    assert figures.dc == 0
    assert all(map(math.isnan, (figures.stopband_ratio, figures.sinc_cosine, figures.truncated_energy)))


@pytest.mark.parametrize("shape", [(1, 22, 24), (1, 21, 21), (1, 20, 20), (1, 258, 258)])
def test_responses_of_no_known_shape_are_refused(shape):
    with pytest.raises(ValueError, match="impulse response"):
        statistics(np.ones(shape), 2)


def test_every_problem_of_a_dot_is_named():
    with pytest.raises(InvalidInput) as caught:
        Dot(size=10, amplitude=0.0, background=math.nan)
    assert [problem.field for problem in caught.value.problems] == ["dot.size", "dot.amplitude", "dot.background"]


def test_outputs_that_are_broken_or_of_another_scale_are_refused():
    image = random_image(0, 1, 5, 6)
    with pytest.raises(NonFiniteOutput):
        respond(lambda images: upscale(images, 2) / 0, image, scale=2, name="photo")
    with pytest.raises(ValueError, match="not x3"):
        respond(resize("nearest", 2), image, scale=3, name="photo")


def test_functions_of_arrays_and_single_precision_modules_are_networks():
    image = random_image(0, 1, 6, 7)
    by_arrays = of_arrays(lambda images: images.repeat(2, axis=2).repeat(2, axis=3))
    expected = image.float().double().repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert torch.equal(respond(by_arrays, image, scale=2, name="a"), expected)
    assert torch.equal(
        respond(of_module(nn.Upsample(scale_factor=2)), image, scale=2, name="b").float(), expected.float()
    )
    assert respond(of_module(random_toy(0, 2, 1).float()), image, scale=2, name="c").dtype == torch.float64


def test_an_analysis_becomes_a_document_of_plain_figures():
    analysis = analyse(of_module(random_toy(0, 2, 1)), random_image(0, 1, 12, 14).numpy(), scale=2)
    document = json.loads(json.dumps(analysis.to_json()))
    assert document["image"]["nonlinear_share"] == analysis.nonlinear_share > 0
    assert document["network"]["dc"] == analysis.impulse.statistics.dc
    assert document["impulse"] == {"size": 11, "amplitude": 1.0, "background": 0.0}
    assert analysis.output.shape == (1, 24, 28)
    assert math.isnan(analyse(lambda images: 0 * upscale(images, 2), 0 * analysis.image, scale=2).nonlinear_share)
