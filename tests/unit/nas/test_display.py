import pytest
from rich.console import Console

from nas.display import Row, Standing, failures, front_table, gain, no_network, progress_bar
from nas.records import IllegalTransition, SearchState


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
    assert str(IllegalTransition("a", SearchState.COMPLETED, SearchState.PAUSED)).endswith("; it has ended")
    assert "it can become queued" not in str(IllegalTransition("a", SearchState.QUEUED, SearchState.COMPLETED))


def test_failures_are_counted_by_cause_with_a_hint():
    (line,) = failures(["timeout", None, "error", "timeout"])
    assert line.startswith("3 failed: timeout x2 (raise the evaluation time-out")
    assert "error x1" in line
    assert failures([None]) == []


def test_an_empty_front_says_why():
    assert no_network(8, 6) == "no feasible network: 8 looked at, 6 failed, 2 break a constraint"


def test_the_id_of_a_candidate_is_never_cut():
    console = Console(width=40)
    with console.capture() as capture:
        console.print(front_table("front", ["psnr_db"], [Row(id="1f2e3d4c-1234", scores={"psnr_db": 30.0})]))
    assert "1f2e3d4c-1234" in capture.get()


@pytest.mark.parametrize("terminal", [False, True])
def test_what_was_found_in_the_folders_is_told_once(terminal):
    console = Console(width=200, force_terminal=terminal, highlight=False)
    standing = Standing(
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
        notes=["dataset.train: 8 images, layout flat"],
    )
    with console.capture() as capture, progress_bar(console) as show:
        show(standing)
        show(standing)
    assert capture.get().count("8 images, layout flat") == 1
