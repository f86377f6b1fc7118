"""A search that predicts latencies knows them of one network and of many alike, and says what they are."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.latency_target import LatencyTarget
from nas.known import KnownFigures, known_figures
from nas.latency import Latencies, known_latency, latency_note, profile_of
from nas.objectives import METRICS
from nas.spec import SearchSpec
from nas.testing.profiles import make_profile
from search_space.encoding import encode
from search_space.errors import InvalidInput
from search_space.spaces import get_space


def spec_of(latency: dict[str, Any] | None = None, **changes: Any) -> SearchSpec:
    document = {"dataset": {"train": "photos"}, "space": "tiny", "objectives": ["psnr", "latency_ms"]}
    return SearchSpec.model_validate(document | ({} if latency is None else {"latency": latency}) | changes)


def predicting(space: str = "tiny", **changes: Any) -> SearchSpec:
    return spec_of({"profile": make_profile(space)}, space=space, **changes)


MEASURED = {"mode": "measured"}


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(["tiny", "falsr"]), st.integers(0, 2**32), st.sampled_from(["default", "paper"]))
def test_many_networks_are_known_as_each_of_them_is(space: str, seed: int, recipe: str) -> None:
    spec, rng = predicting(space, recipe=recipe), np.random.default_rng(seed)
    genotypes = [get_space(space).sample(rng) for _ in range(5)]
    found = KnownFigures(spec)(np.array([encode(get_space(space), genotype) for genotype in genotypes]))
    for row, genotype in enumerate(genotypes):
        assert {name: column[row] for name, column in found.items()} == known_figures(spec, genotype)
        assert found["latency_ms"][row] == known_latency(spec, genotype)


def test_what_is_measured_or_not_asked_for_is_not_known() -> None:
    genotype = get_space("tiny").sample(np.random.default_rng(0))
    for spec in (spec_of(MEASURED), spec_of(objectives=["psnr"])):
        assert known_latency(spec, genotype) is None
        assert profile_of(spec) is None
        assert set(known_figures(spec, genotype)) == {"params", "mult_adds"}


def test_a_search_that_was_never_submitted_has_nothing_to_predict_with() -> None:
    genotype = get_space("tiny").sample(np.random.default_rng(0))
    for spec in (spec_of(), spec_of({"profile": "bench"})):
        with pytest.raises(InvalidInput, match=r"latency\.profile"):
            known_latency(spec, genotype)


def test_a_profile_for_another_task_predicts_nothing() -> None:
    with pytest.raises(InvalidInput, match="scale"):
        Latencies(spec_of(MEASURED, scale=3), make_profile())


@pytest.mark.parametrize("metric", METRICS)
def test_a_spec_says_what_is_known_before_a_training(metric: str) -> None:
    costs = {"params", "mult_adds"}
    assert predicting().is_known(metric) == (metric in costs | {"latency_ms"})
    for spec in (spec_of(MEASURED), spec_of(objectives=["psnr"])):
        assert spec.is_known(metric) == (metric in costs)


def test_only_what_is_measured_differs_from_training_to_training() -> None:
    trained = tuple(metric.column for metric in METRICS.values() if metric.trained)
    assert predicting().found_columns == spec_of(objectives=["psnr"]).found_columns == trained
    assert spec_of(MEASURED).found_columns == (*trained, "latency_ms")


def test_workers_time_what_is_measured_and_nothing_else() -> None:
    assert spec_of({**MEASURED, "width": 320, "height": 180}).latency_target == LatencyTarget(
        lr_width=320, lr_height=180
    )
    assert predicting().latency_target is None
    assert spec_of(objectives=["psnr"]).latency_target is None


def test_a_latency_that_nothing_is_asked_of_is_found_all_the_same() -> None:
    spec = predicting(objectives=["psnr"])
    assert METRICS["latency_ms"] in spec.metrics
    assert METRICS["latency_ms"] not in spec_of(objectives=["psnr"]).metrics
    assert set(KnownFigures(spec)(np.zeros((1, len(get_space("tiny").genes)), dtype=np.int64))) >= {"latency_ms"}


def test_a_spec_with_its_profile_reads_back_as_it_was() -> None:
    for spec in (predicting(), spec_of(MEASURED), spec_of({"profile": "bench"}), spec_of()):
        assert SearchSpec.model_validate(spec.to_json()) == spec


def test_a_note_says_which_latency_it_is() -> None:
    assert latency_note(spec_of(objectives=["psnr"])) == ""
    assert latency_note(predicting()) == (
        "latency_ms: predicted for bench, cpu (1 thread, made up), at 640x360 "
        "(held-out error 6.2%, tau 0.93 on 40 networks)"
    )
    untried = replace(make_profile(), held_out=None)
    assert latency_note(spec_of({"profile": untried})).endswith("at 640x360")
    assert latency_note(spec_of(MEASURED)) == "latency_ms: measured at 640x360 on the worker that trained the network"
    assert latency_note(spec_of(MEASURED), ["a", "a"]) == "latency_ms: measured at 640x360 on a"
    assert latency_note(spec_of(MEASURED), ["b", "a"]).endswith("on a and b, which do not compare")


def test_predicting_needs_no_heavy_package() -> None:
    program = (
        "import sys, nas.latency, nas.devices; assert not {'torch', 'onnx', 'onnxruntime', 'ray'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
