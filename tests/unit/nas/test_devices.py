"""A search takes the whole profile along that it names, or says why it cannot."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluator.latency.profile import write_profile
from evaluator.latency.table import OperatorTable
from evaluator.latency_target import LatencyTarget
from nas.devices import with_profile
from nas.spec import SearchSpec
from nas.testing.profiles import make_profile
from search_space.errors import InvalidInput


def spec_of(latency: dict[str, Any] | None = None, **changes: Any) -> SearchSpec:
    document = {"dataset": {"train": "photos"}, "space": "tiny", "objectives": ["psnr", "latency_ms"]}
    return SearchSpec.model_validate(document | ({} if latency is None else {"latency": latency}) | changes)


def problems(spec: SearchSpec, home: Path) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        with_profile(spec, home)
    return {problem.field: problem.allowed for problem in refused.value.problems}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for age, name in enumerate(("old", "new")):
        path = write_profile(tmp_path, make_profile(name=name))
        os.utime(path, (1000 + age, 1000 + age))
    return tmp_path


def test_a_name_stands_for_a_whole_profile_and_no_name_for_the_newest(home: Path) -> None:
    for name, expected in (("old", "old"), ("new", "new"), (None, "new")):
        timing = with_profile(spec_of({"profile": name}), home).latency
        assert timing is not None
        assert timing.profile == make_profile(name=expected)
    assert with_profile(spec_of(), home) == with_profile(spec_of({"profile": "new"}), home)


def test_no_name_passes_over_profiles_that_cannot_be_read_or_were_made_for_something_else(home: Path) -> None:
    other = write_profile(home, replace(make_profile(name="other"), scale=3))
    os.utime(other, (2000, 2000))
    (home / "devices" / "empty.json").touch()
    assert with_profile(spec_of(), home) == with_profile(spec_of({"profile": "new"}), home)


def test_where_no_profile_fits_the_one_written_last_says_why(tmp_path: Path) -> None:
    write_profile(tmp_path, replace(make_profile(name="other"), scale=3))
    assert problems(spec_of(), tmp_path)["scale"].startswith("3, for which the profile other was made")


def test_a_search_that_holds_its_profile_needs_no_file(home: Path, tmp_path: Path) -> None:
    spec = with_profile(spec_of(), home)
    assert with_profile(SearchSpec.model_validate(spec.to_json()), tmp_path / "elsewhere") == spec


def test_what_is_measured_or_not_asked_for_needs_no_profile(tmp_path: Path) -> None:
    measured = with_profile(spec_of({"mode": "measured"}), tmp_path)
    assert measured.latency_target == LatencyTarget()
    assert with_profile(spec_of(objectives=["psnr"]), tmp_path).latency is None


def test_without_a_profile_it_says_how_to_make_one(tmp_path: Path) -> None:
    said = problems(spec_of(), tmp_path)["latency.profile"]
    assert "srnas profile-device" in said
    assert "measured" in said


@pytest.mark.parametrize("name", ["other", "../old", "/etc/passwd", ""])
def test_an_unknown_name_is_answered_with_those_that_there_are(home: Path, name: str) -> None:
    assert problems(spec_of({"profile": name}), home)["latency.profile"].startswith("one of new, old")


def test_a_file_that_is_no_profile_is_refused(home: Path) -> None:
    for text in ("{", "[]", '{"version": 1}'):
        (home / "devices" / "old.json").write_text(text)
        assert "can be read" in problems(spec_of({"profile": "old"}), home)["latency.profile"]


def test_what_a_profile_was_not_made_for_is_named_by_field(tmp_path: Path) -> None:
    spec = spec_of({"profile": make_profile(), "width": 320}, space="falsr", scale=3, channels=3)
    found = problems(spec, tmp_path)
    assert set(found) == {"latency.width", "space", "scale", "channels"}
    assert found["latency.width"].startswith("640, for which the profile bench was made")


def test_a_profile_that_lacks_operators_of_the_space_is_refused(tmp_path: Path) -> None:
    whole = make_profile()
    some = OperatorTable(dict(list(whole.table.prices.items())[::2]))
    assert "whole" in problems(spec_of({"profile": replace(whole, table=some)}), tmp_path)["latency.profile"]
