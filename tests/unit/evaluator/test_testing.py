"""What other tests rest on: the scripted executor and the synthetic landscape."""

import numpy as np
import pytest

from evaluator.contract import ExecutorContract
from evaluator.executor import Job
from evaluator.finishing import FINISHING_RECIPES, Stretch
from evaluator.outcome import Failure, Outcome, Success
from evaluator.testing import ScriptedExecutor, synthetic, tiny_data, tiny_job
from search_space.genotype import Genotype

DATA = tiny_data()


def refuse_large_patches(job: Job) -> Outcome:
    if job.timeout_s < 1e-3:
        return Failure(kind="timeout", message="too slow")
    return Failure(kind="error", message="too large") if job.recipe.patch > 100 else synthetic(job)


@pytest.fixture(params=["fifo", "random"])
def executor(request: pytest.FixtureRequest) -> ScriptedExecutor:
    order = "fifo" if request.param == "fifo" else np.random.default_rng(0)
    return ScriptedExecutor(refuse_large_patches, capacity=2, order=order)


@pytest.fixture
def fresh_executor(executor: ScriptedExecutor) -> ScriptedExecutor:
    return executor


class TestContract(ExecutorContract):
    pass


def finished(executor: ScriptedExecutor, jobs: int) -> list[int]:
    executor.load(DATA)
    for seed in range(jobs):
        executor.submit(tiny_job(DATA, seed=seed))
    order = []
    while completions := executor.completed(0.0):
        order += [completion.ticket for completion in completions]
    return order


def test_a_queue_is_finished_in_the_order_of_submission() -> None:
    assert finished(ScriptedExecutor(capacity=3), 5) == [1, 2, 3, 4, 5]


def test_a_random_order_is_repeatable_and_never_outruns_the_capacity() -> None:
    runs = [finished(ScriptedExecutor(capacity=3, order=np.random.default_rng(1)), 30) for _ in range(2)]
    assert runs[0] == runs[1] != sorted(runs[0])
    # With three running, the k-th to end was among the first k + 2 submitted.
    assert all(ticket <= position + 3 for position, ticket in enumerate(runs[0]))


def test_the_landscape_is_deterministic_and_rewards_capacity() -> None:
    def psnr_db(text: str, seed: int = 0) -> float:
        outcome = synthetic(tiny_job(DATA, genotype=Genotype.parse(text), seed=seed))
        assert isinstance(outcome, Success)
        return outcome.scores.psnr_db

    small, large = "f32|conv-k1-f16-n1:0|tail:0,1", "f32|conv-k3-f64-n4:0|tail:0,1"
    assert psnr_db(small) == psnr_db(small) != psnr_db(small, seed=1)
    assert psnr_db(large) > psnr_db(small) + 1


def test_stretches_score_the_more_the_later_they_end_and_take_the_time_of_their_steps() -> None:
    recipe = FINISHING_RECIPES["quick"].training
    start, outcomes = b"", []
    for until in (10, 2000, 9990, 10_000):
        outcome = synthetic(tiny_job(DATA, recipe=recipe, start=start, stretch=Stretch(until=until)))
        assert isinstance(outcome, Success)
        assert bool(outcome.state) == (until < recipe.steps)
        start = outcome.state
        outcomes.append(outcome)
    for figure in ("psnr_db", "ssim", "fsds_db", "fsds_si_db"):
        assert sorted({getattr(outcome.scores, figure) for outcome in outcomes}) == [
            getattr(outcome.scores, figure) for outcome in outcomes
        ]
    assert [outcome.steps for outcome in outcomes] == [10, 1990, 7990, 10]
    assert [outcome.loss_curve[-1][0] for outcome in outcomes] == [10, 2000, 9990, 10_000]
    assert outcomes[1].train_s == pytest.approx(199 * outcomes[0].train_s)
    assert all(outcome.weights for outcome in outcomes)


def test_tiny_images_are_repeatable_and_textured() -> None:
    assert tiny_data().digest == DATA.digest != tiny_data(seed=1).digest
    assert all(pair.hr.std() > 20 for pair in [*DATA.train, *DATA.validation])
    assert tiny_data(scale=3, channels=3).train.pairs[0].hr.shape == (72, 96, 3)
