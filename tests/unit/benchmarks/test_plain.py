"""The plain loop differs from ours in how it runs, and in nothing else."""

from dataclasses import replace

import pytest
import torch

from benchmarks.plain import Files, evaluate
from evaluator import checkpoints
from evaluator.evaluate import evaluate as ours
from evaluator.outcome import Success
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data, tiny_job

RECIPE = Recipe(steps=12, batch=3, patch=9, warmup_steps=3, precision="float32")


@pytest.fixture(scope="module")
def data():
    """Images of two sizes, with colour to score on."""
    small, rest = tiny_data(train=1, seed=3), tiny_data(channels=3, validation=2)
    train = replace(small.train, pairs=(small.train.pairs[0].crop(11), *tiny_data().train.pairs))
    return replace(rest, train=train)


@pytest.fixture(scope="module")
def files(data, tmp_path_factory):
    return Files.write(data, tmp_path_factory.mktemp("files"))


def plain(files, recipe, tmp_path):
    checkpoint = tmp_path / "weights.pt"
    return evaluate(TINY_GENOTYPE, recipe, files, seed=5, device="cpu", workers=0, checkpoint=checkpoint)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gradient_clip": 0.0, "ema_decay": 0.0},
        {"schedule": "cosine", "image_residual": False, "input_scale": 1.0, "input_offset": 0.0},
        {"gradient_clip": 1e-3, "initialisation": "normal"},
    ],
)
def test_both_train_a_network_alike_on_the_same_patches(changes, data, files, tmp_path):
    recipe = replace(RECIPE, **changes)
    outcome = ours(tiny_job(data, seed=5, recipe=recipe), data, threads=1)
    assert isinstance(outcome, Success)
    trained = plain(files, recipe, tmp_path)
    assert len(trained.losses) == len(outcome.loss_curve) == recipe.steps
    torch.testing.assert_close(trained.losses, [loss for _, loss in outcome.loss_curve], rtol=1e-4, atol=1e-6)
    assert trained.scores["psnr_db"] == pytest.approx(outcome.scores.psnr_db, abs=1e-3)
    assert trained.scores["fsds_si_db"] == pytest.approx(outcome.scores.fsds_si_db, abs=1e-3)


def test_both_save_the_same_weights(data, files, tmp_path):
    outcome = ours(tiny_job(data, seed=5, recipe=RECIPE), data, threads=1)
    assert isinstance(outcome, Success)
    plain(files, RECIPE, tmp_path)
    saved = torch.load(tmp_path / "weights.pt")
    kept, _ = checkpoints.from_bytes(outcome.weights)
    assert saved.keys() == {f"network.{name}" for name in kept}
    for name, weight in kept.items():
        torch.testing.assert_close(saved[f"network.{name}"], weight, rtol=1e-3, atol=1e-5)
