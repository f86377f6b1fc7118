"""How far figures reach is exact for costs and for small spaces, and sought where a space is large."""

from typing import Any

import numpy as np
import pytest

from nas.known import known_figures
from nas.latency import known_latency
from nas.reach import MULT_ADDS_PER_MS, SCORES, reach
from nas.spec import SearchSpec
from nas.testing.profiles import make_profile
from search_space.cost import LR_PIXELS
from search_space.spaces import get_space


def spec_of(space: str = "tiny", latency: Any = None, **changes: Any) -> SearchSpec:
    document = {"dataset": {"train": "photos"}, "space": space, "objectives": ["psnr", "latency_ms"]}
    return SearchSpec.model_validate(document | {"latency": latency or {"profile": make_profile(space)}} | changes)


def test_every_figure_of_a_small_space_lies_within_reach_and_both_ends_are_met() -> None:
    spec = spec_of()
    found = [known_figures(spec, genotype) for genotype in get_space("tiny").enumerate()]
    for metric in ("params", "mult_adds", "latency_ms"):
        values, ends = [figures[metric] for figures in found], reach(spec, metric)
        assert (min(values), max(values), True) == (ends.low, ends.high, ends.certain)


def test_hardly_a_network_of_a_large_space_lies_beyond_what_was_sought() -> None:
    spec, rng = spec_of("falsr"), np.random.default_rng(7)
    ends = reach(spec, "latency_ms")
    drawn = [known_latency(spec, get_space("falsr").sample(rng)) for _ in range(100)]
    assert all(ends.low < latency_ms < ends.high for latency_ms in drawn if latency_ms is not None)
    assert not ends.certain


def test_a_latency_that_is_measured_reaches_what_a_nominal_rate_gives_for_its_image() -> None:
    whole = reach(spec_of(latency={"mode": "measured"}), "latency_ms")
    quarter = reach(spec_of(latency={"mode": "measured", "width": 320, "height": 180}), "latency_ms")
    assert LR_PIXELS == 640 * 360
    assert whole.high == pytest.approx(4 * quarter.high)
    assert whole.high == pytest.approx(reach(spec_of(), "mult_adds").high / MULT_ADDS_PER_MS)
    assert not whole.certain


def test_scores_reach_what_any_image_does() -> None:
    assert (reach(spec_of(), "psnr").low, reach(spec_of(), "psnr").high) == SCORES["psnr"]


def test_a_search_without_latency_has_no_reach_of_it() -> None:
    with pytest.raises(ValueError, match="no latency"):
        reach(SearchSpec.model_validate({"dataset": {"train": "photos"}}), "latency_ms")
