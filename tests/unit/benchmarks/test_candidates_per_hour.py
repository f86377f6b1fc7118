"""Both arms train the same networks on the same images, and a failure is no result."""

import pytest

from benchmarks.candidates_per_hour import dearest_first, draw, images, main, ours, plainly
from benchmarks.plain import Files
from benchmarks.throughput import Task
from evaluator.inline import InlineExecutor
from evaluator.outcome import Failure
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, ScriptedExecutor, tiny_data
from search_space.cost import mult_adds

RECIPE = Recipe(steps=4, batch=2, patch=8, warmup_steps=1, precision="float32")
TASKS = [Task(TINY_GENOTYPE, seed) for seed in (3, 4)]


def test_networks_are_drawn_alike_and_once():
    drawn = draw(12)
    assert len({genotype.digest for genotype in drawn}) == 12
    assert draw(5) == drawn[:5]


def test_the_dearest_begins():
    costs = [mult_adds(task.genotype, scale=2, channels=1) for task in dearest_first([Task(g, 0) for g in draw(9)])]
    assert costs == sorted(costs, reverse=True)


def test_images_are_split_and_none_is_in_both(sample_dir):
    data = images(sample_dir)
    assert (len(data.train), len(data.validation)) == (6, 2)
    assert not {pair.name for pair in data.train} & {pair.name for pair in data.validation}
    assert {pair.lr.shape[2] for pair in data.train} == {1}


def test_both_arms_give_the_same_networks_the_same_psnr(tmp_path):
    data = tiny_data()
    executor = InlineExecutor(threads=1)
    executor.load(data)
    found = ours(executor, RECIPE, data)(TASKS)
    expected = plainly(RECIPE, Files.write(data, tmp_path), tmp_path, device="cpu", loaders=0)(TASKS)
    assert [(r.genotype, r.seed) for r in found] == [(r.genotype, r.seed) for r in expected]
    assert [r.psnr_db for r in found] == pytest.approx([r.psnr_db for r in expected], abs=1e-3)
    assert len({r.psnr_db for r in found}) == 2


def test_a_failure_ends_the_comparison():
    data = tiny_data()
    executor = ScriptedExecutor(lambda _: Failure(kind="diverged", message="at step 3"))
    executor.load(data)
    with pytest.raises(SystemExit, match="seed 3 failed: diverged: at step 3"):
        ours(executor, RECIPE, data)(TASKS[:1])


def test_psnr_is_compared_in_both_arms_or_not_at_all(capsys):
    with pytest.raises(SystemExit):
        main(["--equal-psnr", "--arms", "ours"])
    assert "leave --arms out" in capsys.readouterr().err
