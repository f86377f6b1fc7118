"""Validation in groups, beside the figures of one image at a time."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from evaluator import validation as module
from evaluator.data.images import ImagePair, ImageSet
from evaluator.metrics.bands import band_correspondence, band_log_ratio
from evaluator.metrics.protocol import PROTOCOLS, get_protocol
from evaluator.score import METRICS, NonFiniteOutput, mean_scores, network_input, score_image, whole_target
from evaluator.validation import validate
from search_space.errors import InvalidInput

SIZES = ((20, 24), (24, 20), (20, 24), (17, 19), (20, 24))


class Enlarged(nn.Module):
    """Repeats pixels, and is off by something like noise: a network whose predictions do not depend on the batch."""

    def __init__(self, channels=1, scale=2, error=0.02):
        super().__init__()
        self.channels = channels
        self._scale = scale
        self._error = nn.Parameter(torch.tensor(error))
        self.batches = []

    def forward(self, images):
        self.batches.append(len(images))
        large = images.repeat_interleave(self._scale, -1).repeat_interleave(self._scale, -2)
        pixels = torch.arange(large.shape[-2] * large.shape[-1]).view(large.shape[-2:])
        return large + self._error * torch.sin(pixels**2 % 997)


def photographs(sizes=SIZES, channels=3, scale=2, seed=0):
    rng = np.random.default_rng(seed)
    pairs = []
    for number, (height, width) in enumerate(sizes):
        lr = rng.integers(0, 256, (height, width, channels), dtype=np.uint8)
        hr = lr.repeat(scale, axis=0).repeat(scale, axis=1).astype(int)
        hr = (hr + rng.integers(-20, 20, hr.shape)).clip(0, 255).astype(np.uint8)
        pairs.append(ImagePair(name=f"image {number}", hr=hr, lr=lr))
    return ImageSet(pairs=tuple(pairs), scale=scale)


def one_at_a_time(model, images, protocol):
    scores, bands = [], []
    with torch.inference_mode():
        for pair in images:
            output = model(network_input(pair, model.channels))
            scores.append(score_image(output, pair, protocol))
            clipped, target = output[0].double().clamp(0, 1), whole_target(pair, model.channels) / 255
            bands.append(torch.cat([band_correspondence(clipped, target), band_log_ratio(clipped, target)]))
    return mean_scores(scores), torch.stack(bands).nanmean(0).tolist()


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(module, "_kept", {})


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3])
def test_groups_have_the_figures_of_their_images_under_every_protocol(protocol, channels, scale):
    images, model, protocol = photographs(scale=scale), Enlarged(channels, scale), get_protocol(protocol)
    expected, curves = one_at_a_time(model, images, protocol)
    means, bands = validate(model, images, protocol)
    assert means == pytest.approx(expected, abs=1e-9)
    assert [*bands.correspondence, *bands.log_ratio_db] == pytest.approx(curves, abs=1e-9)


def test_gray_images_are_scored_where_colour_is_not_compared():
    images, model, protocol = photographs(channels=1), Enlarged(), get_protocol("y-rounded")
    assert validate(model, images, protocol)[0] == pytest.approx(one_at_a_time(model, images, protocol)[0], abs=1e-9)
    with pytest.raises(InvalidInput, match="no colour"):
        validate(model, images, get_protocol("rgb"))


def test_images_of_one_size_go_through_the_network_together():
    model = Enlarged()
    validate(model, photographs(), get_protocol("y-float"))
    assert sorted(model.batches) == [1, 1, 3]


def test_large_images_go_through_the_network_a_few_at_a_time(monkeypatch):
    groups = module.groups_of_one_size
    monkeypatch.setattr(module, "groups_of_one_size", lambda images: groups(images, pixels=2 * 20 * 24))
    images, model, protocol = photographs(), Enlarged(), get_protocol("y-float")
    expected, _ = one_at_a_time(model, images, protocol)
    model.batches.clear()
    assert validate(model, images, protocol)[0] == pytest.approx(expected, abs=1e-9)
    assert sorted(model.batches) == [1, 1, 1, 2]


@pytest.mark.parametrize("largest", [0, module.KEPT_PIXELS])
def test_targets_are_prepared_once_for_every_candidate_unless_they_are_too_large(monkeypatch, largest):
    prepared = []
    real = module.prepare_target
    monkeypatch.setattr(module, "prepare_target", lambda *args: prepared.append(1) or real(*args))
    monkeypatch.setattr(module, "KEPT_PIXELS", largest)
    images, protocol = photographs(), get_protocol("y-float")
    figures = [validate(Enlarged(error=error), images, protocol) for error in (0.02, 0.03, 0.02)]
    assert len(prepared) == (3 if largest else 9)
    assert figures[0] == figures[2] != figures[1]


def test_what_is_kept_depends_on_pixels_protocol_and_channels_and_is_of_two_sets():
    first, second, y = photographs(), photographs(seed=1), get_protocol("y-float")
    alone = [validate(Enlarged(), images, y) for images in (first, second)]
    assert [validate(Enlarged(), images, y) for images in (first, second)] == alone
    assert alone[0] != alone[1]
    assert validate(Enlarged(3), first, y) != alone[0] != validate(Enlarged(), first, get_protocol("falsr"))
    assert len(module._kept) == module.KEPT_SETS


def test_equal_pixels_under_other_names_are_reported_by_their_names():
    images = photographs()
    renamed = replace(images, pairs=tuple(replace(pair, name=f"other {pair.name}") for pair in images))
    validate(Enlarged(), images, get_protocol("y-float"))
    with pytest.raises(NonFiniteOutput) as caught:
        validate(Enlarged(error=math.inf), renamed, get_protocol("y-float"))
    assert caught.value.image == "other image 0"


def test_the_first_image_whose_prediction_is_not_finite_is_named():
    class Broken(Enlarged):
        def forward(self, images):
            output = super().forward(images)
            output[images.amax((1, 2, 3)) == 1, 0, 0, :2] = math.nan
            return output

    images = photographs()
    for pair in images:
        pair.lr[...] = pair.lr.clip(0, 254)
    for place in (2, 3):
        images.pairs[place].lr[0, 0] = 255
    with pytest.raises(NonFiniteOutput) as caught:
        validate(Broken(), images, get_protocol("y-float"))
    assert (caught.value.image, caught.value.count) == ("image 2", 2)


def test_a_constant_image_has_no_fsds_and_a_constant_prediction_none_of_the_spectrum():
    flat = np.full((40, 48, 3), 90, np.uint8)
    (other,) = photographs(((20, 24),))
    images = ImageSet(pairs=(ImagePair(name="flat", hr=flat, lr=flat[::2, ::2]), other), scale=2)
    model, protocol = Enlarged(), get_protocol("y-float")
    assert validate(model, images, protocol)[0] == pytest.approx(one_at_a_time(model, images, protocol)[0], abs=1e-9)
    constant = ImageSet(pairs=(images.pairs[0],), scale=2)
    assert set(validate(model, constant, protocol)[0]) == {"psnr_db", "ssim"}
    black = ImageSet(pairs=(replace(other, lr=np.zeros_like(other.lr)),), scale=2)
    means, _ = validate(Enlarged(error=0.0), black, protocol)
    assert (means["fsds_db"], means["fsds_si_db"]) == (0, 0)


def test_a_model_is_put_into_evaluation_mode_and_gets_no_gradient():
    model = Enlarged().train()
    validate(model, photographs(), get_protocol("y-float"))
    assert not model.training
    assert model._error.grad is None


def test_every_metric_has_a_mean():
    assert tuple(validate(Enlarged(), photographs(), get_protocol("y-float"))[0]) == METRICS
