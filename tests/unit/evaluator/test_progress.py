"""Reports from inside an evaluation: when, how often, and with which figures."""

from hypothesis import given
from hypothesis import strategies as st

from evaluator.progress import CHECKPOINT_EVERY_S, CHECKPOINTS, REPORT_EVERY_S, Reporter, TrainingProgress


class Desk:
    """A reporter with everything that it needs, and what became of it."""

    def __init__(self, *, steps: int = 100, batch: int = 8) -> None:
        self.now = 0.0
        self.reports: list[TrainingProgress] = []
        self.times: list[float] = []
        self.measured: list[float] = []
        self.reporter = Reporter(
            self._take,
            clock=lambda: self.now,
            steps=steps,
            batch=batch,
            psnr_db=self._measure,
            memory_bytes=lambda: 5,
        )

    def _take(self, progress: TrainingProgress) -> None:
        self.reports.append(progress)
        self.times.append(self.now)

    def _measure(self) -> float:
        self.measured.append(self.now)
        return 30.0 + len(self.measured)


def test_a_phase_that_begins_is_told_at_once_with_what_is_known() -> None:
    desk = Desk()
    desk.reporter.begin("training", 0)
    desk.now = 2.0
    desk.reporter.look(40, 0.25)
    desk.reporter.begin("validation", 60)
    assert desk.reports == [
        TrainingProgress(phase="training", step=0, steps=100, memory_bytes=5),
        TrainingProgress(step=40, steps=100, loss=0.25, patches_per_s=160.0, memory_bytes=5),
        TrainingProgress(phase="validation", step=60, steps=100, loss=0.25, memory_bytes=5),
    ]


def test_a_resumed_training_is_not_faster_for_the_steps_before() -> None:
    desk = Desk()
    desk.reporter.begin("training", 50)
    desk.now = 1.0
    desk.reporter.look(60, None)
    assert desk.reports[-1].patches_per_s == 80.0


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=200))
def test_reports_come_at_most_once_a_second_and_measurements_at_most_every_five(durations: list[float]) -> None:
    desk = Desk(steps=len(durations))
    desk.reporter.begin("training", 0)
    for step, duration in enumerate(durations, start=1):
        desk.now += duration
        desk.reporter.look(step, None)
    pauses = [later - earlier for earlier, later in zip(desk.times, desk.times[1:], strict=False)]
    assert all(pause >= REPORT_EVERY_S for pause in pauses)
    pauses = [later - earlier for earlier, later in zip([0.0, *desk.measured], desk.measured, strict=False)]
    assert all(pause >= CHECKPOINT_EVERY_S for pause in pauses)
    assert len(desk.measured) <= CHECKPOINTS
    assert [report.step for report in desk.reports] == sorted({report.step for report in desk.reports})


def test_the_psnr_stays_until_the_next_checkpoint() -> None:
    desk = Desk(steps=100)
    desk.reporter.begin("training", 0)
    for step, now in ((5, 6.0), (12, 8.0), (13, 20.0), (20, 21.5)):
        desk.now = now
        desk.reporter.look(step, None)
    assert [report.psnr_db for report in desk.reports] == [None, None, 31.0, 31.0, 32.0]
