"""How busy workers were follows from when their jobs came and went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.watching import Span, Watched, busy
from evaluator.executor import Ticket
from evaluator.testing import ScriptedExecutor, tiny_data, tiny_job

LENGTHS = st.lists(st.floats(0.1, 1.0), min_size=8, max_size=40)


def packed(lengths, workers, gap_s=0.0):
    """What an executor shows when each worker takes the next job so long after its last one ended."""
    free_s, spans = [0.0] * workers, []
    for length in lengths:
        slot = free_s.index(min(free_s))
        submitted_s = free_s[slot]
        free_s[slot] = submitted_s + length + gap_s
        spans.append(Span(submitted_s=submitted_s, ended_s=free_s[slot], busy_s=length))
    return spans


@given(lengths=LENGTHS, workers=st.integers(1, 6))
def test_workers_that_always_have_a_job_are_busy_all_the_time(lengths, workers):
    found = busy(packed(lengths, workers), workers)
    assert found.steady_share == pytest.approx(1.0)
    assert found.gap_ms == pytest.approx(0.0, abs=1e-6)
    assert 0 < found.whole_share <= 1 + 1e-9
    assert (found.jobs, found.shortest_s, found.longest_s) == (len(lengths), min(lengths), max(lengths))


@given(gap_s=st.floats(0.01, 0.5), workers=st.integers(1, 4))
def test_the_time_between_jobs_is_told_for_each(gap_s, workers):
    found = busy(packed([1.0] * 40 * workers, workers, gap_s), workers)
    assert found.gap_ms == pytest.approx(1000 * gap_s)
    assert found.steady_share == pytest.approx(1 / (1 + gap_s))


def test_workers_that_wait_for_the_last_of_a_generation_are_idle():
    spans = [Span(submitted_s=t, ended_s=t + length, busy_s=length) for t in (0, 10, 20) for length in (10, 1)]
    found = busy(spans, 2)
    assert found.steady_share == pytest.approx(11 / 20)
    assert found.whole_share == pytest.approx(33 / 60)


def test_an_executor_that_is_watched_works_as_before():
    ticks = iter(range(100))
    watched = Watched(ScriptedExecutor(capacity=2), clock=lambda: next(ticks), cpu=lambda: next(ticks))
    data = tiny_data()
    watched.load(data)
    tickets = [watched.submit(tiny_job(data, seed=seed)) for seed in range(3)]
    assert len(watched.workers()) == watched.capacity == 2
    watched.cancel(tickets[0])
    ended = [completion.ticket for _ in range(2) for completion in watched.completed(0.0)]
    assert ended == tickets[1:] == [Ticket(2), Ticket(3)]
    assert watched.completed(0.0) == []
    assert [span.submitted_s < span.ended_s for span in watched.spans] == [True, True]
    assert watched.cpu_s > 0
    watched.unload(data.digest)
    watched.close()
