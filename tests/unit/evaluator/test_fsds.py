"""Frequency spectrum distribution similarity."""

import json
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.metrics.fsds import ConstantImage, FsdsTarget, fsds, fsds_si
from evaluator.metrics.psnr import CAP_DB, mean_db

BOTH = pytest.mark.parametrize("metric", [fsds, fsds_si])


def golden_cases(reference_dir):
    folder = reference_dir / "spectral"
    arrays = np.load(folder / "fsds_golden.npz")
    expected = json.loads((folder / "fsds_golden.json").read_text())["expected"]
    assert expected
    for name, figures in expected.items():
        pair = (torch.from_numpy(arrays[f"{name}/pred"]), torch.from_numpy(arrays[f"{name}/tar"]))
        yield name, pair, figures


def pair_of(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(shape, generator=generator, dtype=torch.float64)
    return target + 0.1 * torch.randn(shape, generator=generator, dtype=torch.float64), target


def by_definition(prediction, target):
    """The published definition, step by step, with a full transform and loops over cut-off frequencies."""
    spectra = []
    for image in (prediction.numpy(), target.numpy()):
        z = (image - image.mean()) / image.std(ddof=1)
        z = np.pad(z, ((0, 0), (0, z.shape[1] % 2), (0, 0)))
        spectra.append(np.fft.fft2(z))
    noise = signal = 0.0
    height, width = spectra[0].shape[-2:]
    for m in range(height // 2):
        for n in range(width // 2 + 1):
            for rows in (slice(0, m + 1), slice(height - m - 1, height)):
                p, t = (spectrum[:, rows, : n + 1].sum(axis=(1, 2)) for spectrum in spectra)
                noise += (abs(p - t) ** 2).sum()
                signal += (abs(t) ** 2).sum()
    return -10 * math.log10(noise / signal)


def test_fsds_reproduces_the_published_code(reference_dir):
    for name, (prediction, target), figures in golden_cases(reference_dir):
        value = figures["fsds_ref_torch_f64"]
        swapped = fsds(prediction, target, denominator="prediction")
        assert float(fsds(prediction, target)) == pytest.approx(value, abs=1e-6), name
        assert float(swapped) == pytest.approx(figures["fsds_swapped_f64"], abs=1e-6), name
        assert float(fsds_si(prediction, target)) == pytest.approx(figures["fsds_si_f64"], abs=1e-6), name


def test_single_precision_is_close_to_double(reference_dir):
    for name, (prediction, target), figures in golden_cases(reference_dir):
        value = figures["fsds_ref_torch_f64"]
        single = fsds(prediction, target, dtype=torch.float32)
        assert float(single) == pytest.approx(value, abs=1e-3 if value < 60 else 5e-3), name


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(2, 9), st.integers(2, 9))
def test_fsds_equals_its_definition_for_any_shape(seed, channels, height, width):
    prediction, target = pair_of(seed, channels, height, width)
    assert float(fsds(prediction, target)) == pytest.approx(by_definition(prediction, target), abs=1e-9)


@BOTH
@settings(max_examples=15)
@given(st.integers(0, 2**31), st.floats(0.1, 10), st.floats(-5, 5))
def test_brightness_and_contrast_do_not_count(metric, seed, gain, offset):
    prediction, target = pair_of(seed, 2, 6, 7)
    assert float(metric(gain * prediction + offset, target)) == pytest.approx(float(metric(prediction, target)))


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(0, 7), st.integers(0, 8))
def test_the_shift_averaged_form_has_no_origin(seed, down, right):
    pair = pair_of(seed, 1, 8, 9)
    shifted = [image.roll((down, right), (1, 2)) for image in pair]
    assert float(fsds_si(*shifted)) == pytest.approx(float(fsds_si(*pair)))


def test_fsds_weighs_a_corner_more_than_the_middle():
    _, target = pair_of(0, 1, 32, 32)
    corner, middle = target.clone(), target.clone()
    corner[0, 0, 0] += 0.2
    middle[0, 16, 16] += 0.2
    assert fsds(corner, target) + 20 < fsds(middle, target)


@BOTH
def test_equal_images_are_infinitely_similar_and_a_negative_scores_minus_six(metric):
    _, target = pair_of(0, 3, 8, 9)
    assert metric(target, target) == math.inf
    assert float(metric(1 - target, target)) == pytest.approx(-20 * math.log10(2))


@BOTH
def test_nan_stays_nan(metric):
    prediction, target = pair_of(0, 1, 8, 8)
    prediction[0, 3, 3] = math.nan
    assert metric(prediction, target).isnan()


@BOTH
def test_a_batch_scores_like_its_images(metric):
    prediction, target = pair_of(0, 4, 3, 9, 8)
    figures = metric(prediction, target)
    assert figures.tolist() == pytest.approx([float(metric(*pair)) for pair in zip(prediction, target, strict=True)])


@BOTH
def test_bytes_and_single_planes_are_welcome(metric):
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.integers(0, 256, (2, 8, 8), dtype=np.uint8))
    assert metric(x, y) == metric(x[None].double(), y[None].double())


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_and_never_computed_in(metric, dtype):
    prediction, target = (image.to(dtype) for image in pair_of(0, 1, 9, 8))
    found = metric(prediction, target)
    assert found.dtype is torch.float64
    assert found == metric(prediction.double(), target.double())


@BOTH
def test_an_affine_copy_in_single_precision_counts_as_the_cap_when_averaged(metric):
    _, target = pair_of(0, 3, 16, 16)
    figure = float(metric((0.8 * target + 0.05).float(), target.float()))
    assert figure > CAP_DB
    assert mean_db([figure, math.inf, 20.0]) == ((2 * CAP_DB + 20.0) / 3, 2)


@BOTH
@pytest.mark.parametrize("which", ["prediction", "target"])
def test_constant_images_are_refused_by_name(metric, which):
    images = dict(zip(("prediction", "target"), pair_of(0, 2, 1, 8, 8), strict=True))
    images[which][1] = 0.3
    with pytest.raises(ConstantImage) as caught:
        metric(**images)
    assert (caught.value.which, caught.value.index) == (which, 1)
    assert caught.value.hint
    assert pickle.loads(pickle.dumps(caught.value)).which == which


@BOTH
def test_shapes_and_types_that_cannot_be_compared_are_refused(metric):
    with pytest.raises(ValueError, match="shapes differ"):
        metric(torch.rand(1, 8, 8), torch.rand(1, 8, 9))
    with pytest.raises(ValueError, match="expected"):
        metric(torch.rand(8), torch.rand(8))
    with pytest.raises(ValueError, match="float64 or float32"):
        metric(torch.rand(1, 8, 8), torch.rand(1, 8, 8), dtype=torch.bfloat16)


@BOTH
@pytest.mark.parametrize("height", [5, 6])
def test_fsds_is_differentiable(metric, height):
    prediction, target = pair_of(0, 1, 2, height, 5)
    assert torch.autograd.gradcheck(lambda image: metric(image, target), prediction.requires_grad_())


@pytest.mark.parametrize("shape", [(3, 1, 16, 18), (2, 3, 17, 23)])
def test_a_kept_target_gives_both_forms_of_each_prediction(shape):
    source = torch.Generator().manual_seed(0)
    target, *predictions = (torch.rand(shape, generator=source, dtype=torch.float64) for _ in range(3))
    kept = FsdsTarget(255 * target)
    for prediction in predictions:
        expected = fsds(prediction, 255 * target), fsds_si(prediction, 255 * target)
        for found, wanted in zip(kept.compare(prediction), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="shapes differ"):
        kept.compare(target[1:])


def test_beside_a_constant_image_a_kept_batch_has_the_figures_of_the_others():
    images = torch.rand((3, 1, 12, 12), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target, prediction = images.clone(), images.flip(-1)
    target[0], prediction[1] = 0.3, 0.7
    for found, metric in zip(FsdsTarget(target).compare(prediction), (fsds, fsds_si), strict=True):
        assert found[0].isnan()
        assert found[1] == 0
        assert found[2] == pytest.approx(float(metric(prediction[2], target[2])), abs=1e-12)
