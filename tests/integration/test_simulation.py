"""A simulated search runs to its end on real Ray workers, none of which trains."""

from pathlib import Path

import pytest

pytest.importorskip("ray")

from benchmarks.simulation import simulate

pytestmark = pytest.mark.ray


def test_a_simulated_search_spends_its_budget_and_keeps_its_workers_busy(tmp_path: Path) -> None:
    found = simulate("steady", 2, evaluations=12, population=4, seconds=1.0, home=tmp_path)
    busy = found.busy
    assert busy.jobs == 12
    assert 0 < busy.steady_share <= 1
    assert 0 < busy.whole_share <= 1
    assert 1 <= busy.longest_s / busy.shortest_s < 15
    assert found.controller_share > 0
