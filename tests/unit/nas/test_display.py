import pytest

from nas.display import gain
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
