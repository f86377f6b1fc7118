"""The fidelity benchmark's networks, arms and figures."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fidelity import (
    ARMS,
    BAND,
    EACH,
    MAIN_ARMS,
    RUNGS,
    SPREAD,
    STEPS,
    measured_arms,
    networks,
    scaled,
)
from benchmarks.fidelity_page import plot, to_markdown
from benchmarks.fidelity_report import BASELINES, Measured, report, scored_everywhere, steps_needed
from benchmarks.measuring import RowFile
from evaluator.recipe import RECIPES
from evaluator.schedule import learning_rate
from search_space.cost import params

LADDER = (31, 62, 125, 250, 500)


def test_the_networks_are_spread_and_banded():
    chosen = networks()
    sizes = [params(genotype, scale=2, channels=1) for genotype in chosen]
    assert len(set(chosen)) == 2 * EACH
    assert sizes[:EACH] == sorted(sizes[:EACH])
    assert np.allclose(sizes[:EACH], np.geomspace(*SPREAD, EACH), rtol=0.03)
    assert all(BAND[0] <= size <= BAND[1] for size in sizes[EACH:])
    assert chosen == networks()


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_has_the_same_rungs(name):
    assert ARMS[name].recipe.rung_steps == LADDER
    assert scaled(ARMS[name], 200).recipe.rung_steps[-1] == 200


def test_the_paper_arm_trains_as_the_paper_recipe_does():
    arm = ARMS["paper, batch 16, patch 24"].recipe
    assert [learning_rate(arm, step) for step in range(STEPS)] == [1e-4] * STEPS
    ladder = {"steps": 10_000, "rungs": 1, "schedule": "constant", "decay_fraction": 0.2}
    assert replace(arm, **ladder) == RECIPES["paper"]


def test_arms_differ_and_baselines_are_among_them():
    assert len({(arm.recipe.digest, arm.validation_images) for arm in ARMS.values()}) == len(ARMS)
    assert set(BASELINES) <= set(ARMS)
    assert "default" in MAIN_ARMS


@given(
    means=st.lists(st.floats(20, 30), min_size=RUNGS, max_size=RUNGS).map(sorted),
    target=st.floats(19, 31),
)
def test_steps_needed_lie_where_the_means_cross_the_target(means, target):
    found = steps_needed(LADDER, means, target)
    if found.steps is None:
        assert target > means[-1]
    else:
        reached = np.interp(found.steps, LADDER, means)
        assert reached == pytest.approx(target) or (found.at_most and reached >= target)


def test_the_first_crossing_counts():
    assert steps_needed([10, 20, 30, 40], [1, 3, 1, 5], 2).steps == 15


def measured(name: str, means: list[float], *, failed: bool = False) -> Measured:
    scores = np.array(means)[:, None] + np.linspace(0, 1, 6) * np.arange(1, RUNGS + 1)[:, None]
    if failed:
        scores[2, 4] = np.nan
    return Measured(
        name=name,
        recipe=ARMS[name].recipe,
        validation_images=16,
        steps=LADDER,
        psnr_db=scores,
        took_s=60.0,
        device="cpu (1 thread, x86_64)",
    )


@pytest.fixture
def document():
    arms = [measured("paper", [8, 9, 12, 18, 26]), measured("default", [20, 22, 25, 28, 30])]
    return report(arms, reference="default", bicubic_psnr_db=29.0, sizes=[100_000] * 6, failed=1)


def test_a_report_times_the_default_to_its_baselines(document):
    (entry,) = document["steps_needed"]
    assert (entry["baseline"], entry["steps"], entry["psnr_db"]) == ("paper", 500, 28.5)
    needed = entry["needed"]["default"]
    default = document["arms"]["default"]["checkpoints"]
    means = [point["psnr_db"] for point in default]
    assert np.interp(needed["steps"], LADDER, means) == pytest.approx(28.5)
    assert needed["share"] == round(needed["steps"] / 500, 3)


def test_a_report_has_tau_to_the_longest_and_for_the_steps_paid(document):
    for point in document["arms"]["paper"]["checkpoints"]:
        assert point["tau_last"]["tau"] == point["tau_reference"]["tau"] == 1
        assert point["tau_last_per_100_steps"] == round(100 / point["steps"], 4)


def test_a_report_survives_json_and_becomes_a_page(document):
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    page = to_markdown(document, "fidelity.svg")
    assert "cpu (1 thread, x86_64)" in page
    assert "(../images/fidelity.svg)" in page
    assert "against `paper`: 39% of its steps, kept" in page
    widths = [line.count("|") for line in page.splitlines() if line.startswith("| `default`")]
    assert len(widths) == 1 + RUNGS + 1


def test_a_network_that_failed_under_one_arm_is_left_out_of_all():
    arms = [measured("paper", [1] * 5), measured("default", [1] * 5, failed=True)]
    assert scored_everywhere(arms).tolist() == [True] * 4 + [False, True]


def test_the_plot_is_an_image_of_every_arm_with_a_residual():
    names = ("paper", "paper + residual", "default init", "default")
    drawn = ET.fromstring(plot([measured(name, [1, 2, 3, 4, 5]) for name in names]))
    texts = [element.text for element in drawn.iter() if element.text]
    assert set(names[1:]) <= set(texts)
    assert "paper" not in texts
    assert plot([measured("paper", [1, 2, 3, 4, 5])]).count("<polyline") == 1


@pytest.mark.parametrize("wrong", [{}, {"recipe": "another"}, {"data": "another"}, {"genotype": "another"}])
def test_rows_of_another_recipe_network_or_image_are_refused(tmp_path, monkeypatch, wrong):
    monkeypatch.setattr("benchmarks.fidelity.images", lambda root, limit: type("Data", (), {"digest": "d"}))
    rows, chosen = RowFile(tmp_path / "rows.jsonl", ("arm", "index")), networks()[:2]
    scores = [{"steps": steps, "psnr_db": 30.0} for steps in LADDER[:-1]] + [{"steps": 500, "failure": "diverged"}]
    for index, genotype in enumerate(chosen):
        row = {"arm": "default", "index": index, "genotype": str(genotype), "data": "d", "device": "cpu"}
        row |= {"recipe": ARMS["default"].recipe.digest, "scores": scores, "took_s": 1.0}
        rows.append(row | wrong)
    if wrong:
        with pytest.raises(SystemExit, match="rows of the arm default"):
            measured_arms(rows, chosen, tmp_path, STEPS)
    else:
        (arm,) = measured_arms(rows, chosen, tmp_path, STEPS)
        assert arm.psnr_db.shape == (RUNGS, 2)
        assert not scored_everywhere([arm]).any()
