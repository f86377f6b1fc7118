"""How long the next stretch of a full training is, and where the training stands after it. Pure."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from evaluator.executor import Completion, Setback
from evaluator.finishing import expected_s
from evaluator.outcome import Failure, Success
from evaluator.provenance import code_digest

from ..records import Candidate, Training, TrainingPoint, TrainingStatus
from ..spec import SearchSpec

FIRST_STEPS = 50
"""Steps of a first stretch where nothing tells how long a step takes."""

ROUND = 10
"""Stretches end at multiples of so many steps: the evaluator judges losses so many at a time."""


MOST_POINTS = 256
"""Points that are kept of one training: they are written with each renewal of its lease, and "paper" may take weeks."""


def stop_after(step: int, steps: int, step_s: float | None, checkpoint_s: float) -> int:
    """The step at which the next stretch ends.

    Args:
        step: Steps done.
        steps: Steps in all.
        step_s: Seconds that a step takes; None where that is not known.
        checkpoint_s: Seconds that a stretch should take.

    >>> stop_after(100, 10_000, step_s=0.5, checkpoint_s=120), stop_after(100, 10_000, step_s=None, checkpoint_s=120)
    (340, 150)
    """
    length = checkpoint_s / step_s if step_s else FIRST_STEPS
    left = steps - step
    return steps if length >= left else min(steps, step + max(ROUND, int(length) // ROUND * ROUND))


def step_s_of(training: Training) -> float | None:
    """Seconds that a step took in the last stretch; None before the first."""
    if not training.points:
        return None
    last = training.points[-1]
    before = training.points[-2] if len(training.points) > 1 else None
    steps, train_s = (last.step, last.train_s) if before is None else _between(before, last)
    return train_s / steps if steps > 0 else None


def stretch_s(training: Training, checkpoint_s: float) -> float:
    """Seconds that the next stretch should take: as asked for, but no fewer than a scoring takes, up to ten times that.

    Each stretch ends with a scoring, which takes minutes on large validation images and would be most of the work.
    """
    scoring_s = training.validate_s / max(1, len(training.points))
    return min(max(checkpoint_s, scoring_s), 10 * checkpoint_s)


def guessed_step_s(training: Training, candidate: Candidate, spec: SearchSpec, devices: Set[str]) -> float | None:
    """Seconds that a step may take, by what one took in the search; None where that was on another device."""
    evaluation = candidate.evaluation
    if evaluation is None or not evaluation.steps or set(devices) != {evaluation.device}:
        return None
    seen = replace(spec.recipe.at_rung(candidate.rung), steps=evaluation.steps)
    distilled = training.recipe.distil is not None
    return expected_s(training.recipe.training, seen, evaluation.train_s, distilled=distilled) / training.steps


def advanced(training: Training, completion: Completion, outcome: Success, until: int) -> Training:
    """A training after a stretch that succeeded."""
    scores, train_s = outcome.scores, training.train_s + outcome.train_s
    point = TrainingPoint(
        step=until,
        loss=mean_loss(outcome.loss_curve, since=training.step),
        psnr_db=scores.psnr_db,
        ssim=scores.ssim,
        fsds_db=scores.fsds_db,
        fsds_si_db=scores.fsds_si_db,
        bands=outcome.bands,
        train_s=train_s,
    )
    return replace(
        training,
        step=until,
        points=thinned((*training.points, point)),
        train_s=train_s,
        validate_s=training.validate_s + outcome.validate_s,
        data_digest=outcome.provenance.data_digest,
        code_digest=outcome.provenance.code_digest,
        device=outcome.provenance.device,
        precision=outcome.provenance.precision,
        protocol=scores.protocol,
        setbacks=(*training.setbacks, *completion.setbacks),
    )


def failed(training: Training, completion: Completion, outcome: Failure) -> Training:
    """A training after a stretch that failed, and why."""
    after = f"after step {training.step} of {training.steps}"
    reason = f"{outcome.kind} {after}: {outcome.message}; {outcome.hint}, then ask for a new training"
    setbacks = (*training.setbacks, *completion.setbacks)
    return replace(training, status=TrainingStatus.FAILED, reason=reason, setbacks=setbacks)


def standing_at(training: Training, step: int) -> Training:
    """A training that stands elsewhere than its row says: what it had reached later is not true any more."""
    if step >= training.step:
        return replace(training, step=step)
    points = tuple(point for point in training.points if point.step <= step)
    return replace(training, step=step, points=points, train_s=points[-1].train_s if points else 0.0)


def thinned(points: tuple[TrainingPoint, ...]) -> tuple[TrainingPoint, ...]:
    """Points without the one that is missed least, where they are too many; the last two tell the present pace."""
    if len(points) <= MOST_POINTS:
        return points
    least = min(range(1, len(points) - 2), key=lambda place: points[place + 1].step - points[place - 1].step)
    return points[:least] + points[least + 1 :]


def gone_on_from(training: Training, other: Training) -> Training:
    """A training that goes on from where another one of the same lineage has failed."""
    return replace(training, step=other.step, points=other.points, train_s=other.train_s, validate_s=other.validate_s)


def set_back(training: Training, step: int, who: str, why: str = "") -> Training:
    """A training of which steps are lost, with a setback that says so: nobody has to find out from a log.

    Args:
        training: Where it stood by its row.
        step: Where it stands.
        who: Who found out.
        why: What was found; else what may be, by what is known.
    """
    if not why:
        other = training.code_digest != code_digest()
        why = "another version of the code took them" if other else "the file of where it stood is gone, or another's"
    message = f"{training.step - step} of {training.step} steps are taken again: {why}"
    setback = Setback(cause="set_back", worker=who, message=message)
    return replace(standing_at(training, step), setbacks=(*training.setbacks, setback))


def mean_loss(curve: tuple[tuple[int, float], ...], since: int) -> float | None:
    """Mean loss of the steps after one, from means up to each point of a curve; None where it has none of them.

    >>> mean_loss(((10, 9.0), (20, 0.5), (40, 0.25)), since=10)
    0.3333333333333333
    """
    weighted, before = 0.0, since
    for step, loss in curve:
        if step > before:
            weighted, before = weighted + (step - before) * loss, step
    return weighted / (before - since) if before > since else None


def _between(before: TrainingPoint, last: TrainingPoint) -> tuple[int, float]:
    return last.step - before.step, last.train_s - before.train_s
