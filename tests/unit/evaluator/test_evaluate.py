"""One evaluation from job to outcome: what a success holds, and that a bad candidate never raises."""

import logging
import subprocess
import sys
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import torch

from evaluator import devices
from evaluator import evaluate as module
from evaluator.cost import costs
from evaluator.evaluate import evaluate
from evaluator.executor import DeviceLost
from evaluator.latency import measure
from evaluator.latency_target import LatencyTarget
from evaluator.losses import Diverged
from evaluator.metrics.protocol import get_protocol
from evaluator.model import SRModel
from evaluator.outcome import Failure, FailureKind, Success
from evaluator.precision import resolve
from evaluator.progress import TrainingProgress
from evaluator.provenance import code_digest
from evaluator.recipe import Precision, Recipe
from evaluator.testing import TINY_GENOTYPE, TINY_RECIPE, tiny_data, tiny_job
from evaluator.training import TimedOut, TrainingTrace
from evaluator.validation import validate
from evaluator.weights import load_model


def succeed(**job: object) -> Success:
    data = tiny_data()
    outcome = evaluate(tiny_job(data, **job), data, threads=1)
    assert isinstance(outcome, Success)
    return outcome


def test_a_success_holds_scores_costs_and_where_they_come_from() -> None:
    data = tiny_data()
    outcome = succeed(seed=7)
    expected = costs(TINY_GENOTYPE, TINY_RECIPE, scale=2, channels=1)
    assert (outcome.scores.params, outcome.scores.mult_adds) == (expected.params, expected.mult_adds)
    assert outcome.scores.protocol == "y-float"
    assert outcome.provenance.recipe_digest == TINY_RECIPE.digest
    assert outcome.provenance.data_digest == data.digest
    assert outcome.provenance.code_digest == code_digest()
    assert outcome.provenance.seed == 7
    assert outcome.provenance.device.startswith("cpu (1 thread,")
    assert outcome.provenance.precision == resolve("auto", "cpu")
    assert outcome.scores.latency_ms is None
    assert outcome.peak_memory_bytes == 0
    assert [step for step, _ in outcome.loss_curve] == [1, 2, 3]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("threads", [1, 2])
def test_equal_jobs_give_equal_weights_bit_for_bit(threads: int, precision: Precision) -> None:
    data = tiny_data()
    job = tiny_job(data, seed=3, recipe=replace(TINY_RECIPE, steps=6, precision=precision))
    first, second = (evaluate(job, data, threads=threads) for _ in range(2))
    assert isinstance(first, Success)
    assert isinstance(second, Success)
    assert first.weights == second.weights
    assert first.scores == second.scores
    assert first.loss_curve == second.loss_curve


EVALUATE = """
from dataclasses import replace
from hashlib import sha256
from evaluator.evaluate import evaluate
from evaluator.testing import TINY_RECIPE, tiny_data, tiny_job
data = tiny_data()
for precision in ("float32", "bfloat16"):
    outcome = evaluate(tiny_job(data, recipe=replace(TINY_RECIPE, precision=precision)), data, threads=1)
    print(precision, sha256(outcome.weights).hexdigest(), outcome.scores)
"""


def test_equal_jobs_give_equal_weights_in_every_process() -> None:
    both = [subprocess.Popen([sys.executable, "-c", EVALUATE], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (process.communicate()[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert first == second
    digests = {line.split()[1] for line in first.splitlines()}
    assert len(digests) == 2  # the precisions differ


def test_the_seed_and_the_images_decide_the_weights() -> None:
    data = tiny_data(seed=1)
    other = evaluate(tiny_job(data), data, threads=1)
    assert isinstance(other, Success)
    assert len({succeed(seed=0).weights, succeed(seed=1).weights, other.weights}) == 3


def test_the_weights_are_those_that_were_scored() -> None:
    outcome = succeed()
    means, bands = validate(load_model(outcome.weights), tiny_data().validation, get_protocol("y-float"))
    assert means["psnr_db"] == pytest.approx(outcome.scores.psnr_db, abs=1e-4)
    assert means["ssim"] == pytest.approx(outcome.scores.ssim, abs=1e-6)
    assert means["fsds_db"] == pytest.approx(outcome.scores.fsds_db, abs=1e-3)
    assert outcome.bands is not None
    assert bands.correspondence == pytest.approx(outcome.bands.correspondence, abs=1e-3)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_scale_and_kind_of_image_is_evaluated(scale: int, channels: int) -> None:
    data = tiny_data(scale=scale, channels=channels)
    outcome = evaluate(tiny_job(data, channels=channels), data, threads=1)
    assert isinstance(outcome, Success)
    assert 5 < outcome.scores.psnr_db < 60


def test_colour_images_train_a_luma_network_for_a_protocol_that_needs_chroma() -> None:
    data = tiny_data(channels=3)
    job = tiny_job(data, channels=1, recipe=replace(TINY_RECIPE, protocol="falsr"))
    outcome = evaluate(job, data, threads=1)
    assert isinstance(outcome, Success)
    assert outcome.scores.protocol == "falsr"


def test_a_recipe_with_a_stopping_rule_ends_early_and_the_curve_says_where() -> None:
    recipe = replace(TINY_RECIPE, steps=40, settle_window=2, settle_tolerance=1e3)
    assert succeed(recipe=recipe).loss_curve[-1][0] == 10


def test_reports_tell_each_phase_and_change_nothing() -> None:
    reports: list[TrainingProgress] = []
    data, ticks = tiny_data(), count(step=3)
    job = tiny_job(data, recipe=replace(TINY_RECIPE, steps=20), timeout_s=1e6)
    told = evaluate(job, data, threads=1, clock=lambda: float(next(ticks)), report=reports.append)
    silent = evaluate(job, data, threads=1)
    assert isinstance(told, Success)
    assert isinstance(silent, Success)
    assert (told.weights, told.scores, told.loss_curve) == (silent.weights, silent.scores, silent.loss_curve)
    assert [reports[0].phase, reports[0].step] == ["training", 0]
    assert [reports[-1].phase, reports[-1].step] == ["validation", 20]
    assert reports[-1].psnr_db is not None
    assert reports[-1].psnr_db > 5
    assert reports[-1].loss is not None


def test_a_network_is_timed_where_the_job_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def timed(model: SRModel, target: LatencyTarget, device: str, **_: object) -> float:
        asked.extend([model.genotype, target, device])
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):  # refused while scores are full float32
            return 12.5

    monkeypatch.setattr(measure, "latency_ms", timed)
    reports: list[TrainingProgress] = []
    data, target = tiny_data(), LatencyTarget(lr_width=32, lr_height=16)
    outcome = evaluate(replace(tiny_job(data), latency=target), data, threads=1, report=reports.append)
    assert isinstance(outcome, Success)
    assert outcome.scores.latency_ms == 12.5
    assert asked == [TINY_GENOTYPE, target, "cpu"]
    assert [report.phase for report in reports] == ["training", "validation", "latency"]


def test_a_diverging_candidate_is_a_failure() -> None:
    recipe = Recipe(steps=200, batch=1, patch=8, learning_rate=1.0, gradient_clip=0.0, warmup_steps=0)
    data = tiny_data()
    outcome = evaluate(tiny_job(data, recipe=recipe), data, threads=1)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "diverged"
    assert outcome.device.startswith("cpu")


def test_a_candidate_that_takes_too_long_is_a_failure_with_the_time_it_took() -> None:
    data = tiny_data()
    job = tiny_job(data, recipe=Recipe(steps=50, batch=1, patch=8), timeout_s=2.5)
    ticks = count()
    outcome = evaluate(job, data, threads=1, clock=lambda: float(next(ticks)))
    assert isinstance(outcome, Failure)
    assert outcome.kind == "timeout"
    assert outcome.train_s > 2.5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out_of_memory"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "out_of_memory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "error"),
    ],
)
def test_memory_that_runs_out_is_a_failure(
    error: Exception, kind: FailureKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(module, "fit", exhausted)
    data = tiny_data()
    outcome = evaluate(tiny_job(data), data)
    assert isinstance(outcome, Failure)
    assert outcome.kind == kind
    assert outcome.message


@pytest.mark.parametrize("error", [KeyError("weight"), torch.OutOfMemoryError("CUDA out of memory")])
@pytest.mark.parametrize("broken_at", ["probe", "release"])
def test_a_device_that_does_not_answer_is_no_fault_of_the_candidate(
    error: Exception, broken_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    def unanswered(_: str) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(module, "fit", fail)
    monkeypatch.setattr(module if broken_at == "probe" else devices, broken_at, unanswered)
    data = tiny_data()
    with pytest.raises(DeviceLost, match="illegal memory access"):
        evaluate(tiny_job(data), data)


@pytest.mark.parametrize("error", [None, Diverged("loss 1e9"), TimedOut("after 3 s")])
def test_a_device_is_not_probed_after_what_is_surely_the_candidates_own(
    error: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error or AssertionError

    def probed(_: str) -> None:
        raise RuntimeError("probed")

    if error is not None:
        monkeypatch.setattr(module, "fit", fail)
    monkeypatch.setattr(module, "probe", probed)
    data = tiny_data()
    outcome = evaluate(tiny_job(data), data)
    assert isinstance(outcome, Success) == (error is None)


def test_scores_are_full_float32_whatever_training_computes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real = module.validate

    def watched(model: SRModel, *rest: Any) -> Any:
        seen.extend([str(model.network_dtype), torch.backends.cudnn.conv.fp32_precision])
        return real(model, *rest)

    monkeypatch.setattr(module, "validate", watched)
    before = torch.backends.cudnn.conv.fp32_precision
    assert succeed(recipe=replace(TINY_RECIPE, precision="bfloat16")).provenance.precision == "bfloat16"
    assert seen == ["torch.float32", "ieee"]
    assert torch.backends.cudnn.conv.fp32_precision == before


def test_outputs_that_are_not_finite_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def poisoned(model: torch.nn.Module, *_: object, **__: object) -> TrainingTrace:
        next(model.parameters()).data.fill_(float("inf"))
        return TrainingTrace(train_s=0.0, loss_curve=())

    monkeypatch.setattr(module, "fit", poisoned)
    data = tiny_data()
    outcome = evaluate(tiny_job(data), data)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "non_finite"


def test_an_unforeseen_exception_is_a_failure_and_its_traceback_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("feat.weight")

    monkeypatch.setattr(module, "build_model", broken)
    data = tiny_data()
    with caplog.at_level(logging.ERROR):
        outcome = evaluate(tiny_job(data), data)
    assert isinstance(outcome, Failure)
    assert outcome.kind == "error"
    assert outcome.message == "KeyError: 'feat.weight'"
    assert caplog.records[0].exc_info is not None


def test_an_evaluation_leaves_the_threads_of_torch_as_they_were() -> None:
    before = torch.get_num_threads()
    data = tiny_data()
    evaluate(tiny_job(data), data, threads=before + 1)
    assert torch.get_num_threads() == before


def test_the_images_of_the_last_two_sets_stay_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    real = module.ResidentImages

    def counted(*args: object) -> object:
        made.append(args)
        return real(*args)

    monkeypatch.setattr(module, "_resident", {})
    monkeypatch.setattr(module, "ResidentImages", counted)
    sets = [tiny_data(seed=seed) for seed in range(3)]
    for data in (sets[0], sets[0], sets[1], sets[0], sets[2], sets[1]):
        evaluate(tiny_job(data), data)
    assert len(made) == 4


@pytest.mark.gpu
def test_a_gpu_evaluates_and_is_left_with_nothing_but_the_images() -> None:
    data = tiny_data()
    left: list[int] = []
    for seed in range(3):
        outcome = evaluate(tiny_job(data, seed=seed, recipe=replace(TINY_RECIPE, steps=40)), data, device="cuda")
        assert isinstance(outcome, Success)
        assert outcome.peak_memory_bytes > 0
        assert outcome.provenance.precision == resolve("auto", "cuda")
        left.append(torch.cuda.memory_allocated())
    assert left[1] == left[2]
    assert torch.cuda.memory_reserved() < outcome.peak_memory_bytes


@pytest.mark.gpu
def test_a_deterministic_recipe_gives_equal_weights_on_one_gpu() -> None:
    data = tiny_data()
    job = tiny_job(data, recipe=replace(TINY_RECIPE, steps=40, deterministic=True))
    first, second = (evaluate(job, data, device="cuda") for _ in range(2))
    assert isinstance(first, Success)
    assert isinstance(second, Success)
    assert first.weights == second.weights


BREAK = """
import torch
from evaluator import evaluate as module
from evaluator.testing import tiny_data, tiny_job
from evaluator.worker import Worker

def poison(*_, **__):
    torch.zeros(2, device="cuda")[torch.tensor([5], device="cuda")].cpu()

module.fit = poison
data = tiny_data()
Worker("cuda", 1).evaluate(tiny_job(data), data)
"""


@pytest.mark.gpu
def test_a_worker_whose_gpu_is_broken_for_it_ends() -> None:
    done = subprocess.run([sys.executable, "-c", BREAK], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "worker ends" in done.stderr
