"""What a teacher is worth to a small network: every trick of `evaluator.distillation` beside a training without one.

    python benchmarks/distillation.py --images ROOT [--steps 1000] [--seeds 3] [--output docs/reference/distillation.md]

ROOT holds the folders that `--train` and `--validation` name. A teacher is trained once, on three times the steps. Then
a student of an eighth of its size is trained under every arm, from equal weights and with equal draws for equal seeds,
so that arms are compared seed by seed. Every student is scored twice: in float32, and in simulated static INT8 with
ranges from training patches, as quantisation after the training would have it. Rows are kept as they come; a run that
was cut off goes on from there.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.distillation_page import FAKE_INT8, PLAIN, TUNED, Setting, to_markdown
from benchmarks.measuring import CHANNELS, CROP, SCALE, TRAINING, VALIDATION, Row, RowFile, compute
from benchmarks.reporting import Machine, device_option
from evaluator import checkpoints
from evaluator.data.folders import scan
from evaluator.data.images import as_luma, load
from evaluator.data.patches import ResidentImages
from evaluator.data.sets import EvaluationData
from evaluator.devices import prepared
from evaluator.distillation import make_lesson
from evaluator.distillation.fake_int8 import FakeInt8
from evaluator.evaluate import place
from evaluator.finishing import FINISHING_RECIPES, Distillation
from evaluator.lesson import Lesson, PlainLesson
from evaluator.metrics.protocol import get_protocol
from evaluator.model import SRModel, build_model
from evaluator.recipe import Recipe
from evaluator.score import baseline
from evaluator.training import fit
from evaluator.validation import validate
from evaluator.weights import load_model
from search_space.cost import params
from search_space.genotype import Genotype

TEACHER = Genotype.parse("f32|conv-k3-f32-n2-r:0|conv-k3-f32-n2-r:1|conv-k3-f32-n1:0,2|conv-k3-f32-n1:3|tail:0,2,4")
STUDENT = Genotype.parse("f16|conv-k3-f16-n1:0|conv-k3-f16-n1:0,1|tail:0,2")
TEACHER_SEED = 1000
TEACHER_STEPS = 3
"""Steps of the teacher over those of a student."""
CALIBRATION, CALIBRATION_SIDE = 64, 48
"""Training patches that INT8 ranges are taken from, and their side in LR pixels."""

OUTPUT = {"output": 1.0}
CUES = {**OUTPUT, "features": 0.1, "bands": 1.0}

ARMS: Mapping[str, Distillation | None] = {
    PLAIN: None,
    "output": Distillation(teacher="it", **OUTPUT),
    "output, features": Distillation(teacher="it", **OUTPUT, features=0.1),
    "output, features, bands": Distillation(teacher="it", **CUES),
    "dynamic cues": Distillation(teacher="it", **CUES, dynamic_cues=True),
    "value aware": Distillation(teacher="it", **OUTPUT, value_aware=True),
    FAKE_INT8: None,
    TUNED: Distillation(teacher="it", **OUTPUT, quantise=True),
    "all": Distillation(teacher="it", **CUES, quantise=True, dynamic_cues=True, value_aware=True),
}
"""What is measured. At some twenty times this weight, features took 0.5 dB from "output" in a try with one seed."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every arm shares.

    Attributes:
        root: Folder of the photographs.
        train: Its folder of training images.
        validation: Its folder of validation images.
        crop: LR pixels a side of the central squares that are scored.
        recipe: How students are trained.
        device: Where.
    """

    root: Path
    train: str
    validation: str
    crop: int
    recipe: Recipe
    device: str


@cache
def images_of(bench: Bench) -> EvaluationData:
    """Luma to train on, RGB to score on."""
    train, validation = (
        load(scan(bench.root / name, scale=SCALE), scale=SCALE, channels=3) for name in (bench.train, bench.validation)
    )
    return EvaluationData(as_luma(train), validation.crop(bench.crop))


@dataclass(frozen=True)
class Training:
    """One row to compute: an arm with a seed."""

    arm: str
    seed: int


class FakeInt8Lesson(PlainLesson):
    """L1 of a student that computes as if in INT8: what the tuned teacher has to be better than."""

    recordable = False

    def __init__(self, model: SRModel) -> None:
        super().__init__(model)
        self._int8 = FakeInt8(model)

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        """L1 of the low-precision student."""
        with self._int8.active(observe=True):
            return super().loss(lr, hr)

    def state(self) -> Mapping[str, Tensor]:
        """The ranges."""
        return self._int8.state()

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        self._int8.resume(tensors)


def recipe(steps: int) -> Recipe:
    """The schedule of the finishing recipe "quick" on fewer steps of smaller batches."""
    base = FINISHING_RECIPES["quick"].training
    changes = {"warmup_steps": min(50, steps // 4), "ema_decay": 0.99, "batch": 4, "patch": 16, "precision": "float32"}
    return replace(base, name="distillation", steps=steps, **changes)


def teach(bench: Bench) -> bytes:
    """Train the teacher, and return its checkpoint."""
    images = ResidentImages(images_of(bench).train, bench.device)
    longer = replace(bench.recipe, steps=TEACHER_STEPS * bench.recipe.steps)
    generator = torch.Generator().manual_seed(TEACHER_SEED)
    print(f"training a teacher for {longer.steps:,} steps")
    model = build_model(TEACHER, longer, scale=SCALE, channels=CHANNELS, generator=generator)
    place(model, torch.device(bench.device))
    fit(model, images, longer, generator=generator, clock=time.monotonic, deadline_s=float("inf"))
    return checkpoints.to_bytes(model.network.state_dict(), model.metadata)


def train(bench: Bench, teacher: bytes, task: Training) -> Row:
    """Train one student on one thread and score it in both precisions."""
    with prepared(bench.device, threads=1):
        data, device = images_of(bench), torch.device(bench.device)
        images = ResidentImages(data.train, device)
        generator = torch.Generator().manual_seed(task.seed)
        model = build_model(STUDENT, bench.recipe, scale=SCALE, channels=CHANNELS, generator=generator)
        place(model, device)
        trace = fit(
            model,
            images,
            bench.recipe,
            generator=generator,
            clock=time.process_time if bench.device == "cpu" else time.monotonic,
            deadline_s=float("inf"),
            lesson=_lesson(task, teacher, model, images, bench),
        )
        scores = {"step_s": trace.train_s / bench.recipe.steps, **score(model, images, data)}
    return {"arm": task.arm, "seed": task.seed, "origin": origin(bench, teacher, task.arm), **scores}


def _lesson(task: Training, teacher: bytes, model: SRModel, images: ResidentImages, bench: Bench) -> Lesson:
    distil, device = ARMS[task.arm], torch.device(bench.device)
    if distil is None:
        return FakeInt8Lesson(model) if task.arm == FAKE_INT8 else PlainLesson(model)
    return make_lesson(distil, teacher, model=model, images=images, recipe=bench.recipe, seed=task.seed, device=device)


def score(model: SRModel, images: ResidentImages, data: EvaluationData) -> Row:
    """PSNR under y-float of the float network, and of the same in static INT8."""
    protocol, int8 = get_protocol("y-float"), FakeInt8(model.eval())
    lr, _ = images.sample(torch.Generator().manual_seed(0), CALIBRATION, CALIBRATION_SIDE)
    with torch.no_grad(), int8.active(observe=True):
        model(lr)
    psnr_db = validate(model, data.validation, protocol)[0]["psnr_db"]
    with int8.active(observe=False):
        int8_psnr_db = validate(model, data.validation, protocol)[0]["psnr_db"]
    return {"psnr_db": psnr_db, "int8_psnr_db": int8_psnr_db}


def origin(bench: Bench, teacher: bytes, arm: str) -> str:
    """What rows of an arm were made with besides their seed: those of another origin are not used."""
    distil = ARMS[arm]
    settings = asdict(distil) if distil else None
    text = f"{bench.recipe.digest} {images_of(bench).digest} {STUDENT} {settings} {bench.device}"
    return blake2b(text.encode() + teacher, digest_size=8).hexdigest()


def main() -> None:
    """Measure what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.environ.get("SRNAS_IMAGES_ROOT")
    parser.add_argument("--images", type=Path, default=root, required=root is None, metavar="ROOT")
    parser.add_argument("--train", default=TRAINING, help="folder of ROOT (default: %(default)s)")
    parser.add_argument("--validation", default=VALIDATION, help="folder of ROOT (default: %(default)s)")
    parser.add_argument(
        "--crop", type=int, default=CROP, help="LR pixels a side that are scored (default: %(default)s)"
    )
    parser.add_argument("--steps", type=int, default=1000, help="of a student (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of every arm (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes, a thread each (default: %(default)s)")
    parser.add_argument("--arms", nargs="*", choices=list(ARMS), default=list(ARMS), help="(default: all)")
    parser.add_argument("--rows", type=Path, default=Path("benchmarks/tables/distillation.rows.jsonl"))
    parser.add_argument("--output", type=Path, default=Path("docs/reference/distillation.md"), help="Markdown")
    device_option(parser)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    machine = Machine.here(asked.device)
    bench = Bench(
        root=asked.images,
        train=asked.train,
        validation=asked.validation,
        crop=asked.crop,
        recipe=recipe(asked.steps),
        device=asked.device,
    )
    teacher = teach(bench)
    rows = RowFile(asked.rows, ("arm", "seed", "origin"))
    made = {arm: origin(bench, teacher, arm) for arm in dict.fromkeys([PLAIN, *asked.arms])}
    tasks = [Training(arm, seed) for seed in range(asked.seeds) for arm in made]
    missing = [task for task in tasks if (task.arm, task.seed, made[task.arm]) not in rows]
    compute(missing, partial(train, bench, teacher), rows, workers=asked.workers, title="distillation")
    found = {arm: [rows.rows[arm, seed, key] for seed in range(asked.seeds)] for arm, key in made.items()}
    page = to_markdown(_setting(bench, teacher, str(machine), asked.seeds), found)
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(page, encoding="utf-8")
    print(page)


def _setting(bench: Bench, teacher: bytes, machine: str, seeds: int) -> Setting:
    """What the head of the page says."""
    recipe, validation, protocol = bench.recipe, images_of(bench).validation, get_protocol("y-float")
    guide = load_model(teacher)
    return Setting(
        machine=machine,
        steps=recipe.steps,
        seeds=seeds,
        patches=f"{recipe.batch} patches of {recipe.patch}x{recipe.patch}",
        train=bench.train,
        validation=bench.validation,
        crop=bench.crop,
        params=(params(STUDENT, scale=SCALE, channels=CHANNELS), params(TEACHER, scale=SCALE, channels=CHANNELS)),
        teacher_steps=guide.recipe.steps,
        teacher_db=validate(guide, validation, protocol)[0]["psnr_db"],
        bicubic_db=baseline(validation, CHANNELS, protocol, metrics=("psnr_db",))["psnr_db"],
    )


if __name__ == "__main__":
    main()
