"""Objectives that rank a space's networks alike are pointed out before a search is run on them."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from nas.objectives import LATENCY, METRICS
from nas.redundancy import redundancy_warnings
from nas.spec import SearchSpec


def warnings_of(*objectives, **changes) -> tuple[str, ...]:
    document = {"dataset": {"train": "photos"}, "objectives": list(objectives), **changes}
    return redundancy_warnings(SearchSpec.model_validate(document))


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


def test_looking_for_redundancy_needs_no_heavy_package():
    program = "import sys, nas.redundancy; assert not {'torch', 'pymoo', 'ray', 'sqlalchemy'} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
