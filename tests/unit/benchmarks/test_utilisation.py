"""Searches whose trainings only wait: what is told of them."""

import pytest

pytest.importorskip("ray")

from benchmarks.simulation import Simulated
from benchmarks.utilisation import main, simulated
from benchmarks.watching import Span, busy


def test_every_simulation_has_a_line():
    spans = [Span(submitted_s=t, ended_s=t + 1, busy_s=1.0) for t in range(5) for _ in range(2)]
    one = Simulated(mode="steady", workers=2, busy=busy(spans, 2), controller_share=0.1, controller_ms=5)
    lines = simulated([one, one]).splitlines()
    assert lines[2] == lines[3] == "| steady | 2 | 10 | 1.00 to 1.00, 1.00 | 5 | 100.0% | 100.0% | 0 | 10.0% | 5 |"


@pytest.mark.parametrize("verb", ["read", "simulate"])
def test_each_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([verb, "--help"])
    assert "--json" in capsys.readouterr().out
