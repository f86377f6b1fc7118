"""Workers and trainings as a terminal shows them."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evaluator.progress import TrainingProgress
from nas.posts import BAR, FEW, LINES, Post, bar, in_short, table_of_posts, training_lines
from nas.testing import START, make_candidate, make_worker

NOW = START + timedelta(hours=2)
BUSY = Post.of(make_worker("worker-1", make_candidate(ordinal=7)), NOW)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_bar_is_as_long_for_every_share(step: int, steps: int) -> None:
    assert len(bar(step, steps)) == BAR
    assert ("░" not in bar(step, steps)) == (steps > 0 and step >= steps)


def test_a_worker_is_seen_with_what_it_is_at_and_for_how_long() -> None:
    assert (BUSY.worker, BUSY.candidate, BUSY.state) == ("worker-1", "00000001-7", "training")
    assert BUSY.busy_s == 3600 - 7
    assert replace(BUSY, progress=None).state == "starting"
    assert (Post.of(make_worker(), NOW).state, Post.of(make_worker(), NOW).busy_s) == ("idle", None)


def test_a_training_is_a_line_with_the_figures_that_it_has() -> None:
    (line,) = training_lines([BUSY, Post(worker="idle")])
    assert line == "00000001-7  █████░░░░░ 100/200  loss 0.3000  27.50 dB  52 patches/s  worker-1"
    (line,) = training_lines([replace(BUSY, progress=TrainingProgress(phase="validation", step=9, steps=9))])
    assert line == "00000001-7  ██████████ 9/9  validation  worker-1"
    assert training_lines([replace(BUSY, progress=None)]) == ["00000001-7  starting  worker-1"]


def test_a_crowd_of_trainings_does_not_flood_a_terminal() -> None:
    crowd = [replace(BUSY, candidate=f"a-{number}") for number in range(40)]
    lines = training_lines(crowd)
    assert (len(lines), lines[-1]) == (LINES + 1, f"and {40 - LINES} more")
    assert in_short(crowd) == f"a-0 100/200, a-1 100/200, a-2 100/200, a-3 100/200, {40 - FEW} more"
    assert (training_lines([]), in_short([])) == ([], "")


def test_the_table_of_workers_has_the_idle_ones_too() -> None:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table_of_posts([BUSY, Post.of(make_worker("worker-2"), NOW)]))
    busy, idle = capture.get().splitlines()[-3:-1]
    assert all(text in busy for text in ("worker-1", "node-a", "training", "00000001-7", "100/200"))
    assert busy.split()[-6:] == ["0.3000", "27.50", "52", "6.0", "GiB", "0:59:53"]
    assert idle.split()[:2] == ["worker-2", "node-a"]
    assert "idle" in idle
