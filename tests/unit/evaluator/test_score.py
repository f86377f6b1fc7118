"""From predictions to figures, up to the published ones."""

import math
import pickle
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from evaluator.data.folders import scan
from evaluator.data.images import ImagePair, ImageSet, as_luma, load
from evaluator.metrics.fsds import fsds, fsds_si
from evaluator.metrics.protocol import PROTOCOLS, get_protocol
from evaluator.score import (
    METRICS,
    ImageScore,
    NonFiniteOutput,
    baseline,
    bicubic,
    mean_scores,
    network_input,
    score_bicubic,
    score_image,
)
from search_space.errors import InvalidInput
from search_space.network import build
from search_space.published import published_genotype

slow = pytest.mark.slow


@cache
def benchmark(images_dir, name, scale=2):
    folder = scan(images_dir / "benchmarks" / name, scale=scale, other_scales=True)
    return load(folder, scale=scale, channels=3)


def published_network(reference_dir, name):
    network = build(published_genotype(name), scale=2, depth_to_space="tensorflow")
    weights = np.load(reference_dir / "falsr" / f"{name.replace('-', '_')}.npz")
    network.load_state_dict({key: torch.from_numpy(weights[key]) for key in weights.files})
    return network.eval().to(memory_format=torch.channels_last)  # as candidates are scored; a quarter faster


def pair_of(channels=3, side=16, seed=0):
    hr = np.random.default_rng(seed).integers(0, 256, (2 * side, 2 * side, channels), dtype=np.uint8)
    return ImagePair(name="noise", hr=hr, lr=hr[::2, ::2].copy())


def as_prediction(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


@torch.inference_mode()
def figures_of(network, images, *protocols):
    outputs = [network(network_input(pair, 1)) for pair in images]
    for name in protocols:
        protocol = get_protocol(name)
        items = zip(outputs, images, strict=True)
        yield mean_scores(score_image(*item, protocol, metrics=("psnr_db", "ssim")) for item in items)


@pytest.mark.parametrize(
    ("network", "name", "y_float", "falsr", "ssim"),
    [
        ("falsr-b", "Set5", 37.683, 37.614, 0.9585),
        ("falsr-c", "Set5", 37.714, 37.660, 0.9586),
        pytest.param("falsr-b", "Set14", 33.311, 33.292, 0.9144, marks=slow),
        pytest.param("falsr-c", "Set14", 33.273, 33.259, 0.9140, marks=slow),
        pytest.param("falsr-b", "B100", 31.997, 31.969, 0.8967, marks=slow),
        pytest.param("falsr-c", "B100", 31.984, 31.960, 0.8965, marks=slow),
    ],
)
def test_published_networks_score_what_was_published(reference_dir, images_dir, network, name, y_float, falsr, ssim):
    images = benchmark(images_dir, name)
    ours, theirs = figures_of(published_network(reference_dir, network), images, "y-float", "falsr")
    assert ours["psnr_db"] == pytest.approx(y_float, abs=0.005)
    assert theirs["psnr_db"] == pytest.approx(falsr, abs=0.005)
    assert theirs["ssim"] == pytest.approx(ssim, abs=0.0003)


def test_the_bicubic_baseline_of_set5_is_the_known_one(images_dir):
    images = benchmark(images_dir, "Set5")
    luma = baseline(images, 1, get_protocol("y-float"))
    assert luma["psnr_db"] == pytest.approx(33.673, abs=0.005)
    assert luma["ssim"] == pytest.approx(0.9303, abs=0.0005)
    colour = baseline(images, 3, get_protocol("rgb"), metrics=("psnr_db", "ssim"))
    assert colour == pytest.approx({"psnr_db": 31.787, "ssim": 0.9086}, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "scale", "psnr_db", "ssim"),
    [
        ("Set5", 2, 33.661, 0.9299),
        ("Set5", 3, 30.392, 0.8682),
        ("Set5", 4, 28.421, 0.8104),
        ("Set14", 2, 30.326, 0.8694),
        ("Set14", 3, 27.635, 0.7750),
        ("Set14", 4, 26.094, 0.7037),
        ("B100", 2, 29.558, 0.8431),
        ("B100", 3, 27.206, 0.7388),
        ("B100", 4, 25.961, 0.6674),
    ],
)
def test_bicubic_on_rounded_luma_reproduces_the_literature(images_dir, name, scale, psnr_db, ssim):
    images = benchmark(images_dir, name, scale)
    for channels in (1, 3):
        means = baseline(images, channels, get_protocol("y-rounded"), metrics=("psnr_db", "ssim"))
        assert means["psnr_db"] == pytest.approx(psnr_db, abs=0.005)
        assert means["ssim"] == pytest.approx(ssim, abs=0.0005)


def test_only_the_literatures_baseline_looks_away_from_the_lr_image():
    pair = pair_of()
    blank = replace(pair, lr=np.zeros_like(pair.lr))
    moved = {
        protocol.id
        for protocol in PROTOCOLS.values()
        if score_bicubic(pair, 1, protocol).psnr_db != score_bicubic(blank, 1, protocol).psnr_db
    }
    assert moved == set(PROTOCOLS) - {"y-rounded"}


def test_swapped_fsds_compares_with_the_predictions_spectrum():
    pair, protocol = pair_of(), get_protocol("y-float")
    prediction = bicubic(pair, 3)
    score = score_image(prediction, pair, protocol, metrics=("fsds_db", "fsds_si_db"), denominator="prediction")
    assert score.fsds_db == pytest.approx(float(fsds(as_prediction(pair.hr), prediction)))
    assert score.fsds_si_db == pytest.approx(float(fsds_si(as_prediction(pair.hr), prediction)))


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=str)
def test_a_perfect_colour_prediction_has_no_error_under_any_protocol(protocol):
    pair = pair_of()
    score = score_image(as_prediction(pair.hr), pair, protocol)
    assert score.psnr_db > 130
    assert score.ssim == pytest.approx(1)
    assert score.fsds_db > 100


def test_every_protocol_gives_another_figure():
    pair = pair_of()
    figures = [score_image(bicubic(pair, 1), pair, protocol).psnr_db for protocol in PROTOCOLS.values()]
    assert len(set(figures)) == len(PROTOCOLS)


def test_predictions_may_have_any_of_the_usual_shapes():
    pair, protocol = pair_of(), get_protocol("y-float")
    plane = bicubic(pair, 1)
    scores = {score_image(prediction, pair, protocol) for prediction in (plane[0], plane, plane[None])}
    assert len(scores) == 1


def test_predictions_are_clipped_before_scoring():
    pair, protocol = pair_of(), get_protocol("y-float")
    prediction = bicubic(pair, 1) * 3 - 1
    assert score_image(prediction, pair, protocol) == score_image(prediction.clamp(0, 1), pair, protocol)


def test_only_what_was_asked_for_is_computed():
    pair, protocol = pair_of(side=4), get_protocol("y-float")
    score = score_image(bicubic(pair, 1), pair, protocol, metrics=("psnr_db", "fsds_si_db"))
    assert score.ssim is score.fsds_db is None
    assert score.psnr_db
    assert score.fsds_si_db


def test_fsds_ignores_border_and_rounding():
    pair = pair_of()
    prediction = bicubic(pair, 3)
    figures = {score_image(prediction, pair, protocol).fsds_db for protocol in PROTOCOLS.values()}
    assert len(figures) == 1
    assert figures.pop() == pytest.approx(float(fsds(prediction, as_prediction(pair.hr))))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_predictions_that_are_not_finite_are_refused_by_name(bad):
    pair = pair_of()
    prediction = bicubic(pair, 1).clone()
    prediction[0, 3, :2] = bad
    with pytest.raises(NonFiniteOutput) as caught:
        score_image(prediction, pair, get_protocol("y-float"))
    assert (caught.value.image, caught.value.count) == ("noise", 2)
    assert pickle.loads(pickle.dumps(caught.value)).count == 2


@pytest.mark.parametrize("shape", [(31, 32), (2, 32, 32), (2, 1, 32, 32), (1024,)])
def test_predictions_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="noise: a prediction of shape"):
        score_image(torch.zeros(shape), pair_of(), get_protocol("y-float"))


@pytest.mark.parametrize("name", ["falsr", "rgb"])
def test_protocols_with_colour_refuse_images_without(name):
    pair = pair_of(channels=1)
    with pytest.raises(InvalidInput, match="no colour"):
        score_image(bicubic(pair, 1), pair, get_protocol(name))


def test_a_constant_prediction_has_lost_the_whole_spectrum():
    score = score_image(torch.full((32, 32), 0.5), pair_of(), get_protocol("y-float"))
    assert score.fsds_db == 0


def test_a_constant_target_has_no_spectrum_to_compare():
    flat = ImagePair(name="flat", hr=np.full((32, 32, 3), 9, np.uint8), lr=np.full((16, 16, 3), 9, np.uint8))
    scores = [score_image(bicubic(pair, 1), pair, get_protocol("y-float")) for pair in (flat, pair_of())]
    assert scores[0].fsds_db is None
    assert scores[0].ssim == pytest.approx(1)
    assert mean_scores(scores)["fsds_db"] == scores[1].fsds_db


def test_means_cap_infinite_decibels_and_leave_out_what_is_missing(caplog):
    scores = [ImageScore(name="a", psnr_db=math.inf, ssim=1.0), ImageScore(name="b", psnr_db=40.0, ssim=0.5)]
    with caplog.at_level("INFO"):
        assert mean_scores(scores) == {"psnr_db": 70.0, "ssim": 0.75}
    assert "1 of 2" in caplog.text
    assert mean_scores([]) == {}


def test_a_network_sees_the_same_luma_from_colour_as_from_gray_up_to_rounding():
    images = ImageSet(pairs=(pair_of(),), scale=2)
    colour, gray = (network_input(source.pairs[0], 1) for source in (images, as_luma(images)))
    assert colour.shape == gray.shape == (1, 1, 16, 16)
    assert colour.dtype == torch.float32
    assert (colour - gray).abs().max() <= 0.5 / 255 + 1e-6
    assert network_input(images.pairs[0], 3).shape == (1, 3, 16, 16)


def test_shared_pixels_are_only_read():
    pair = pair_of()
    for pixels in (pair.hr, pair.lr):
        pixels.setflags(write=False)
    score = score_image(bicubic(pair, 1), pair, get_protocol("falsr"), metrics=METRICS)
    assert None not in (score.psnr_db, score.ssim, score.fsds_db, score.fsds_si_db)
