"""How much a short training tells: mean PSNR and rank agreement by training steps, for recipes side by side.

    python benchmarks/fidelity.py --images ROOT [--arms paper default ...] [--workers 2]

ROOT holds `train/BSDS200` and `val/Kodak24`. The same 16 networks of the FALSR space are trained under every arm, a
named recipe, to 31, 62, 125, 250 and 500 steps. Every score is taken at the end of its own schedule: where the rate
decays, each length has a decay of its own, off one common stable phase. Batch 8 and LR patches of 16 pixels in every
arm, unless its name says otherwise. Rows are kept as they come (`fidelity.rows.jsonl` beside the JSON); a run that
was cut off goes on from there, and arms that were measured earlier stay in the report.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fidelity_page import plot, to_markdown
from benchmarks.fidelity_report import Measured, report, scored_everywhere
from benchmarks.measuring import CHANNELS, SCALE, Row, RowFile, climb, compute, images, timed
from evaluator.metrics.protocol import get_protocol
from evaluator.provenance import cpu_name
from evaluator.recipe import RECIPES, Recipe
from evaluator.score import baseline
from evaluator.seeding import training_seed
from search_space.cost import params
from search_space.genotype import Genotype
from search_space.spaces import get_space

STEPS, RUNGS = 500, 5
SPREAD, BAND = (55_000, 300_000), (105_000, 135_000)
EACH = 8
"""Networks spread over the logarithm of the parameters, and as many within a narrow band of them."""


@dataclass(frozen=True)
class Arm:
    """One way to score a candidate cheaply.

    Attributes:
        recipe: How it is trained; all rungs of it are scored.
        validation_images: Images that it is scored on.
    """

    recipe: Recipe
    validation_images: int = 16


def _arm(base: str, *, validation_images: int = Arm.validation_images, **changes: Any) -> Arm:
    """A named recipe with 500 steps in five rungs, in small batches, and with changes."""
    recipe = RECIPES[base]
    if recipe.schedule == "constant":  # a decay over no steps is no decay, and has rungs
        changes = {"schedule": "stable-decay", "decay_fraction": 0.0, **changes}
    common = {"name": base, "steps": STEPS, "rungs": RUNGS, "batch": 8, "patch": 16}
    return Arm(replace(recipe, **{**common, **changes}), validation_images)


ARMS: Mapping[str, Arm] = {
    "paper": _arm("paper"),
    "paper + residual": _arm("paper", image_residual=True),
    "default init": _arm("default", initialisation="normal", input_scale=1.0, input_offset=0.0),
    "default": _arm("default"),
    "paper, batch 16, patch 24": _arm("paper", batch=16, patch=24),
    "default, rate 2e-3": _arm("default", learning_rate=2e-3),
    "default, no decay": _arm("default", decay_fraction=0.0),
    "default, decay 0.4": _arm("default", decay_fraction=0.4),
    "default, no EMA": _arm("default", ema_decay=0.0),
    "default, batch 4": _arm("default", batch=4),
    "default, 8 images": _arm("default", validation_images=8),
}
"""What can be measured. "default init" is the default without its input mapping and its scaled initialisation."""

MAIN_ARMS = tuple(ARMS)[:4]


@dataclass(frozen=True)
class Training:
    """One row to compute: a network, by its number, under an arm."""

    arm: str
    index: int
    genotype: Genotype


def networks(seed: int = 0, *, draws: int = 4000) -> list[Genotype]:
    """The 16 networks: 8 from 55K to 300K parameters, evenly in their logarithm, then 8 from 105K to 135K."""
    space, rng = get_space("falsr"), np.random.default_rng(seed)
    pool = {genotype: _size(genotype) for genotype in (space.sample(rng) for _ in range(draws))}
    chosen: list[Genotype] = []
    for target in np.geomspace(*SPREAD, EACH):
        left = (genotype for genotype in pool if genotype not in chosen)
        chosen.append(min(left, key=lambda genotype: abs(np.log(pool[genotype] / target))))
    band = [g for g, size in pool.items() if BAND[0] <= size <= BAND[1] and g not in chosen]
    return chosen + band[:EACH]


def _size(genotype: Genotype) -> int:
    return params(genotype, scale=SCALE, channels=CHANNELS)


def train(root: Path, steps: int, task: Training) -> Row:
    """Train one network under one arm and score it at every rung."""
    arm = scaled(ARMS[task.arm], steps)
    data = images(root, arm.validation_images)
    seed = training_seed(0, task.genotype.digest)
    measured = timed(lambda: climb(task.genotype, arm.recipe, data, seed=seed))
    named = {"arm": task.arm, "index": task.index, "genotype": str(task.genotype)}
    return {**named, **_origin(root, arm), "device": cpu_name(threads=1), **measured}


def scaled(arm: Arm, steps: int) -> Arm:
    """An arm with other numbers of steps."""
    return replace(arm, recipe=replace(arm.recipe, steps=steps))


def _origin(root: Path, arm: Arm) -> Row:
    """What a row was made with; rows that were made with something else are not used."""
    return {"recipe": arm.recipe.digest, "data": images(root, arm.validation_images).digest}


def measured_arms(rows: RowFile, chosen: Sequence[Genotype], root: Path, steps: int) -> list[Measured]:
    """The arms that every chosen network has a row of."""
    found = []
    for name, arm in ARMS.items():
        if all((name, index) in rows for index in range(len(chosen))):
            own = [rows.rows[name, index] for index in range(len(chosen))]
            _refuse_others(name, own, chosen, _origin(root, scaled(arm, steps)))
            found.append(Measured.of(name, scaled(arm, steps).recipe, arm.validation_images, own))
    return found


def _refuse_others(name: str, rows: Sequence[Row], chosen: Sequence[Genotype], origin: Row) -> None:
    for row, genotype in zip(rows, chosen, strict=True):
        if row["genotype"] != str(genotype) or any(row[field] != value for field, value in origin.items()):
            raise SystemExit(f"rows of the arm {name} are of another recipe, network or images: give another --out")


def _bicubic_psnr_db(root: Path) -> float:
    protocol = get_protocol(RECIPES["default"].protocol)
    return baseline(images(root, Arm.validation_images).validation, CHANNELS, protocol, metrics=("psnr_db",))["psnr_db"]


def main() -> None:
    """Measure what is missing and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, metavar="ROOT", help="folder of the photographs")
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=MAIN_ARMS, help="(default: the first four)")
    parser.add_argument("--networks", type=int, default=2 * EACH, help="use the first so many (default: all)")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the last rung (default: %(default)s)")
    parser.add_argument("--reference", default="default", choices=list(ARMS), help="whose last ranks to compare with")
    parser.add_argument("--workers", type=int, default=2, help="processes, a thread each (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/tables/fidelity.json"), help="JSON")
    parser.add_argument("--page", type=Path, default=Path("docs/reference/fidelity.md"), help="Markdown")
    parser.add_argument("--plot", type=Path, default=Path("docs/images/fidelity.svg"), help="SVG")
    asked = parser.parse_args()
    rows, chosen = RowFile(asked.out.with_suffix(".rows.jsonl"), ("arm", "index")), networks()[: asked.networks]
    tasks = [Training(arm, index, genotype) for arm in asked.arms for index, genotype in enumerate(chosen)]
    missing = [task for task in tasks if (task.arm, task.index) not in rows]
    work = partial(train, asked.images, asked.steps)
    compute(missing, work, rows, workers=asked.workers, title="fidelity")
    arms = measured_arms(rows, chosen, asked.images, asked.steps)
    kept = scored_everywhere(arms)
    arms = [replace(arm, psnr_db=arm.psnr_db[:, kept]) for arm in arms]
    document = report(
        arms,
        reference=asked.reference,
        bicubic_psnr_db=_bicubic_psnr_db(asked.images),
        sizes=[_size(genotype) for genotype, keep in zip(chosen, kept, strict=True) if keep],
        failed=int((~kept).sum()),
    )
    for path, text in (
        (asked.out, json.dumps(document, indent=1) + "\n"),
        (asked.plot, plot(arms)),
        (asked.page, to_markdown(document, asked.plot.name)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
