"""How many networks are trained, scored and saved in an hour, ours beside the plain loop, on one machine or GPU.

    python benchmarks/candidates_per_hour.py [--steps 60] [--count 30] [--block 10] [--device cuda] [--json FILE]
    python benchmarks/candidates_per_hour.py --equal-psnr

Random networks of the FALSR space, from a fixed seed, go through both arms from end to end: built, trained by the
default recipe with so many steps, validated on whole images, weights serialised. Ours is a `ProcessExecutor`, with one
worker of one thread for each core, or with several on one GPU; the plain loop (`plain.py`) has one process with all the
threads, and the DataLoader's beside it. Both start warm. They take turns in blocks, the dearest network of a block
first, and a block of ours counts until its last worker is done: what a search would fill with the next network is lost.

`--equal-psnr` asks whether that speed is paid for: 8 networks from 2 seeds in both arms, and the difference of their
final PSNR, the same seed giving both the same starting weights and patches.

Where srnas is not installed, set PYTHONPATH to the repository: torch, numpy and Pillow do.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from benchmarks import plain
from benchmarks.reporting import PHOTOS, Machine, cores, device_option, write_json
from benchmarks.throughput import (
    OURS,
    PLAIN,
    Arm,
    Block,
    Result,
    Task,
    difference,
    pairs_table,
    take_turns,
    throughput,
    throughput_table,
)
from evaluator.data.folders import scan
from evaluator.data.images import as_luma, load, split
from evaluator.data.sets import EvaluationData
from evaluator.executor import Executor, Job
from evaluator.outcome import Outcome, Success
from evaluator.processes import ProcessExecutor
from evaluator.recipe import Recipe
from evaluator.seeding import training_seed
from search_space.cost import mult_adds
from search_space.genotype import Genotype
from search_space.spaces import get_space

SCALE, CHANNELS = 2, 1

HOLDOUT_SHARE = 4
"""One image in so many is scored on; the others are trained on."""

DRAWN = 0
"""Seed that networks are drawn with."""

ARMS = (OURS, PLAIN)

WARM_UP = 4
"""Networks that each arm trains for two steps before anything counts."""

PAIRED = {"count": 8, "seeds": 2}
"""Networks, and seeds of each, whose PSNR is compared."""

ALLOWED_DB = 0.02
"""Difference of the mean PSNR up to which the arms are equally good."""


def draw(count: int) -> list[Genotype]:
    """Distinct random networks; a smaller number gives the beginning of a larger one."""
    space, rng = get_space("falsr"), np.random.default_rng(DRAWN)
    drawn: dict[str, Genotype] = {}
    while len(drawn) < count:
        genotype = space.sample(rng)
        drawn[genotype.digest] = genotype
    return list(drawn.values())


def dearest_first(tasks: Sequence[Task]) -> list[Task]:
    """By mult-adds: what is long begins early, so that workers end together."""
    return sorted(tasks, key=lambda task: -mult_adds(task.genotype, scale=SCALE, channels=CHANNELS))


def ours(executor: Executor, recipe: Recipe, data: EvaluationData) -> Arm:
    """The arm that submits all tasks at once; `SystemExit` on a failure, which has no place in a comparison."""

    def run(tasks: Sequence[Task]) -> list[Result]:
        tickets = {executor.submit(_job(task, recipe, data)): task for task in dearest_first(tasks)}
        outcomes: dict[Task, Outcome] = {}
        while len(outcomes) < len(tasks):
            outcomes |= {tickets[done.ticket]: done.outcome for done in executor.completed(60.0)}
        return [_result(task, outcomes[task]) for task in tasks]

    return run


def _job(task: Task, recipe: Recipe, data: EvaluationData) -> Job:
    return Job(
        genotype=task.genotype,
        recipe=recipe,
        scale=SCALE,
        channels=CHANNELS,
        seed=training_seed(task.seed, task.genotype.digest),
        data_digest=data.digest,
        timeout_s=math.inf,
    )


def _result(task: Task, outcome: Outcome) -> Result:
    if not isinstance(outcome, Success):
        raise SystemExit(f"{task.genotype} from seed {task.seed} failed: {outcome.kind}: {outcome.message}")
    times = {"train_s": outcome.train_s, "validate_s": outcome.validate_s}
    return Result(genotype=str(task.genotype), seed=task.seed, psnr_db=outcome.scores.psnr_db, **times)


def plainly(recipe: Recipe, files: plain.Files, folder: Path, *, device: str, loaders: int) -> Arm:
    """The arm that trains one after the other in this process."""

    def train(task: Task) -> Result:
        trained = plain.evaluate(
            task.genotype,
            recipe,
            files,
            seed=training_seed(task.seed, task.genotype.digest),
            device=device,
            workers=loaders,
            checkpoint=folder / "weights.pt",
        )
        times = {"train_s": trained.train_s, "validate_s": trained.validate_s}
        return Result(genotype=str(task.genotype), seed=task.seed, psnr_db=trained.scores["psnr_db"], **times)

    return lambda tasks: [train(task) for task in tasks]


def images(root: Path) -> EvaluationData:
    """The photographs of a folder, most to train on and some to score on."""
    everything = load(scan(root, scale=SCALE), scale=SCALE, channels=3)
    train, validation = split(everything, max(1, len(everything) // HOLDOUT_SHARE))
    return EvaluationData(as_luma(train), validation)


@contextmanager
def warm_arms(chosen: argparse.Namespace, recipe: Recipe, folder: Path) -> Iterator[dict[str, Arm]]:
    """The arms that were asked for, each having trained something already; their processes end with the context."""
    data = images(chosen.images)
    files = plain.Files.write(data, folder)
    with ExitStack() as stack:
        executors = [stack.enter_context(closing(_executor(chosen)))] if OURS in chosen.arms else []

        def arm(name: str, recipe: Recipe) -> Arm:
            if name == PLAIN:
                return plainly(recipe, files, folder, device=chosen.device, loaders=chosen.loaders)
            return ours(executors[0], recipe, data)

        for executor in executors:
            executor.load(data)
        for name in chosen.arms:
            arm(name, replace(recipe, steps=2))([Task(genotype, 0) for genotype in draw(WARM_UP)])
        yield {name: arm(name, recipe) for name in chosen.arms}


def _executor(chosen: argparse.Namespace) -> Executor:
    """As many workers as were asked for; by default one a core, or four on a GPU."""
    if chosen.device == "cuda":
        return ProcessExecutor(device="cuda", devices=[0], workers_per_gpu=chosen.workers or 4)
    return ProcessExecutor(workers=chosen.workers)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train every network in each arm and print tables."""
    chosen = _arguments(arguments)
    threads = torch.get_num_threads() if chosen.device == "cuda" else cores()
    torch.set_num_threads(threads)  # of the plain loop; workers have their own
    machine = Machine.here(chosen.device, threads=[threads])
    recipe = replace(Recipe(), steps=chosen.steps)
    tasks = [Task(genotype, seed) for genotype, seed in product(draw(chosen.count), range(chosen.seeds))]
    with tempfile.TemporaryDirectory() as folder, warm_arms(chosen, recipe, Path(folder)) as arms:
        blocks = take_turns(arms, tasks, chosen.block)
    _report(machine, recipe, blocks, chosen)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device_option(parser)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), help="(default: both)")
    parser.add_argument("--workers", type=int, help="of ours (default: one a core, or four on the GPU)")
    parser.add_argument("--loaders", type=int, default=2, help="DataLoader's processes (default: %(default)s)")
    parser.add_argument("--count", type=int, help=f"networks (default: 30; {PAIRED['count']} with --equal-psnr)")
    parser.add_argument("--seeds", type=int, help=f"of each (default: 1; {PAIRED['seeds']} with --equal-psnr)")
    parser.add_argument("--steps", type=int, default=60, help="of the default recipe (default: %(default)s)")
    parser.add_argument("--block", type=int, default=10, help="networks in a turn (default: %(default)s)")
    parser.add_argument("--images", type=Path, default=PHOTOS, help="photographs (default: those of the repository)")
    parser.add_argument("--equal-psnr", action="store_true", help="compare PSNR, network by network and seed by seed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here too")
    chosen = parser.parse_args(arguments)
    if chosen.equal_psnr and set(chosen.arms) != set(ARMS):
        parser.error("--equal-psnr compares both arms: leave --arms out")
    sizes = PAIRED if chosen.equal_psnr else {"count": 30, "seeds": 1}
    for name, default in sizes.items():
        setattr(chosen, name, getattr(chosen, name) or default)
    return chosen


def _report(machine: Machine, recipe: Recipe, blocks: Sequence[Block], chosen: argparse.Namespace) -> None:
    found = [throughput(arm, blocks) for arm in chosen.arms]
    document = {
        "machine": asdict(machine),
        "recipe": recipe.to_json(),
        "throughput": [asdict(one) for one in found],
        "blocks": [asdict(block) for block in blocks],
    }
    print(f"{machine}\n\n{throughput_table(found)}")
    if chosen.equal_psnr:
        gap = difference(blocks)
        verdict = "within" if abs(gap.mean_db) <= ALLOWED_DB else "outside"
        print(f"\n{pairs_table(blocks)}\n\nOurs less plain: {gap}; {verdict} {ALLOWED_DB:g} dB.")
        document["difference"] = asdict(gap)
    write_json(chosen.json, document)


if __name__ == "__main__":
    main()
