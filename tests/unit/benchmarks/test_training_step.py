"""What is timed is what it says: the networks' sizes, the same patches for all, and figures that belong together."""

from dataclasses import replace

import pytest
import torch

from benchmarks import training_step
from benchmarks.pairing import Spread
from benchmarks.peak import Peak, step_flops
from benchmarks.plain_patches import largest_first, write_pngs
from benchmarks.step_arms import AUTO, CHANNELS, FLOAT32, PLAIN, SCALE, STEP, Bench, arms, trainer
from benchmarks.training_step import NETWORKS, Timing, main, measure, profiles_table, timings_table
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data
from search_space.cost import params
from search_space.spaces import get_space


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    images = tiny_data().train
    return Bench(
        images=images,
        files=write_pngs(largest_first(images), tmp_path_factory.mktemp("files")),
        recipe=Recipe(steps=1000, batch=2, patch=8),
        device=torch.device("cpu"),
        steps=2,
        workers=0,
    )


@pytest.mark.parametrize(("name", "size"), [("20K", 20e3), ("120K", 120e3), ("400K", 400e3), ("1M", 1e6)])
def test_a_network_has_the_size_that_it_is_named_after(name, size):
    genotype = NETWORKS[name]
    assert params(genotype, scale=SCALE, channels=CHANNELS) == pytest.approx(size, rel=0.02)
    assert get_space("falsr").contains(genotype)


def test_every_arm_takes_its_laps(bench):
    ticks = iter(range(1000))
    found = arms(replace(bench, clock=lambda: float(next(ticks))), TINY_GENOTYPE)
    assert list(found) == [PLAIN, STEP, FLOAT32, AUTO]
    assert [lap() for _, lap in found.values()] == [1 / bench.steps] * 4
    assert found[FLOAT32][0] == found[PLAIN][0] == "float32"


def test_the_plain_loop_and_ours_are_given_the_same_patches(bench):
    training, images = trainer(bench, TINY_GENOTYPE, "float32", graph=False)
    seen = []
    cut = images.cut
    images.cut = lambda *given: seen.append(cut(*given)) or seen[-1]
    for _ in range(3):
        training.step()
    patches = bench.patches(3)
    flat = [patch for lr, hr in seen for patch in zip(lr, hr, strict=True)]
    assert len(flat) == len(patches) == 3 * bench.recipe.batch
    for ours, plain in zip(flat, patches, strict=False):
        torch.testing.assert_close(ours, plain)


def test_figures_of_a_timing_belong_together(bench, monkeypatch):
    monkeypatch.setitem(NETWORKS, "tiny", TINY_GENOTYPE)
    peaks = {p: Peak(precision=p, flops_per_s=1e12, shape=(1, 1, 1)) for p in ("float32", "bfloat16")}
    timings = measure(bench, "tiny", peaks, rounds=1)
    assert [one.arm for one in timings] == [PLAIN, STEP, FLOAT32, AUTO]
    flops = step_flops(TINY_GENOTYPE, bench.recipe, scale=SCALE, channels=CHANNELS)
    for one in timings:
        assert one.gflops_per_s * one.step_ms * 1e6 == pytest.approx(flops)
        assert one.patches_per_s * one.step_ms / 1000 == pytest.approx(bench.recipe.batch)
        assert one.peak_share == pytest.approx(one.gflops_per_s / 1000)
        assert one.faster_by.median == pytest.approx(timings[0].step_ms / one.step_ms)


def test_tables_have_a_line_for_each_arm_and_each_kind():
    one = Spread(median=1.5, low=1.0, high=2.0)
    timing = Timing(
        network="tiny",
        params=1000,
        threads=1,
        arm=AUTO,
        precision="bfloat16",
        step_ms=50.0,
        patches_per_s=320.0,
        gflops_per_s=90.0,
        peak_share=0.9,
        faster_by=one,
        step_faster_by=one,
    )
    line = timings_table([timing]).splitlines()[-1]
    expected = "| tiny (1,000) | 1 | auto | bfloat16 | 50.0 | 20.00 | 320 | 90 | 90% "
    assert line == expected + "| 1.50 (1.00-2.00) | 1.50 (1.00-2.00) |"
    lines = profiles_table({"a": {"x": 1.0, "y": 3.0}, "b": {"y": 1.0}}).splitlines()
    assert lines[2:] == ["| y | 3.0 (75%) | 1.0 (100%) |", "| x | 1.0 (25%) | 0.0 (0%) |", "| all | 4.0 | 1.0 |"]


def test_a_profile_of_a_step_is_printed_and_kept(capsys, tmp_path, monkeypatch, sample_dir):
    monkeypatch.setitem(NETWORKS, "20K", TINY_GENOTYPE)
    monkeypatch.setattr(training_step, "resolve", lambda *_: "float32")
    threads = str(torch.get_num_threads())
    options = ["--threads", threads, "--networks", "20K", "--batch", "1", "--steps", "1", "--patch", "8"]
    main(["--profile", *options, "--json", str(tmp_path / "profile.json")])
    shown = capsys.readouterr().out
    assert "| patches |" in shown
    assert "convolutions, backward" in (tmp_path / "profile.json").read_text()
