"""The published networks are registered with what their authors print."""

import pytest

from search_space import cost
from search_space.errors import InvalidInput
from search_space.published import PUBLISHED, published_genotype


def test_every_network_is_found_by_its_name() -> None:
    assert list(PUBLISHED) == ["falsr-a", "falsr-b", "falsr-c", "moremnas-d"]
    assert all(published_genotype(name) == network.genotype for name, network in PUBLISHED.items())


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="falsr-a, falsr-b, falsr-c, moremnas-d"):
        published_genotype("edsr")


@pytest.mark.parametrize("name", PUBLISHED)
def test_printed_costs_are_near_the_exact_ones(name: str) -> None:
    network = PUBLISHED[name]
    exact_params = cost.params(network.genotype, scale=network.scale, channels=1)
    exact_mult_adds = cost.mult_adds(network.genotype, scale=network.scale, channels=1)
    assert network.reported_params == pytest.approx(exact_params, rel=0.05)
    assert network.reported_mult_adds == pytest.approx(exact_mult_adds, rel=0.05)


@pytest.mark.parametrize("name", PUBLISHED)
def test_scores_name_their_set_and_protocol(name: str) -> None:
    scores = PUBLISHED[name].scores
    assert [score.dataset for score in scores] == ["Set5", "Set14", "B100", "Urban100"]
    assert {score.protocol for score in scores} == {"falsr"}
    assert all(25 < score.psnr_db < 45 and 0.8 < score.ssim < 1 for score in scores)
