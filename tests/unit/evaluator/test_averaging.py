"""The average of weights: what counts in it by how much."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from evaluator.averaging import Average


@given(st.floats(0.01, 0.999), st.lists(st.floats(-10, 10), min_size=1, max_size=20))
def test_the_average_is_the_weighted_mean_of_what_it_saw(decay: float, values: list[float]) -> None:
    weight = nn.Parameter(torch.tensor([1e6], dtype=torch.float64))
    average = Average([weight], decay)
    for value in values:
        weight.data.fill_(value)
        average.update()
    average.store(len(values))
    shares = [decay ** (len(values) - i) for i in range(1, len(values) + 1)]
    expected = sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares)
    assert weight.item() == pytest.approx(expected, abs=1e-6)


def test_without_averaging_the_last_weights_are_left() -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    average = Average([weight], 0.0)
    average.update()
    average.store(1)
    assert weight.item() == 3.0


def test_an_average_of_nothing_leaves_the_weights() -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    Average([weight], 0.9).store(0)
    assert weight.item() == 3.0


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_an_average_that_is_resumed_goes_on_as_if_nothing_had_been(decay: float) -> None:
    weight = nn.Parameter(torch.tensor([0.0]))
    whole, first = Average([weight], decay), Average([weight], decay)
    for value in (1.0, 5.0):
        weight.data.fill_(value)
        whole.update()
        first.update()
    second = Average([weight], decay)
    second.resume(first.means)
    weight.data.fill_(-3.0)
    whole.update()
    second.update()
    assert [mean.item() for mean in second.means] == [mean.item() for mean in whole.means]
