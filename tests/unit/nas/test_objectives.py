"""Metrics have a sense and a column; constraints measure how far outside a value lies."""

import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.objectives import METRICS, Constraint, Objective, Sense, total_violation
from nas.records import Evaluation

VALUES = st.floats(-1e12, 1e12)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_column_of_an_evaluation(name):
    assert METRICS[name].name == name
    assert METRICS[name].column in {field.name for field in fields(Evaluation)}


def test_only_what_training_does_not_decide_is_minimised():
    costs = {name for name, metric in METRICS.items() if metric.sense is Sense.MINIMISE}
    assert costs == {name for name, metric in METRICS.items() if not metric.trained}
    assert costs == {"params", "mult_adds", "latency_ms"}


def test_an_objective_takes_its_metrics_own_sense():
    assert Objective.of("psnr") == Objective("psnr", Sense.MAXIMISE)
    assert (Objective.of("psnr").sign, Objective.of("params").sign) == (-1, 1)
    assert Objective.of("fsds").column == "fsds_db"


def test_an_objective_of_an_unknown_metric_is_refused():
    with pytest.raises(KeyError, match="lpips"):
        Objective.of("lpips")


@given(VALUES, VALUES, VALUES)
def test_a_violation_is_zero_exactly_between_the_bounds(value, a, b):
    low, high = sorted((a, b))
    violation = Constraint(metric="psnr", minimum=low, maximum=high).violation(value)
    assert violation >= 0
    assert (violation == 0) == (low <= value <= high)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_violation_grows_with_the_distance(a, b):
    near, far = sorted((a, b))
    constraint = Constraint(metric="params", maximum=1000.0)
    assert constraint.violation(1000 + near) <= constraint.violation(1000 + far)


def test_a_violation_is_relative_to_its_bound():
    assert Constraint(metric="params", maximum=1000.0).violation(1500) == 0.5
    assert Constraint(metric="psnr", minimum=30.0).violation(27.0) == pytest.approx(0.1)


def test_nan_satisfies_no_constraint():
    assert Constraint(metric="psnr", minimum=0.0).violation(math.nan) == math.inf


def test_the_total_counts_only_the_scores_at_hand():
    constraints = (Constraint(metric="params", maximum=100.0), Constraint(metric="psnr", minimum=30.0))
    assert total_violation(constraints, {"params": 150.0}) == 0.5
    assert total_violation(constraints, {"params": 150.0, "psnr_db": 15.0}) == 1.0
    assert total_violation(constraints, {}) == 0.0
