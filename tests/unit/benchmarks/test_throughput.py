"""What arms did in turn adds up, and is compared network by network."""

import math

import pytest

from benchmarks.throughput import (
    OURS,
    PLAIN,
    Block,
    Result,
    Task,
    difference,
    pairs_table,
    take_turns,
    throughput,
    throughput_table,
)
from evaluator.testing import TINY_GENOTYPE

TASKS = [Task(TINY_GENOTYPE, seed) for seed in range(5)]


def arm(offset_db, log=None, name=""):
    def run(tasks):
        if log is not None:
            log.append((name, [task.seed for task in tasks]))
        return [
            Result(genotype=str(t.genotype), seed=t.seed, psnr_db=30 + offset_db * t.seed, train_s=3.0, validate_s=1.0)
            for t in tasks
        ]

    return run


def turns(ours_db=0.0, plain_db=0.0, block=2):
    ticks = iter(range(100))
    return take_turns({OURS: arm(ours_db), PLAIN: arm(plain_db)}, TASKS, block, lambda: 2.0 * next(ticks))


def test_arms_take_turns_and_who_begins_changes():
    log = []
    take_turns({OURS: arm(0, log, OURS), PLAIN: arm(0, log, PLAIN)}, TASKS, 2)
    assert [name for name, _ in log] == [OURS, PLAIN, PLAIN, OURS, OURS, PLAIN]
    for name in (OURS, PLAIN):
        assert [seed for other, seeds in log if other == name for seed in seeds] == [task.seed for task in TASKS]


def test_an_arms_blocks_add_up():
    found = throughput(OURS, turns())
    assert (found.networks, found.wall_s) == (5, 3 * 2.0)
    assert found.per_hour == pytest.approx(3000)
    assert found.validation_share == 0.25
    assert found.psnr_db == 30


def test_arms_are_compared_network_by_network():
    gap = difference(turns(ours_db=0.01, plain_db=0.02))
    assert gap.mean_db == pytest.approx(-0.02)
    assert gap.worst_db == pytest.approx(-0.04)
    assert gap.error_db == pytest.approx(math.sqrt(0.00025 / 5))
    assert str(gap).startswith("-0.0200 dB (standard error 0.0071")


def test_one_pair_has_a_difference_and_no_error():
    blocks = [Block(arm=name, wall_s=1.0, results=arm(0.5)([Task(TINY_GENOTYPE, 1)])) for name in (OURS, PLAIN)]
    gap = difference(blocks)
    assert gap.mean_db == gap.worst_db == 0
    assert math.isnan(gap.error_db)


def test_tables_have_a_line_for_each_arm_and_each_pair():
    blocks = turns(ours_db=0.01)
    lines = throughput_table([throughput(name, blocks) for name in (OURS, PLAIN)]).splitlines()
    assert lines[2:] == [
        "| ours | 5 | 6.0 | 3000 | 1.00 | 25.0% | 30.020 |",
        "| plain | 5 | 6.0 | 3000 | 1.00 | 25.0% | 30.000 |",
    ]
    pairs = pairs_table(blocks).splitlines()
    assert len(pairs) == 2 + len(TASKS)
    assert pairs[-1] == f"| {TINY_GENOTYPE.digest[:8]} | 4 | 30.040 | 30.000 | +0.040 |"
