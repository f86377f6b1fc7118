"""What arms that train networks in turn did in their blocks: how many an hour, how good, and how far apart.

Trains nothing, and knows no arm but by its name.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Protocol

from benchmarks.reporting import table
from search_space.genotype import Genotype

OURS, PLAIN = "ours", "plain"

SHOWN = 8
"""Characters of a genotype's digest in a table: its text would be cut into cells."""


@dataclass(frozen=True)
class Task:
    """One network to train."""

    genotype: Genotype
    seed: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of it in one arm.

    Attributes:
        genotype: Its text.
        seed: Of the search; the seed of the training follows from both.
        psnr_db: Mean over the validation images.
        train_s: Seconds of training.
        validate_s: Seconds of validation.
    """

    genotype: str
    seed: int
    psnr_db: float
    train_s: float
    validate_s: float


class Arm(Protocol):
    """One way to train networks."""

    def __call__(self, tasks: Sequence[Task]) -> list[Result]:
        """Train every one from end to end; results in the order of the tasks."""
        ...


@dataclass(frozen=True, kw_only=True)
class Block:
    """What an arm did in its turn.

    Attributes:
        arm: Its name.
        wall_s: Until the last of it was done.
        results: One for each network.
    """

    arm: str
    wall_s: float
    results: list[Result]


def take_turns(
    arms: Mapping[str, Arm], tasks: Sequence[Task], block: int, clock: Callable[[], float] = time.monotonic
) -> list[Block]:
    """Have each arm do each block of tasks; who begins changes from block to block."""
    done, order = [], list(arms)
    for begin in range(0, len(tasks), block):
        for arm in order:
            began_s = clock()
            results = arms[arm](tasks[begin : begin + block])
            done.append(Block(arm=arm, wall_s=clock() - began_s, results=results))
        order.reverse()
    return done


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """What an arm did in all.

    Attributes:
        arm: Its name.
        networks: How many it trained.
        wall_s: Seconds of its blocks.
        per_hour: Networks in an hour at that pace.
        validation_share: Validation over training and validation.
        psnr_db: Mean over the networks.
    """

    arm: str
    networks: int
    wall_s: float
    per_hour: float
    validation_share: float
    psnr_db: float


def throughput(arm: str, blocks: Sequence[Block]) -> Throughput:
    """Add up an arm's blocks."""
    own = [block for block in blocks if block.arm == arm]
    results, wall_s = [result for block in own for result in block.results], sum(block.wall_s for block in own)
    train_s, validate_s = sum(r.train_s for r in results), sum(r.validate_s for r in results)
    return Throughput(
        arm=arm,
        networks=len(results),
        wall_s=wall_s,
        per_hour=3600 * len(results) / wall_s,
        validation_share=validate_s / (train_s + validate_s),
        psnr_db=fmean(result.psnr_db for result in results),
    )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one arm's networks are than another's.

    Attributes:
        mean_db: Mean difference of their final PSNR, ours less plain.
        error_db: Standard error of that mean; NaN for one pair.
        worst_db: The difference that is farthest from 0.
    """

    mean_db: float
    error_db: float
    worst_db: float

    def __str__(self) -> str:
        """In words."""
        return f"{self.mean_db:+.4f} dB (standard error {self.error_db:.4f}, farthest {self.worst_db:+.4f})"


def difference(blocks: Sequence[Block]) -> Difference:
    """Compare the arms network by network and seed by seed; both have trained the same."""
    ours, plain = psnr_by_task(OURS, blocks), psnr_by_task(PLAIN, blocks)
    gaps = [psnr_db - plain[task] for task, psnr_db in ours.items()]
    error_db = stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
    return Difference(mean_db=fmean(gaps), error_db=error_db, worst_db=max(gaps, key=abs))


def psnr_by_task(arm: str, blocks: Sequence[Block]) -> dict[tuple[str, int], float]:
    """Final PSNR in dB of what an arm trained, by genotype and seed."""
    results = (result for block in blocks if block.arm == arm for result in block.results)
    return {(result.genotype, result.seed): result.psnr_db for result in results}


def throughput_table(found: Sequence[Throughput]) -> str:
    """A line for each arm, and the ratio."""
    rows = [
        [
            one.arm,
            str(one.networks),
            f"{one.wall_s:.1f}",
            f"{one.per_hour:.0f}",
            f"{one.per_hour / found[-1].per_hour:.2f}",
            f"{one.validation_share:.1%}",
            f"{one.psnr_db:.3f}",
        ]
        for one in found
    ]
    head = ["arm", "networks", "seconds", "networks/h", "times the last line's", "validation", "mean PSNR (dB)"]
    return table(head, rows)


def pairs_table(blocks: Sequence[Block]) -> str:
    """A line for each network and seed."""
    ours, plain = psnr_by_task(OURS, blocks), psnr_by_task(PLAIN, blocks)
    rows = []
    for (genotype, seed), psnr_db in ours.items():
        other_db = plain[genotype, seed]
        figures = [f"{psnr_db:.3f}", f"{other_db:.3f}", f"{psnr_db - other_db:+.3f}"]
        rows.append([Genotype.parse(genotype).digest[:SHOWN], str(seed), *figures])
    return table(["network's digest", "seed", "ours (dB)", "plain (dB)", "difference"], rows)
