"""The verb `profile-device` writes a profile that predicts, and says how to use it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from evaluator.latency.profile import read_profile
from evaluator.latency_target import LatencyTarget
from evaluator.recipe import Recipe
from nas.cli import app
from nas.cli_latency import read_size, spec_snippet
from nas.spec import SearchSpec
from search_space.errors import InvalidInput
from search_space.spaces import get_space

RUNNER = CliRunner()
SMALL = ["--space", "tiny", "--size", "16x12", "--quick", "--held-out", "3"]


def run(*options: str, home: Path):  # type: ignore[no-untyped-def]
    return RUNNER.invoke(app, ["profile-device", *SMALL, "--home", str(home), *options])


def test_the_help_teaches_by_an_example() -> None:
    result = RUNNER.invoke(app, ["profile-device", "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


def test_a_profile_is_written_and_predicts(tmp_path: Path) -> None:
    result = run("--name", "here", home=tmp_path)
    assert result.exit_code == 0, result.output
    found = read_profile(tmp_path, "here")
    assert found.target == LatencyTarget(lr_width=16, lr_height=12)
    genotype = get_space("tiny").sample(np.random.default_rng(1))
    assert found.predict(genotype, scale=2, channels=1, recipe=Recipe()) > 0
    for part in ("onnxruntime", "mean error", "tau", str(tmp_path / "devices" / "here.json"), spec_snippet(found)):
        assert part in result.output


def test_json_holds_the_profile_and_every_network_held_out(tmp_path: Path) -> None:
    result = run("--json", home=tmp_path)
    document = json.loads(result.stdout)
    assert document["path"] == str(tmp_path / "devices" / "cpu-16x12-x2.json")
    assert document["profile"] == json.loads(Path(document["path"]).read_text())
    assert len(document["held_out"]) == 3
    assert {"genotype", "measured_ms", "predicted_ms"} == set(document["held_out"][0])


def test_what_it_says_to_write_is_a_spec(tmp_path: Path) -> None:
    run("--name", "here", home=tmp_path)
    text = spec_snippet(read_profile(tmp_path, "here"))
    spec = SearchSpec.model_validate(json.loads(f'{{"dataset": {{"train": "photos"}}, "space": "tiny", {text}}}'))
    assert spec.timing is not None
    assert (spec.timing.mode, spec.timing.profile) == ("predicted", "here")


@pytest.mark.parametrize("size", ["640", "640x", "x360", "4x4", "9999x9999", "640x360x3", "-8x8"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(InvalidInput, match="WIDTHxHEIGHT"):
        read_size(size)


@pytest.mark.parametrize(
    ("options", "field"),
    [(["--name", "../x"], "name"), (["--space", "none"], "space"), (["--channels", "2"], "channels")],
)
def test_wrong_options_are_named_before_anything_is_timed(tmp_path: Path, options: list[str], field: str) -> None:
    result = run(*options, home=tmp_path)
    assert result.exit_code == 2
    assert f"error: {field}" in result.output
    assert not (tmp_path / "devices").exists()
