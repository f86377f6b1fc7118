"""Objectives that rank a space's networks alike are pointed out before a search is run on them."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from evaluator.latency.profile import DeviceProfile
from evaluator.latency.table import OperatorTable
from nas.objectives import LATENCY, METRICS
from nas.redundancy import redundancy_warnings
from nas.spec import SearchSpec
from nas.testing.profiles import make_profile


def warnings_of(*objectives, **changes) -> tuple[str, ...]:
    document = {"dataset": {"train": "photos"}, "objectives": list(objectives), **changes}
    return redundancy_warnings(SearchSpec.model_validate(document))


def limited_by_arithmetic() -> DeviceProfile:
    """A device on which every multiply-add takes the same time and nothing else takes any."""
    profile = make_profile("falsr")
    prices = {}
    for operator, price in profile.table.prices.items():
        work = operator.kernel**2 * max(1, operator.out_channels) / max(1, operator.groups)
        prices[operator] = replace(price, fixed_ms=0.0, channel_ms=1e-3 * work)
    return replace(profile, table=OperatorTable(prices))


def test_params_and_mult_adds_are_one_objective_in_falsr():
    (warning,) = warnings_of("psnr", "params", "mult_adds")
    assert "params and mult_adds" in warning
    assert "0.998" in warning
    assert "crowding distance" in warning
    assert "fsds_si" in warning


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_params_and_mult_adds_are_one_objective_in_every_space(scale, channels):
    for space in ("falsr", "tiny"):
        assert len(warnings_of("params", "mult_adds", space=space, scale=scale, channels=channels)) == 1


@pytest.mark.parametrize("pair", [pair for pair in combinations(METRICS, 2) if LATENCY not in pair])
def test_one_cost_or_none_is_no_redundancy(pair):
    assert bool(warnings_of(*pair)) == (set(pair) == {"params", "mult_adds"})


def test_what_is_proposed_is_not_optimised_already():
    (warning,) = warnings_of("fsds_si", "psnr", "params", "fsds", "mult_adds")
    assert "such as ssim" in warning


def test_opposite_senses_leave_selection_no_grip():
    (warning,) = warnings_of("psnr", "mult_adds", {"metric": "params", "sense": "max"})
    assert "-0.998" in warning
    assert "opposite" in warning
    assert "crowding" not in warning


def test_only_networks_within_the_cost_constraints_are_compared():
    (warning,) = warnings_of("params", "mult_adds", constraints=[{"metric": "mult_adds", "max": 60e9}])
    assert "0.998" not in warning


def test_constraints_that_hardly_any_network_keeps_leave_the_whole_space():
    (warning,) = warnings_of("params", "mult_adds", constraints=[{"metric": "params", "max": 20_000}])
    assert "0.998" in warning


def test_constraints_on_what_training_decides_rule_nothing_out():
    assert warnings_of("params", "mult_adds", constraints=[{"metric": "psnr", "min": 99}]) == warnings_of(
        "params", "mult_adds"
    )


def test_the_same_spec_is_warned_of_in_the_same_words():
    assert warnings_of("params", "mult_adds") == warnings_of("params", "mult_adds")


def test_a_latency_that_is_predicted_is_compared_with_costs_and_one_that_is_measured_is_not():
    (warning,) = warnings_of("latency_ms", "mult_adds", latency={"profile": limited_by_arithmetic()})
    assert warning.startswith("latency_ms and mult_adds rank the networks of the space falsr alike")
    assert warnings_of("latency_ms", "mult_adds", latency={"profile": make_profile("falsr")}) == ()
    assert warnings_of("latency_ms", "mult_adds", latency={"mode": "measured"}) == ()


def test_looking_for_redundancy_needs_no_heavy_package():
    program = "import sys, nas.redundancy; assert not {'torch', 'pymoo', 'ray', 'sqlalchemy'} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
