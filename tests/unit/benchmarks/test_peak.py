"""What a step is held against: arithmetic that is counted as torch counts it."""

from itertools import count

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import peak
from evaluator.model import build_model
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE
from search_space.genotype import Genotype

RECIPE = Recipe(batch=2, patch=8, image_residual=False)
WIDE = Genotype.parse("f32|conv-k3-f64-n2:0|g4-k3-f48-n1:0,1|ib-k1-f16-n1:2|tail:0,3")


@pytest.mark.parametrize("genotype", [TINY_GENOTYPE, WIDE])
def test_a_step_is_three_forward_passes_as_torch_counts_them(genotype):
    model = build_model(genotype, RECIPE, scale=2, channels=1, generator=torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, 1, 8, 8))
    assert peak.step_flops(genotype, RECIPE, scale=2, channels=1) == 3 * counter.get_total_flops()


def test_a_convolution_is_counted_as_a_step_is():
    layer = torch.nn.Conv2d(4, 4, 3, padding=1)
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(2, 4, 6, 6, requires_grad=True)).sum().backward()
    assert peak.convolution_flops((2, 4, 6)) == counter.get_total_flops()


def test_the_peak_is_that_of_the_best_shape_in_its_best_lap(monkeypatch):
    monkeypatch.setitem(peak.SHAPES, "cpu", ((1, 2, 4), (1, 4, 4)))
    ticks = count()
    found = peak.measure_peak(torch.device("cpu"), "float32", clock=lambda: next(ticks), laps=1)
    assert found.shape == (1, 4, 4)
    assert found.flops_per_s == peak.convolution_flops((1, 4, 4))
    assert str(found).startswith("float32 0 GFLOP/s (3x3, 4 channels, 4x4")
