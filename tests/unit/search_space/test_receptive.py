"""How far networks look, against what a changed pixel changes."""

import pytest
import torch
from hypothesis import given, settings

from search_space.genotype import Genotype
from search_space.network import build
from search_space.published import PUBLISHED
from search_space.receptive import receptive_radius
from search_space.spaces import get_space
from search_space.testing import genotypes


def measured_radius(genotype: Genotype, scale: int) -> int:
    """How far a change of the middle pixel spreads where no weight is negative, in LR pixels."""
    network = build(genotype, scale=scale).double()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.fill_(1 / tensor[0].numel() if tensor.ndim == 4 else 0)
        side = 2 * receptive_radius(genotype) + 5
        image = torch.zeros(1, 1, side, side, dtype=torch.float64)
        image[0, 0, side // 2, side // 2] = 1
        _, columns = torch.nonzero(network(image)[0, 0], as_tuple=True)
    return int(side // 2 - columns.min() // scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(
    "text",
    [
        "f32|conv-k3-f16-n1:0|tail:0,1",
        "f32|conv-k1-f16-n2-r:0|tail:1",
        "f32|ib-k3-f16-n2-r:0|g2-k5-f16-n1:0|tail:0,1,2",
        "f32|conv-k3-f16-n1:0|ib-k1-f8-n1:0,1|tail:2",
    ],
)
def test_the_radius_is_what_a_changed_pixel_reaches(text, scale):
    genotype = Genotype.parse(text)
    assert measured_radius(genotype, scale) == receptive_radius(genotype)


@settings(max_examples=15)
@given(genotypes(get_space("tiny")))
def test_the_radius_holds_over_the_tiny_space(genotype):
    assert measured_radius(genotype, 2) == receptive_radius(genotype)


def test_published_networks_look_some_twenty_pixels_far():
    radii = {name: receptive_radius(network.genotype) for name, network in PUBLISHED.items()}
    assert radii == {"falsr-a": 23, "falsr-b": 27, "falsr-c": 16, "moremnas-d": 19}
