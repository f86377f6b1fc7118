"""Counting by arithmetic gives what the built network has, and what the authors' graphs have."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from search_space.cost import convolutions, cost_range, mult_adds, params
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build
from search_space.ops import IMAGE_CHANNELS, SCALES
from search_space.published import PUBLISHED
from search_space.spaces.falsr import FALSR
from search_space.spaces.tiny import TINY
from search_space.testing import genotypes

scales = st.sampled_from(SCALES)
image_channels = st.sampled_from(IMAGE_CHANNELS)


def counted_by_running(genotype: Genotype, scale: int, channels: int, side: int) -> tuple[int, int]:
    """Count parameters, and multiply-accumulates from the shapes that each convolution writes when run."""
    with torch.device("meta"):
        network = build(genotype, scale=scale, channels=channels)
        counted = []
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(
                    lambda layer, _, out: counted.append(layer.weight.numel() * out.shape[-1] * out.shape[-2])
                )
        network(torch.zeros(1, channels, side, side))
    return sum(weight.numel() for weight in network.parameters()), sum(counted)


@settings(deadline=None, max_examples=40)
@given(genotypes(FALSR) | genotypes(TINY), scales, image_channels)
def test_cost_is_what_torch_counts(genotype: Genotype, scale: int, channels: int) -> None:
    expected = counted_by_running(genotype, scale, channels, side=5)
    assert params(genotype, scale=scale, channels=channels) == expected[0]
    assert mult_adds(genotype, scale=scale, channels=channels, lr_pixels=25) == expected[1]


@settings(deadline=None, max_examples=20)
@given(genotypes(FALSR), scales, image_channels)
def test_the_convolutions_are_those_of_the_network(genotype: Genotype, scale: int, channels: int) -> None:
    with torch.device("meta"):
        network = build(genotype, scale=scale, channels=channels)
    built = {
        name: (m.in_channels, m.out_channels, m.kernel_size[0], m.groups)
        for name, m in network.named_modules()
        if isinstance(m, nn.Conv2d)
    }
    listed = convolutions(genotype, scale=scale, channels=channels)
    assert built == {c.name: (c.in_channels, c.out_channels, c.kernel, c.groups) for c in listed}


@pytest.mark.parametrize(
    ("name", "expected_params", "expected_mult_adds"),
    [
        ("falsr-a", 1_021_401, 235_000_627_200),
        ("falsr-b", 324_745, 74_502_144_000),
        ("falsr-c", 426_569, 97_955_020_800),
        ("moremnas-d", 663_993, 152_425_267_200),
    ],
)
def test_the_published_networks_cost_what_their_graphs_do(
    name: str, expected_params: int, expected_mult_adds: int
) -> None:
    genotype = PUBLISHED[name].genotype
    assert params(genotype, scale=2, channels=1) == expected_params
    assert mult_adds(genotype, scale=2, channels=1) == expected_mult_adds


@pytest.mark.parametrize("channels", IMAGE_CHANNELS)
@pytest.mark.parametrize("scale", SCALES)
def test_the_range_is_exact_on_the_tiny_space(scale: int, channels: int) -> None:
    task = {"scale": scale, "channels": channels}
    all_params = [params(genotype, **task) for genotype in TINY.enumerate()]
    all_mult_adds = [mult_adds(genotype, **task) for genotype in TINY.enumerate()]
    assert cost_range(TINY, "params", **task) == (min(all_params), max(all_params))
    assert cost_range(TINY, "mult_adds", **task) == (min(all_mult_adds), max(all_mult_adds))


def test_the_range_of_falsr_is_pinned() -> None:
    assert cost_range(FALSR, "params", scale=2, channels=1) == (5_657, 4_409_449)
    assert cost_range(FALSR, "mult_adds", scale=2, channels=1) == (1_312_358_400, 1_013_804_236_800)


@settings(max_examples=50, deadline=None)
@given(genotypes(FALSR), st.data())
def test_another_skip_or_a_wider_cell_never_costs_less(genotype: Genotype, data: st.DataObject) -> None:
    values = list(FALSR.values(genotype))
    gene = data.draw(
        st.sampled_from(
            [i for i, gene in enumerate(FALSR.genes) if gene.name.endswith("channels") or gene.name.startswith("skip")]
        )
    )
    values[gene] = FALSR.genes[gene].choices[-1]
    dearer = FALSR.assemble(values)
    for count in (params, mult_adds):
        assert count(dearer, scale=2, channels=1) >= count(genotype, scale=2, channels=1)


@pytest.mark.parametrize(("scale", "channels", "fields"), [(5, 1, ["scale"]), (1, 2, ["scale", "channels"])])
def test_a_task_that_no_network_does_is_refused(scale: int, channels: int, fields: list[str]) -> None:
    genotype = PUBLISHED["falsr-b"].genotype
    for call in (
        lambda: params(genotype, scale=scale, channels=channels),
        lambda: mult_adds(genotype, scale=scale, channels=channels),
        lambda: cost_range(TINY, "params", scale=scale, channels=channels),
        lambda: build(genotype, scale=scale, channels=channels),
    ):
        with pytest.raises(InvalidInput) as caught:
            call()
        assert [problem.field for problem in caught.value.problems] == fields
