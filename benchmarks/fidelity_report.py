"""What the rows of the fidelity benchmark say: means, agreement of ranks, steps needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import CROP, TRAINING, VALIDATION, Row
from evaluator.recipe import Recipe
from nas.ranking import Agreement, agreement

Floats = NDArray[np.float64]

BASELINES = ("paper", "paper, batch 16, patch 24", "paper + residual", "default init")
"""Arms whose PSNR at their last rung the others are timed to."""
GOAL = 0.4
"""Share of a baseline's steps that the default recipe may need at most."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One arm, measured.

    Attributes:
        name: Of the arm.
        recipe: Its recipe.
        validation_images: Images that it was scored on.
        steps: Of its rungs, rising.
        psnr_db: Shape (rungs, networks); NaN where a network failed.
        took_s: Seconds of one core for all networks and rungs.
        device: Where it ran.
    """

    name: str
    recipe: Recipe
    validation_images: int
    steps: tuple[int, ...]
    psnr_db: Floats
    took_s: float
    device: str

    @classmethod
    def of(cls, name: str, recipe: Recipe, validation_images: int, rows: Sequence[Row]) -> Measured:
        """Read an arm's rows, one for each network."""
        scores = [[score.get("psnr_db", float("nan")) for score in row["scores"]] for row in rows]
        return cls(
            name=name,
            recipe=recipe,
            validation_images=validation_images,
            steps=recipe.rung_steps,
            psnr_db=np.array(scores, dtype=np.float64).T,
            took_s=sum(row["took_s"] for row in rows),
            device=", ".join(sorted({row["device"] for row in rows})),
        )

    @property
    def means(self) -> list[float]:
        """Mean PSNR of the networks at each rung."""
        return [float(mean) for mean in self.psnr_db.mean(axis=1)]


def scored_everywhere(arms: Sequence[Measured]) -> NDArray[np.bool_]:
    """Which networks failed at no rung of any arm, shape (networks,): only those can be compared."""
    every: NDArray[np.bool_] = np.all([np.isfinite(arm.psnr_db).all(axis=0) for arm in arms], axis=0)
    return every


@dataclass(frozen=True)
class Needed:
    """Training steps up to a mean PSNR.

    Attributes:
        steps: Interpolated between rungs; None when the last rung is below.
        at_most: Whether the first rung is above already, so that fewer may do.
    """

    steps: float | None
    at_most: bool = False

    def __str__(self) -> str:
        if self.steps is None:
            return "not reached"
        return f"{'≤ ' if self.at_most else ''}{self.steps:.0f}"


def steps_needed(steps: Sequence[int], means: Sequence[float], target: float) -> Needed:
    """When a mean first reaches a target, by linear interpolation.

    >>> str(steps_needed([100, 200], [30.0, 31.0], 30.25))
    '125'
    """
    if means[0] >= target:
        return Needed(float(steps[0]), at_most=True)
    for (start, low), (end, high) in pairwise(zip(steps, means, strict=True)):
        if low < target <= high:
            return Needed(start + (target - low) / (high - low) * (end - start))
    return Needed(None)


def report(
    arms: Sequence[Measured], *, reference: str, bicubic_psnr_db: float, sizes: Sequence[int], failed: int
) -> dict[str, Any]:
    """Everything that was found, as a JSON document.

    Args:
        arms: What was measured.
        reference: Name of the arm whose last ranks all others are compared with; left out where it is not among them.
        bicubic_psnr_db: Of bicubic, on the images of the arms.
        sizes: Parameters of each network.
        failed: How many more networks were left out, having failed under some arm.
    """
    last = next((arm.psnr_db[-1] for arm in arms if arm.name == reference), None)
    return {
        "devices": sorted({arm.device for arm in arms}),
        "core_s": round(sum(arm.took_s for arm in arms)),
        "images": {"train": TRAINING, "validation": VALIDATION, "crop_lr_px": CROP},
        "networks": {"count": len(sizes), "failed": failed, "params": list(sizes)},
        "bicubic_psnr_db": round(bicubic_psnr_db, 4),
        "reference": reference,
        "arms": {arm.name: _of_arm(arm, last) for arm in arms},
        "steps_needed": [_of_baseline(arm, arms) for arm in arms if arm.name in BASELINES],
    }


def _of_arm(arm: Measured, reference: Floats | None) -> dict[str, Any]:
    checkpoints = []
    for steps, mean, scores in zip(arm.steps, arm.means, arm.psnr_db, strict=True):
        to_last = agreement(scores, arm.psnr_db[-1])
        checkpoints.append(
            {
                "steps": steps,
                "psnr_db": round(mean, 4),
                "tau_last": _rounded(to_last),
                "tau_last_per_100_steps": None if to_last.tau is None else round(100 * to_last.tau / steps, 4),
                "tau_reference": None if reference is None else _rounded(agreement(scores, reference)),
            }
        )
    return {
        "recipe": arm.recipe.to_json(),
        "validation_images": arm.validation_images,
        "core_s": round(arm.took_s),
        "spread_db": round(float(arm.psnr_db[-1].std()), 4),
        "checkpoints": checkpoints,
    }


def _rounded(found: Agreement) -> dict[str, float | None]:
    figures = asdict(found)
    return {name: None if figures[name] is None else round(figures[name], 3) for name in ("tau", "low", "high")}


def _of_baseline(baseline: Measured, arms: Sequence[Measured]) -> dict[str, Any]:
    target, full = baseline.means[-1], baseline.steps[-1]
    needed = {arm.name: steps_needed(arm.steps, arm.means, target) for arm in arms if arm is not baseline}
    return {
        "baseline": baseline.name,
        "psnr_db": round(target, 4),
        "steps": full,
        "needed": {
            name: {"steps": found.steps, "at_most": found.at_most, "shown": str(found), "share": _share(found, full)}
            for name, found in needed.items()
        },
    }


def _share(needed: Needed, full: int) -> float | None:
    return None if needed.steps is None else round(needed.steps / full, 3)
