"""The page of the distillation benchmark: arms side by side, each compared with the plain one seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Row
from benchmarks.reporting import table
from nas.benchmarking.summary import interval

PLAIN, OUTPUT, FAKE_INT8, TUNED = "plain", "output", "INT8, no teacher", "INT8, teacher tuned"
FLOAT, INT8 = "psnr_db", "int8_psnr_db"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the rows have in common.

    Attributes:
        machine: Where they were taken, in one line.
        steps: Of every student.
        seeds: Trainings of every arm.
        patches: Batch and side, as in "8 patches of 16x16".
        train: Name of the training images.
        validation: Name of the validation images.
        crop: LR pixels a side of the squares that were scored.
        params: Of the student and the teacher.
        teacher_steps: Of the teacher.
        teacher_db: PSNR of the teacher, in float32.
        bicubic_db: PSNR of bicubic.
    """

    machine: str
    steps: int
    seeds: int
    patches: str
    train: str
    validation: str
    crop: int
    params: tuple[int, int]
    teacher_steps: int
    teacher_db: float
    bicubic_db: float


@dataclass(frozen=True)
class Difference:
    """A mean of differences seed by seed, and how far its 95 % interval (Student's t) reaches from there.

    Attributes:
        mean: In dB; above 0 is better.
        reach: In dB; NaN with one seed.
    """

    mean: float
    reach: float

    @classmethod
    def of(cls, better: Sequence[Row], base: Sequence[Row], figure: str) -> Difference:
        """From rows of equal seeds in equal order."""
        mean, reach = interval(_figures(better, figure) - _figures(base, figure))
        return cls(float(mean), float(reach))

    @property
    def verdict(self) -> str:
        """Whether it helped, as far as so few seeds can tell."""
        if not abs(self.mean) > self.reach:  # which a NaN is not
            return "no difference that its seeds can tell from chance"
        return "helped" if self.mean > 0 else "did harm"

    def __str__(self) -> str:
        """As a table has it, `+0.012 ± 0.020`."""
        return f"{self.mean:+.3f}" if np.isnan(self.reach) else f"{self.mean:+.3f} ± {self.reach:.3f}"


def _figures(rows: Sequence[Row], figure: str) -> NDArray[np.float64]:
    return np.array([row[figure] for row in rows], dtype=np.float64)


def to_markdown(setting: Setting, arms: Mapping[str, Sequence[Row]]) -> str:
    """The page.

    Args:
        setting: What it was measured with.
        arms: Rows by arm, each in the order of its seeds; `PLAIN` is among them.
    """
    student, teacher = setting.params
    parts = [
        "# What a teacher is worth",
        f"A student of {student:,} parameters and a teacher of {teacher:,}, x2 on luma. Every arm trains the student "
        f"from scratch for {setting.steps:,} steps of {setting.patches} of {setting.train}, with {setting.seeds} "
        "seeds: equal ones have equal starting weights and equal draws. Scored under `y-float` on the central "
        f"{setting.crop}x{setting.crop} LR pixels of {setting.validation}, where bicubic has {setting.bicubic_db:.2f} "
        f"dB and the teacher, trained for {setting.teacher_steps:,} steps, {setting.teacher_db:.2f} dB. Device: "
        f"{setting.machine}. `python benchmarks/distillation.py --images ROOT --steps {setting.steps} --seeds "
        f"{setting.seeds}` measures again.",
        arms_table(arms),
        "± is the standard deviation over seeds behind a mean, and half of the 95 % interval (Student's t) behind a "
        "difference, which is taken seed by seed. INT8 is simulated static quantisation, its ranges from training "
        "patches. The time of a step is that of the processor.",
        "## What helped, and what did not",
        "\n".join(verdicts(arms)),
        EXPLANATION,
    ]
    return "\n\n".join(parts) + "\n"


EXPLANATION = """\
## The arms

* *plain*: L1 to the true images, as any training.
* *output*: and L1 to the teacher's images. *features*: and the relative distance of every cell's output, through a
  linear 1x1 adapter, from that of the teacher's cell at the same depth, at weight 0.1. *bands*: and the distance of
  the spectra in five rings, each as important as another.
* *dynamic cues*: these three, weighed patch by patch by a small estimator. It learns in an outer loop, every tenth
  step, from what a trial step does to images that are held out: a tenth, which its students are not trained on.
* *value aware*: *output*, with patches drawn in proportion to what was still wrong at their place, the least valued
  fifth left out, in phases of 100 steps that take turns with plain ones.
* *INT8, no teacher*: L1, computed with fake INT8 weights and activations. *INT8, teacher tuned*: and the angle between
  the student's detail and the teacher's, the teacher being tuned towards what the low-precision student can follow.
* *all*: everything at once.

The weights of the cues are 1, and were not tuned, but for the features: at some twenty times this weight they took
0.5 dB from *output* in a first try with one seed. A short training of a small network says nothing of a long one: a
teacher may be worth more, or less, when a student has learnt what the images have to say."""


def arms_table(arms: Mapping[str, Sequence[Row]]) -> str:
    """A line for each arm."""
    base = arms[PLAIN]
    head = ("arm", "PSNR, dB", "over plain", "INT8 PSNR, dB", "over plain, INT8", "lost by INT8, dB", "time of a step")
    pace = np.median(_figures(base, "step_s"))
    lines = []
    for name, rows in arms.items():
        lost = (_figures(rows, FLOAT) - _figures(rows, INT8)).mean()
        over = ["", ""] if name == PLAIN else [str(Difference.of(rows, base, figure)) for figure in (FLOAT, INT8)]
        slower = np.median(_figures(rows, "step_s")) / pace
        lines.append(
            [name, _spread(rows, FLOAT), over[0], _spread(rows, INT8), over[1], f"{lost:.3f}", f"{slower:.2f} x"]
        )
    return table(head, lines)


def _spread(rows: Sequence[Row], figure: str) -> str:
    values = _figures(rows, figure)
    return f"{values.mean():.3f}" if len(values) < 2 else f"{values.mean():.3f} ± {values.std(ddof=1):.3f}"


def verdicts(arms: Mapping[str, Sequence[Row]]) -> list[str]:
    """A sentence for each arm beside the plain one, and for each trick beside what it is a trick on."""
    lines = [f"* *{name}*: {_said(rows, arms[PLAIN])}." for name, rows in arms.items() if name != PLAIN]
    if {FAKE_INT8, TUNED} <= arms.keys():
        lines.append(f"* *{TUNED}* beside *{FAKE_INT8}*: {_said(arms[TUNED], arms[FAKE_INT8])}.")
    tricks = [name for name in arms if name not in (PLAIN, OUTPUT, FAKE_INT8)]
    if OUTPUT in arms:
        lines += [f"* *{name}* beside *{OUTPUT}*: {_said(arms[name], arms[OUTPUT])}." for name in tricks]
    return lines


def _said(rows: Sequence[Row], base: Sequence[Row]) -> str:
    found = {what: Difference.of(rows, base, key) for what, key in (("float32", FLOAT), ("INT8", INT8))}
    return "; ".join(f"in {what} {difference.verdict} ({difference} dB)" for what, difference in found.items())
