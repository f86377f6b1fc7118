from dataclasses import replace

import pytest
from rich.console import Console

from nas.display import Row, Standing, failures, front_table, gain, grid_table, no_network, progress_bar
from nas.posts import Post
from nas.records import IllegalTransition, SearchState
from nas.statistics.tables import Grid
from nas.testing import START, make_candidate, make_search, make_worker


@pytest.mark.parametrize(
    ("psnr", "bicubic", "said"),
    [
        (None, 28.0, "none yet"),
        (27.31, 28.0, "27.31 dB (0.69 below bicubic)"),
        (28.0, 28.001, "28.00 dB (0.00 above bicubic)"),
        (29.5, 28.0, "29.50 dB (1.50 above bicubic)"),
        (29.5, None, "29.50 dB"),
    ],
)
def test_a_psnr_is_told_by_its_distance_from_bicubic(psnr, bicubic, said):
    assert gain(psnr, bicubic) == said


def test_a_search_that_ended_is_said_to_have_ended():
    assert str(IllegalTransition("a", SearchState.CANCELLED, SearchState.PAUSED)).endswith("; it has ended")
    assert "it can become queued" not in str(IllegalTransition("a", SearchState.QUEUED, SearchState.COMPLETED))


def test_failures_are_counted_by_cause_with_a_hint():
    (line,) = failures(["timeout", None, "error", "timeout"])
    assert line.startswith("3 failed: timeout x2 (raise the evaluation time-out")
    assert "error x1" in line
    assert failures([None]) == []


def test_an_empty_front_says_why():
    assert no_network(8, 6, "a-1 comes nearest") == "no feasible network: 8 looked at, 6 failed; a-1 comes nearest"
    assert no_network(0, 0, "") == "no feasible network: 0 looked at, 0 failed"


def test_the_id_of_a_candidate_is_never_cut():
    console = Console(width=40)
    with console.capture() as capture:
        console.print(front_table("front", ["psnr_db"], [Row(id="1f2e3d4c-1234", scores={"psnr_db": 30.0})]))
    assert "1f2e3d4c-1234" in capture.get()


STANDING = Standing(
    id="a",
    state="running",
    evaluated=1,
    budget=8,
    failed=0,
    in_flight=1,
    hypervolume=0.0,
    best_psnr_db=None,
    bicubic_psnr_db=None,
    seconds_left=None,
    steps=12_345,
    notes=["dataset.train: 8 images, layout flat"],
    warnings=["params and mult_adds rank alike"],
)


@pytest.mark.parametrize("terminal", [False, True])
def test_warnings_and_what_was_found_in_the_folders_are_told_once(terminal):
    console = Console(width=200, force_terminal=terminal, highlight=False)
    with console.capture() as capture, progress_bar(console) as show:
        show(STANDING)
        show(STANDING)
    assert capture.get().count("8 images, layout flat") == 1
    assert capture.get().count(" params and mult_adds rank alike") == 1


@pytest.mark.parametrize("terminal", [False, True])
def test_trainings_are_lines_in_a_terminal_and_a_few_words_elsewhere(terminal):
    training = Post.of(make_worker("worker-0", make_candidate()), START)
    console = Console(width=200, force_terminal=terminal, highlight=False)
    with console.capture() as capture, progress_bar(console) as show:
        show(replace(STANDING, trainings=[training]))
        show(replace(STANDING, trainings=[training]))
    shown = capture.get()
    if terminal:
        assert "00000001-0  █████░░░░░ 100/200" in shown
    else:
        assert shown.count("1 training; at 00000001-0 100/200") == shown.count("\nsearch") + 1 == 1


def test_a_search_in_this_process_shows_the_trainings_that_are_its_own():
    ours, theirs = (make_worker(name, make_candidate(name), seen_at=START) for name in ("00000001", "00000002"))
    standing = Standing.of(make_search("00000001"), START, [ours, theirs, make_worker()])
    assert [training.candidate for training in standing.trainings] == ["00000001-0"]


def test_a_standing_tells_steps_rungs_and_what_confirms_the_front():
    assert "12,345 steps, 1 training" in str(STANDING)
    beyond = replace(STANDING, evaluated=10, rungs=[6, 3, 1])
    assert "rungs 6 > 3 > 1" in str(beyond)
    assert "2 confirmed the front" in str(beyond)
    assert beyond.done == 8


def test_a_member_of_several_seeds_stands_with_its_spread():
    rows = [
        Row(id="a-0", scores={"psnr_db": 30.123, "params": 9}, seeds=3, spread={"psnr_db": 0.047}),
        Row(id="a-1", scores={"psnr_db": 29.0, "params": 5}),
    ]
    console = Console(width=200)
    with console.capture() as capture:
        console.print(front_table("front", ["psnr_db"], rows))
    assert "30.12 ± 0.05" in capture.get()
    assert "29.00 " in capture.get()
    assert "seeds" in capture.get()


def test_a_table_of_statistics_is_never_without_its_note():
    grid = Grid(title="rungs", headings=("rung", "steps"), rows=[("0", "60")], note="new networks start at rung 0")
    console = Console(width=80)
    with console.capture() as capture:
        console.print(grid_table(grid))
    assert all(text in capture.get() for text in ("rungs", "60", "new networks start at rung 0"))
