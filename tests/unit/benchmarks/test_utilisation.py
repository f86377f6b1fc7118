"""Searches whose trainings only wait: what is told of them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

pytest.importorskip("ray")

from benchmarks.simulation import Simulated
from benchmarks.utilisation import main, measure, shown, simulated
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


def candidate(worker, asked_s, told_s, *, train_s=3.0, cached=False):
    """What the service says of one candidate, as far as it is looked at."""
    evaluation = SimpleNamespace(train_s=train_s, validate_s=1.0, worker=worker, device="cpu (1 thread, x86_64)")
    asked, told = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s) for s in (asked_s, told_s))
    return SimpleNamespace(evaluation=evaluation, cached=cached, asked_at=asked, told_at=told)


def test_a_finished_search_is_read_without_what_was_known():
    candidates = [candidate("worker-1", 0, 4), candidate("worker-2", 0, 5), candidate("worker-1", 5, 10)]
    figures, busy_s = measure([*candidates, candidate("worker-9", 0, 99, cached=True)])
    assert (figures.trainings, figures.workers, figures.wall_s) == (3, 2, 10.0)
    assert (figures.training_share, figures.busy_share) == (9 / 20, 12 / 20)
    assert busy_s == {"worker-1": 8.0, "worker-2": 4.0}
    lines = shown(figures, busy_s).splitlines()
    assert lines[0] == "3 trainings on 2 workers (cpu (1 thread, x86_64)) in 10.0 s"
    assert "| training and validation | 12.0 | 60.0% |" in lines
    assert lines[-1] == "| of them worker-2 | 4.0 | 40.0% |"


def test_a_search_without_trainings_has_nothing_to_measure():
    with pytest.raises(SystemExit, match="no outcomes of its own"):
        measure([candidate("worker-1", 0, 4, cached=True)])
