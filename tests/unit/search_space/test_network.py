"""The built network is the published one, weight for weight, and upscales as it says."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import SRNetwork, build
from search_space.ops import IMAGE_CHANNELS, SCALES
from search_space.published import published_genotype
from search_space.spaces.falsr import FALSR
from search_space.spaces.tiny import TINY
from search_space.testing import genotypes

SMALL = Genotype.parse("f8|ib-k3-f8-n2-r:0|g2-k1-f8-n2-r:0,1|tail:0,2")


def arrays(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: torch.from_numpy(archive[name]) for name in archive.files}


def released(reference_dir: Path, letter: str) -> SRNetwork:
    network = build(published_genotype(f"falsr-{letter}"), scale=2, depth_to_space="tensorflow")
    network.load_state_dict(arrays(reference_dir / "falsr" / f"falsr_{letter}.npz"), strict=True)
    return network.eval()


@pytest.mark.parametrize("letter", ["b", "c"])
@torch.inference_mode()
def test_every_block_gives_what_the_released_graph_gives(reference_dir: Path, letter: str) -> None:
    golden = arrays(reference_dir / "falsr" / f"golden_{letter}.npz")
    blocks = released(reference_dir, letter).trace(golden["crop_y_lr"])
    assert len(blocks) == 8
    for i, block in enumerate(blocks):
        torch.testing.assert_close(block, golden[f"crop_block{i}"], rtol=0, atol=5e-5)


@pytest.mark.parametrize("image", ["crop", "rand"])
@pytest.mark.parametrize("letter", ["b", "c"])
@torch.inference_mode()
def test_the_output_is_that_of_the_released_graph(reference_dir: Path, letter: str, image: str) -> None:
    golden = arrays(reference_dir / "falsr" / f"golden_{letter}.npz")
    upscaled = released(reference_dir, letter)(golden[f"{image}_y_lr"])
    torch.testing.assert_close(upscaled, golden[f"{image}_y_hr"], rtol=0, atol=1e-5)


def test_weights_are_named_as_in_the_published_archives(reference_dir: Path) -> None:
    weights = arrays(reference_dir / "falsr" / "moremnas_d.npz")
    state = build(published_genotype("moremnas-d"), scale=2).state_dict()
    assert {name: w.shape for name, w in state.items()} == {name: w.shape for name, w in weights.items()}


@pytest.mark.parametrize("scale", SCALES)
@torch.inference_mode()
def test_every_genotype_of_the_tiny_space_upscales(scale: int) -> None:
    x = torch.rand(1, 1, 4, 4)
    for genotype in TINY.enumerate():
        assert build(genotype, scale=scale)(x).shape == (1, 1, 4 * scale, 4 * scale)


@settings(deadline=None, max_examples=25)
@given(
    genotypes(FALSR),
    st.sampled_from(SCALES),
    st.sampled_from(IMAGE_CHANNELS),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
)
def test_the_output_is_scale_times_the_input(
    genotype: Genotype, scale: int, channels: int, shape: tuple[int, int, int]
) -> None:
    n, height, width = shape
    with torch.device("meta"):
        network = build(genotype, scale=scale, channels=channels)
        x = torch.zeros(n, channels, height, width)
        assert network(x).shape == (n, channels, scale * height, scale * width)
        widths = tuple(block.shape[1] for block in network.trace(x))
    assert widths == genotype.widths


def uncut(genotype: Genotype) -> object:
    """Describe a tiny genotype without the place where a plain chain of equal convolutions is cut into cells."""
    first, second = genotype.cells
    kinds = {(cell.operator, cell.channels, cell.kernel, cell.residual) for cell in genotype.cells}
    is_chain = len(kinds) == 1 and not first.residual and not {(0, 2), (1, 3)} & set(genotype.skips)
    return (kinds.pop(), first.repeats + second.repeats, genotype.inputs) if is_chain else genotype


@torch.inference_mode()
def test_genotypes_of_the_tiny_space_compute_alike_only_where_a_plain_chain_is_cut_elsewhere() -> None:
    """From one seed, equal shapes get equal weights: a dead gene would give two genotypes the same output."""
    x = torch.rand(1, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    outputs: dict[object, object] = {}
    for genotype in TINY.enumerate():
        torch.manual_seed(1)
        output = tuple(build(genotype, scale=2).double()(x).flatten().mul(1e9).round().tolist())
        assert outputs.setdefault(output, uncut(genotype)) == uncut(genotype)
    assert len(outputs) == 1144


def shapes(genotype: Genotype) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        state = build(genotype, scale=2).state_dict()
    return {name: tuple(weight.shape) for name, weight in state.items()}


@settings(deadline=None, max_examples=40)
@given(genotypes(FALSR), st.data())
def test_changing_any_gene_but_a_residual_changes_the_weights(genotype: Genotype, data: st.DataObject) -> None:
    values = list(FALSR.values(genotype))
    live = [i for i, gene in enumerate(FALSR.genes) if not gene.name.endswith("residual")]
    i = data.draw(st.sampled_from(live))
    others = [choice for choice in FALSR.genes[i].choices if choice != values[i]]
    values[i] = data.draw(st.sampled_from(others))
    assert shapes(genotype) != shapes(FALSR.assemble(values))


@pytest.mark.parametrize("token", ["conv", "g2", "g4", "ib"])
@pytest.mark.parametrize("repeats", [1, 2, 4])
@torch.inference_mode()
def test_a_residual_counts_from_two_repeats_on(token: str, repeats: int) -> None:
    plain, residual = (
        build(Genotype.parse(f"f8|{token}-k3-f8-n{repeats}{mark}:0|tail:1"), scale=2) for mark in ("", "-r")
    )
    residual.load_state_dict(plain.state_dict())
    x = torch.rand(1, 1, 6, 6)
    assert torch.equal(plain(x), residual(x)) == (repeats == 1)


@torch.inference_mode()
def test_the_two_channel_orders_differ_by_a_permutation_of_the_fused_channels() -> None:
    genotype = Genotype.parse("f8|conv-k3-f8-n1:0|tail:1")
    ours = build(genotype, scale=3)
    theirs = build(genotype, scale=3, depth_to_space="tensorflow")
    state = ours.state_dict()
    theirs.load_state_dict(
        {
            name: weight.unflatten(0, (2, 9)).transpose(0, 1).flatten(0, 1) if "expand" in name else weight
            for name, weight in state.items()
        }
    )
    x = torch.rand(2, 1, 5, 7)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_same_seed_gives_the_same_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(build(SMALL, scale=2).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_every_weight_gets_a_gradient() -> None:
    network = build(SMALL, scale=4, channels=3)
    network(torch.rand(1, 3, 8, 8)).square().mean().backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (1, 4, 4), (4, 4), (1, 1, 1, 4, 4)])
def test_an_image_of_another_shape_is_refused_with_the_expected_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"\(N, 1, H, W\)"):
        build(SMALL, scale=2)(torch.zeros(shape))


def exported(network: nn.Module, x: Tensor) -> nn.Module:
    sizes = {2: torch.export.Dim("height", min=2, max=512), 3: torch.export.Dim("width", min=2, max=512)}
    return torch.export.export(network, (x,), dynamic_shapes={"x": sizes}).module()


@pytest.mark.parametrize("order", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("scale", SCALES)
def test_a_network_exports_with_free_height_and_width(scale: int, order) -> None:
    network = build(SMALL, scale=scale, depth_to_space=order).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's exporter warns about itself
        graph = exported(network, torch.rand(1, 1, 8, 12))
    x = torch.rand(1, 1, 13, 9)
    torch.testing.assert_close(graph(x), network(x))
