"""A profile is a document: strictly read, told by its digest, and kept in the home under a safe name."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluator.latency.operators import Operator
from evaluator.latency.profile import Calibration, DeviceProfile, HeldOut, profile_path, read_profile, write_profile
from evaluator.latency.table import OperatorTable, Price
from evaluator.latency_target import LatencyTarget
from search_space.errors import InvalidInput

PROFILE = DeviceProfile(
    name="laptop",
    device="cpu (1 thread, x86_64)",
    runtime="onnxruntime 1.0",
    threads=1,
    target=LatencyTarget(lr_width=64, lr_height=48),
    scale=2,
    channels=1,
    space="falsr",
    block=16,
    table=OperatorTable({Operator(kind="add"): Price(fixed_ms=0.5, channel_ms=0.25, samples=4)}),
    calibration=Calibration(gain=1.5, offset_ms=2.0, networks=12),
    held_out=HeldOut(networks=40, mean_error=0.05, worst_error=0.2, tau=0.9),
    created="2026-01-01T00:00:00+00:00",
)


def test_a_profile_survives_json_and_its_file(tmp_path: Path) -> None:
    assert DeviceProfile.from_json(json.loads(json.dumps(PROFILE.to_json()))) == PROFILE
    path = write_profile(tmp_path, PROFILE)
    assert path == tmp_path / "devices" / "laptop.json"
    assert read_profile(tmp_path, "laptop") == PROFILE
    assert [file.name for file in path.parent.iterdir()] == ["laptop.json"]


def test_a_profile_without_held_out_networks_survives_too() -> None:
    for profile in (
        replace(PROFILE, held_out=None),
        replace(PROFILE, held_out=HeldOut(networks=1, mean_error=0.0, worst_error=0.0, tau=None)),
    ):
        assert DeviceProfile.from_json(profile.to_json()) == profile


def test_a_sum_of_operators_is_calibrated() -> None:
    assert PROFILE.calibrated(10.0) == 17.0


def test_the_digest_follows_what_predicts() -> None:
    assert len(PROFILE.digest) == 32
    assert replace(PROFILE, name="other", created="later", held_out=None).digest == PROFILE.digest
    others = [
        replace(PROFILE, block=0),
        replace(PROFILE, calibration=Calibration()),
        replace(PROFILE, target=LatencyTarget()),
        replace(PROFILE, table=OperatorTable({Operator(kind="add"): Price(fixed_ms=0.5, channel_ms=0.2, samples=4)})),
    ]
    assert len({PROFILE.digest, *(other.digest for other in others)}) == 5


HUGE = 10**400
"""JSON has such numbers, and no float holds them."""


def changed(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document | fields


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (changed(version=2), "version"),
        (changed(version=True), "version"),
        (without("version"), "version"),
        (changed(colour="red"), "colour"),
        (without("runtime"), "runtime"),
        (changed(threads=-1), "threads"),
        (changed(scale=2.5), "scale"),
        (changed(name="../laptop"), "name"),
        (changed(device=7), "device"),
        (changed(target={"lr_width": 1, "lr_height": 48}), "target"),
        (changed(target={"lr_width": 64}), "target"),
        (changed(table=[]), "table"),
        (changed(calibration={"gain": "1", "offset_ms": 0.0, "networks": 1}), "calibration.gain"),
        (changed(calibration={"gain": float("inf"), "offset_ms": 0.0, "networks": 1}), "calibration.gain"),
        (changed(calibration={"gain": HUGE, "offset_ms": 0.0, "networks": 1}), "calibration.gain"),
        (changed(calibration={"gain": 1.0, "offset_ms": 0.0, "networks": HUGE}), "calibration.networks"),
        (changed(threads=HUGE), "threads"),
        (changed(held_out={"networks": 1}), "held_out"),
        (lambda document: [document], "profile"),
    ],
)
def test_a_document_that_is_wrong_names_the_field(change: Callable[[dict[str, Any]], Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        DeviceProfile.from_json(change(PROFILE.to_json()))
    assert field in {problem.field for problem in caught.value.problems}
    assert "profile-device" in caught.value.hint or field == "name"


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        DeviceProfile.from_json(PROFILE.to_json() | {"version": 9, "threads": -1, "block": "16"})
    assert [problem.field for problem in caught.value.problems] == ["version", "threads", "block"]


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", ".a", "a" * 65, "a\n", "ä"])
def test_a_name_that_is_none_for_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="name"):
        profile_path(tmp_path, name)


@pytest.mark.parametrize("content", [None, "", "[1", "[]"])
def test_a_file_that_holds_no_profile_is_refused(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "devices").mkdir()
    if content is not None:
        (tmp_path / "devices" / "laptop.json").write_text(content)
    with pytest.raises(InvalidInput, match="profile"):
        read_profile(tmp_path, "laptop")


def test_predictions_load_neither_torch_nor_a_runtime() -> None:
    program = """
import sys
import evaluator.latency.batch, evaluator.latency.profile, evaluator.latency.profiling
print(*{"torch", "onnx", "onnxruntime"} & set(sys.modules))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
