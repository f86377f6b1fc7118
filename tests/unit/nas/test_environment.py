from __future__ import annotations

import platform
import subprocess
import sys

import numpy as np
import pytest

from evaluator.provenance import code_digest
from nas.environment import Drift, drift, environment


def test_an_environment_tells_versions_digests_and_the_machine_without_its_name() -> None:
    here = environment()
    assert here["numpy"] == np.__version__
    assert here["python"] == platform.python_version()
    assert here["code_digest"] == code_digest()
    assert len(here["nas_digest"]) == 32
    assert "moocore" in here
    assert all(type(value) is str and value for value in here.values())


def test_telling_versions_imports_nothing_heavy() -> None:
    program = "import sys; from nas.environment import environment; environment(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "numpy", "ray", "pymoo", "onnxruntime", "scipy", "sklearn"} & set(loaded)


def test_nothing_differs_from_the_same_environment_or_where_none_was_recorded() -> None:
    assert drift([environment(), environment()], environment()) == []
    assert drift([], environment()) == []
    assert drift([{}], environment()) == []


@pytest.mark.parametrize(
    ("recorded", "here", "text"),
    [
        ([{"numpy": "2.1.0"}], {"numpy": "2.2.0"}, "numpy 2.1.0 recorded, 2.2.0 here"),
        ([{"numpy": "2.1.0"}, {"numpy": "2.2.0"}], {"numpy": "2.2.0"}, "numpy 2.1.0 and 2.2.0 recorded, 2.2.0 here"),
        ([{"ray": "2.60.0"}], {}, "ray 2.60.0 recorded, none here"),
        ([{"numpy": "2", "ray": "2"}, {"numpy": "2"}], {"numpy": "2"}, "ray 2 and none recorded, none here"),
        ([{"torch": "2"}], {"torch": "2", "cpu": "Zen"}, "cpu none recorded, Zen here"),
        ([{"torch": "2"}, {}], {"torch": "3"}, "torch 2 recorded, 3 here"),
    ],
)
def test_what_differs_is_said_with_both_values(recorded: list[dict[str, str]], here: dict[str, str], text: str) -> None:
    assert [str(difference) for difference in drift(recorded, here)] == [text]


def test_differences_come_by_name() -> None:
    found = drift([{"b": "1", "a": "1"}], {"a": "2", "b": "2"})
    assert found == [Drift(name="a", recorded=("1",), here="2"), Drift(name="b", recorded=("1",), here="2")]
