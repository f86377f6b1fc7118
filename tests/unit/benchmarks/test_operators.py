"""Every operator of a step is of one kind."""

import pytest
import torch

from benchmarks import operators
from benchmarks.operators import by_kind, kind_of, marked


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aten::mkldnn_convolution", operators.FORWARD),
        ("aten::cudnn_convolution", operators.FORWARD),
        ("aten::convolution_backward", operators.BACKWARD),
        ("aten::_fused_adam_", operators.OPTIMISER),
        ("aten::_foreach_lerp_", operators.OPTIMISER),
        ("aten::cat", operators.CONCATENATION),
        ("aten::_to_copy", operators.CASTS),
        ("aten::threshold_backward", operators.ELEMENTWISE),
        ("aten::l1_loss", operators.ELEMENTWISE),
    ],
)
def test_an_operator_is_told_by_its_name(name, kind):
    assert kind_of(name) == kind


def test_what_cuts_patches_is_of_their_kind_whatever_it_does():
    assert kind_of("aten::cat", ("patches", "everything")) == operators.PATCHES


def test_every_kind_of_a_small_step_is_found():
    layer = torch.nn.Conv2d(2, 2, 3)
    optimiser = torch.optim.Adam(layer.parameters(), fused=True)
    cut = marked(lambda: torch.rand(1, 2, 8, 8))

    def step():
        optimiser.zero_grad()
        layer(torch.cat([cut(), cut()])).abs().mean().backward()
        optimiser.step()

    step()
    found = by_kind(step, 2, torch.device("cpu"))
    assert all(ms >= 0 for ms in found.values())
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found.keys() >= {
        operators.PATCHES,
        operators.OPTIMISER,
        operators.FORWARD,
        operators.BACKWARD,
        operators.CONCATENATION,
        operators.ELEMENTWISE,
        operators.REST,
    }
