"""The distillation benchmark: arms that differ in one thing, and a page that says what its rows say."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from benchmarks import distillation
from benchmarks.distillation import ARMS, STUDENT, TEACHER, FakeInt8Lesson, recipe
from benchmarks.distillation_page import FAKE_INT8, PLAIN, TUNED, Difference, arms_table, verdicts
from evaluator.data.patches import ResidentImages
from evaluator.finishing import FINISHING_RECIPES
from evaluator.model import build_model
from evaluator.testing import tiny_data
from search_space.cost import params


def rows(*psnr_db, int8=0.0, step_s=0.01):
    return [{"psnr_db": value, "int8_psnr_db": value - int8, "step_s": step_s} for value in psnr_db]


def test_a_teacher_is_larger_and_arms_are_different():
    sizes = [params(genotype, scale=2, channels=1) for genotype in (STUDENT, TEACHER)]
    assert 7 * sizes[0] < sizes[1]
    settings = [asdict(distil) for distil in ARMS.values() if distil]
    assert all(one != other for place, one in enumerate(settings) for other in settings[:place])
    assert {name for name, distil in ARMS.items() if distil is None} == {PLAIN, FAKE_INT8}
    assert ARMS[TUNED].quantise


def test_the_recipe_is_quick_on_fewer_steps():
    quick, short = FINISHING_RECIPES["quick"].training, recipe(1000)
    changed = {name for name, value in asdict(quick).items() if value != getattr(short, name)}
    assert changed == {"name", "steps", "batch", "patch", "warmup_steps", "ema_decay", "precision"}


def test_a_difference_is_taken_seed_by_seed_and_has_a_verdict():
    base = rows(30.0, 31.0, 32.0)
    helped = Difference.of(rows(30.1, 31.11, 32.09), base, "psnr_db")
    assert str(helped) == "+0.100 ± 0.025"
    assert helped.verdict == "helped"
    assert Difference.of(base, rows(30.1, 31.11, 32.09), "psnr_db").verdict == "did harm"
    assert "chance" in Difference.of(rows(30.5, 30.5, 32.0), base, "psnr_db").verdict
    assert "chance" in Difference.of(rows(31.0), rows(30.0), "psnr_db").verdict


def test_the_table_has_what_int8_loses_and_what_a_step_costs():
    table = arms_table({PLAIN: rows(30.0, 31.0, int8=0.25), "other": rows(30.5, 31.5, step_s=0.02)})
    plain, other = (line.split(" | ") for line in table.splitlines()[2:])
    assert plain == ["| plain", "30.500 ± 0.707", "", "30.250 ± 0.707", "", "0.250", "1.00 x |"]
    assert other[-2:] == ["0.000", "2.00 x |"]
    assert other[2].startswith("+0.500 ± 0.000")


def test_the_tuned_teacher_is_also_compared_with_none():
    arms = {PLAIN: rows(30.0, 30.0), FAKE_INT8: rows(31.0, 31.0), TUNED: rows(30.5, 30.5)}
    assert [line.split(":")[0] for line in verdicts(arms)] == [
        f"* *{FAKE_INT8}*",
        f"* *{TUNED}*",
        f"* *{TUNED}* beside *{FAKE_INT8}*",
    ]
    assert "did harm" in verdicts(arms)[-1]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """The program on images of nothing, two steps an arm."""
    monkeypatch.setattr(distillation, "images_of", lambda bench: tiny_data())
    monkeypatch.setattr(distillation, "recipe", lambda steps: replace(recipe(steps), batch=2, patch=8))
    monkeypatch.setattr(distillation, "CALIBRATION", 2)
    monkeypatch.setattr(distillation, "CALIBRATION_SIDE", 16)

    def run(*options):
        files = ["--images", "there", "--rows", str(tmp_path / "rows.jsonl"), "--output", str(tmp_path / "page.md")]
        monkeypatch.setattr("sys.argv", ["distillation", *files, "--steps", "2", *options])
        distillation.main()
        kept = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
        return kept, (tmp_path / "page.md").read_text()

    return run


def test_a_run_that_was_cut_off_goes_on_and_writes_the_page(tiny, capsys):
    first, _ = tiny("--seeds", "1", "--arms", PLAIN)
    kept, page = tiny("--seeds", "1", "--arms", FAKE_INT8, TUNED)
    assert [row["arm"] for row in kept] == [PLAIN, FAKE_INT8, TUNED]
    assert kept[:1] == first
    assert all(f"\n| {arm} | " in page for arm in (PLAIN, FAKE_INT8, TUNED))
    assert f"{TUNED}* beside" in page
    assert capsys.readouterr().out.count("# What a teacher is worth") == 2


def test_fake_int8_without_a_teacher_can_be_resumed():
    model = build_model(STUDENT, recipe(2), scale=2, channels=1, generator=torch.Generator().manual_seed(0))
    lr, hr = ResidentImages(tiny_data().train, "cpu").sample(torch.Generator().manual_seed(0), 2, 8)
    first, second = FakeInt8Lesson(model), FakeInt8Lesson(model)
    first.loss(lr, hr)
    second.resume(first.state())
    assert torch.equal(first.loss(lr, hr), second.loss(lr, hr))
