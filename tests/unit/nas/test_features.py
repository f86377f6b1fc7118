"""Features of genotypes: counts agree with the cost model, distances with genes, moments with random networks."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.engine.features import SHAPE, SIGNAL, Features
from search_space.batch import canonical
from search_space.cost import convolutions
from search_space.encoding import decode, encode, upper_bounds
from search_space.genotype import Genotype
from search_space.network import build
from search_space.space import Gene, SearchSpace
from search_space.spaces import get_space

FALSR = get_space("falsr")
COLUMN = {name: i for i, name in enumerate(SIGNAL + SHAPE)}


def random_vectors(n: int, seed: int = 0, space: SearchSpace = FALSR) -> np.ndarray:
    bounds = upper_bounds(space)
    drawn = np.random.default_rng(seed).integers(0, bounds, size=(n, bounds.size), endpoint=True)
    return canonical(space, drawn)


@given(st.integers(0, 2**32 - 1))
def test_sizes_and_counts_are_those_of_the_convolutions(seed: int) -> None:
    vector = random_vectors(1, seed)
    features, genotype = Features(FALSR).of(vector)[0], decode(FALSR, vector[0])
    layers = list(convolutions(genotype, scale=2, channels=1))
    inside = [layer for layer in layers if layer.name.startswith("cells.")]
    weights = sum(layer.weights for layer in layers if layer.name not in ("feat", "tail.out"))
    assert features[COLUMN["log_weights"]] == pytest.approx(np.log(weights))
    assert features[COLUMN["depth"]] == len(inside)
    assert features[COLUMN["log_reach"]] == pytest.approx(np.log1p(sum(layer.kernel - 1 for layer in inside)))
    assert features[COLUMN["skips"]] == len(genotype.skips)
    assert features[COLUMN["residuals"]] == sum(cell.residual for cell in genotype.cells)


@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_the_squared_distance_of_genomes_counts_the_genes_that_differ(seed: int, changes: int) -> None:
    first, second = random_vectors(2, seed)
    second = np.where(np.arange(63) < changes, second, first)
    features = Features(FALSR)
    genes = features.of(np.stack([first, second]))[:, features.layout.genes]
    assert ((genes[0] - genes[1]) ** 2).sum() == pytest.approx((first != second).sum())


def test_rows_do_not_depend_on_their_company() -> None:
    features, vectors = Features(FALSR), random_vectors(20)
    together = features.of(vectors)
    assert np.isfinite(together).all()
    for i in range(len(vectors)):
        np.testing.assert_allclose(features.of(vectors[i : i + 1])[0], together[i], rtol=1e-12)


def test_the_shortest_path_takes_the_skips() -> None:
    plain = "f32|conv-k3-f16-n4:0|conv-k3-f16-n2:1|conv-k3-f16-n1:{}|conv-k3-f16-n1:3|conv-k3-f16-n1:4|"
    plain += "conv-k3-f16-n1:5|conv-k3-f16-n1:6|tail:7"
    shortest = [
        Features(FALSR).of(encode(FALSR, Genotype.parse(plain.format(sources)))[None])[0, COLUMN["shortest"]]
        for sources in ("2", "1,2", "0,2")
    ]
    assert shortest == [11, 9, 5]


@pytest.mark.parametrize("text", ["conv-k1-f64-n1", "conv-k1-f64-n2-r", "ib-k1-f64-n2", "ib-k1-f64-n2-r"])
def test_moments_are_those_of_random_networks(text: str) -> None:
    # Wide cells of 1x1 kernels on constant images; the deeper, the more a width of 64 strays from the infinite one.
    cells = "|".join(f"{text}:{i}" for i in range(7))
    genotype = Genotype.parse(f"f32|{cells}|tail:7")
    row = Features(FALSR).of(encode(FALSR, genotype)[None])[0]
    powers, unlikenesses = zip(*(_moments(genotype, seed) for seed in range(12)), strict=True)
    power = np.exp(2 * row[COLUMN["log_drive"]]) / 64**2
    assert np.log(power) == pytest.approx(np.log(np.mean(powers)), abs=0.7)
    assert row[COLUMN["log_difference"]] == pytest.approx(np.log(power) + row[COLUMN["log_unlikeness"]])
    assert row[COLUMN["log_unlikeness"]] == pytest.approx(np.mean(np.log(unlikenesses)), abs=0.7)


def _moments(genotype: Genotype, seed: int) -> tuple[float, float]:
    """Power and unlikeness of what a fresh network's tail reads of two inputs that are like each other by 0.6."""
    generator = torch.Generator().manual_seed(seed)
    network = build(genotype, scale=2, channels=1).double()
    for name, layer in network.named_modules():
        if isinstance(layer, torch.nn.Conv2d):
            gain = 0.2 if name.endswith("project") else 1.0
            torch.nn.init.normal_(layer.weight, 0.0, gain * (2 / layer.weight[0].numel()) ** 0.5, generator=generator)
            torch.nn.init.zeros_(layer.bias)
    signals = torch.randn(2, 64, generator=generator, dtype=torch.float64)
    signals[1] = 0.6 * signals[0] + 0.8 * signals[1]
    first = torch.randn(32, 64, generator=generator, dtype=torch.float64) * (2 / 64) ** 0.5
    x = torch.relu(signals @ first.T)[:, :, None, None].expand(2, 32, 9, 9)
    with torch.no_grad():
        for cell in network.cells.values():
            x = cell(x)
    a, b = x[:, :, 4, 4]
    power = float((a**2).mean() + (b**2).mean()) / 2
    start = float((signals[0] @ signals[0]) / 64)
    return power / start, max(1e-6, 1 - float((a * b).mean()) / power)


@dataclass(frozen=True)
class Table:
    """A space without cells."""

    genes: tuple[Gene, ...]


def test_a_table_has_its_genes_alone() -> None:
    features = Features(Table((Gene("a", (1, 2, 3)), Gene("b", (False, True)), Gene("c", ("only",)))))
    rows = features.of(np.array([[0, 1, 0], [2, 0, 0]]))
    np.testing.assert_allclose(rows**2, [[0.5, 0, 0, 1, 0.5], [0, 0, 0.5, 0, 0.5]])
    assert features.layout.signal == features.layout.shape == slice(0, 0)
