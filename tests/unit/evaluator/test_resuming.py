"""Rungs: a training that goes on from a shorter one ends, bit for bit, where a training from scratch ends."""

import json
import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from itertools import count

import pytest
import torch

from evaluator import checkpoints
from evaluator.evaluate import evaluate
from evaluator.executor import Job
from evaluator.losses import Diverged, Losses
from evaluator.model import build_model
from evaluator.outcome import Failure, Outcome, Success
from evaluator.recipe import Recipe
from evaluator.schedule import stable_steps
from evaluator.testing import TINY_GENOTYPE, tiny_data, tiny_job
from evaluator.training_state import from_bytes, to_bytes
from search_space.genotype import Genotype
from search_space.published import published_genotype

RUNGS = Recipe(steps=36, rungs=3, batch=2, patch=8, warmup_steps=2, ema_decay=0.9)
DATA = tiny_data()
GENOTYPES = {
    "all operators": "f8|ib-k3-f8-n2-r:0|g2-k3-f8-n1:0,1|g4-k1-f8-n2:0,2|conv-k3-f4-n2-r:1,3|tail:0,2,4",
    "tiny": str(TINY_GENOTYPE),
}


def run(job: Job, **options: object) -> Outcome:
    return evaluate(job, DATA, threads=1, **options)


def succeed(job: Job) -> Success:
    outcome = run(job)
    assert isinstance(outcome, Success)
    return outcome


def climb(job: Job, ladder: Recipe) -> list[Success]:
    """Every rung, each resumed from the one below it."""
    outcomes: list[Success] = []
    start = b""
    for rung in range(ladder.rungs):
        outcomes.append(succeed(replace(job, recipe=ladder.at_rung(rung), start=start, keep_state=True)))
        start = outcomes[-1].state
    return outcomes


def assert_equal_to_scratch(resumed: Success, scratch: Success) -> None:
    assert resumed.weights == scratch.weights
    assert resumed.scores == scratch.scores
    assert resumed.bands == scratch.bands
    assert resumed.loss_curve == scratch.loss_curve
    assert resumed.state == scratch.state


@pytest.mark.parametrize("genotype", GENOTYPES.values(), ids=GENOTYPES.keys())
@pytest.mark.parametrize(
    "fields",
    [
        {"precision": "float32"},
        {"precision": "bfloat16"},
        {"ema_decay": 0.0},
        {"gradient_clip": 0.0},
        {"rung_factor": 3, "decay_fraction": 0.0},
        {"decay_fraction": 1},
    ],
    ids=str,
)
def test_each_rung_is_a_training_from_scratch_bit_for_bit(genotype: str, fields: dict[str, object]) -> None:
    job = tiny_job(DATA, genotype=Genotype.parse(genotype), seed=3)
    ladder = replace(RUNGS, **fields)
    stable = [stable_steps(ladder.at_rung(rung)) for rung in range(ladder.rungs)]
    for rung, resumed in enumerate(climb(job, ladder)):
        scratch = succeed(replace(job, recipe=ladder.at_rung(rung), keep_state=True))
        assert_equal_to_scratch(resumed, scratch)
        assert scratch.steps == ladder.rung_steps[rung]
        assert resumed.steps == ladder.rung_steps[rung] - (stable[rung - 1] if rung else 0)


def test_a_published_network_in_colour_is_resumed_bit_for_bit() -> None:
    data = tiny_data(channels=3, scale=3)
    ladder = replace(RUNGS, steps=6, rungs=2)
    job = tiny_job(data, genotype=published_genotype("falsr-c"), channels=3)
    short = evaluate(replace(job, recipe=ladder.at_rung(0), keep_state=True), data, threads=1)
    assert isinstance(short, Success)
    resumed, scratch = (
        evaluate(replace(job, recipe=ladder.at_rung(1), start=start), data, threads=1) for start in (short.state, b"")
    )
    assert isinstance(resumed, Success)
    assert isinstance(scratch, Success)
    assert_equal_to_scratch(resumed, scratch)
    assert (resumed.steps, scratch.steps) == (3, 6)


def test_a_rung_may_be_skipped() -> None:
    job = tiny_job(DATA)
    lowest = succeed(replace(job, recipe=RUNGS.at_rung(0), keep_state=True))
    resumed = succeed(replace(job, recipe=RUNGS.at_rung(2), start=lowest.state))
    assert_equal_to_scratch(resumed, succeed(replace(job, recipe=RUNGS.at_rung(2))))


def test_climbing_takes_the_steps_that_arithmetic_says() -> None:
    assert RUNGS.rung_steps == (9, 18, 36)
    assert [outcome.steps for outcome in climb(tiny_job(DATA), RUNGS)] == [9, 18 - 8, 36 - 15]


def test_a_state_is_only_kept_where_there_is_a_stable_phase() -> None:
    job = tiny_job(DATA, keep_state=True)
    for fields in ({"schedule": "cosine"}, {"settle_window": 2}):
        assert not succeed(replace(job, recipe=replace(RUNGS.at_rung(0), **fields))).state
    assert succeed(replace(job, recipe=replace(RUNGS.at_rung(0), schedule="constant"))).state
    assert not succeed(replace(job, recipe=RUNGS.at_rung(0), keep_state=False)).state


def tampered(document: bytes, change: Callable[[dict[str, torch.Tensor], dict[str, object]], None]) -> bytes:
    """A well-formed document with other contents and the old checksum."""
    tensors, text = checkpoints.unpack(document)
    header = json.loads(text)
    change(tensors, header)
    return checkpoints.pack(tensors, json.dumps(header))


@pytest.fixture(scope="module")
def state() -> bytes:
    return succeed(tiny_job(DATA, recipe=RUNGS.at_rung(0), keep_state=True)).state


@pytest.fixture(scope="module")
def scratch() -> Success:
    return succeed(tiny_job(DATA, recipe=RUNGS.at_rung(1), keep_state=True))


FIRST = "weights/network.feat.weight"

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda state: state[:-1],
    "no document": lambda state: b"not a state",
    "a flipped bit": lambda state: state[:-3] + bytes([state[-3] ^ 1]) + state[-2:],
    "a checkpoint": lambda state: succeed(tiny_job(DATA)).weights,
    "missing": lambda state: tampered(state, lambda tensors, header: tensors.pop(FIRST)),
    "another name": lambda state: tampered(state, lambda tensors, header: tensors.update(x=torch.zeros(1))),
    "another shape": lambda state: tampered(state, lambda tensors, _: tensors.update({FIRST: tensors[FIRST][:1]})),
    "another type": lambda state: tampered(state, lambda tensors, _: tensors.update({FIRST: tensors[FIRST].double()})),
    "another version": lambda state: tampered(state, lambda tensors, header: header.update(version=2)),
    "other steps": lambda state: tampered(state, lambda tensors, header: header.update(steps=7)),
    "no steps": lambda state: tampered(state, lambda tensors, header: header.update(steps="all")),
    "no header": lambda state: tampered(state, lambda tensors, header: header.clear()),
    "another seed": lambda state: succeed(tiny_job(DATA, seed=1, recipe=RUNGS.at_rung(0), keep_state=True)).state,
    "another genotype": lambda state: (
        succeed(
            tiny_job(
                DATA, recipe=RUNGS.at_rung(0), keep_state=True, genotype=Genotype.parse("f8|conv-k3-f4-n1:0|tail:0,1")
            )
        ).state
    ),
    "another rate": lambda state: (
        succeed(tiny_job(DATA, recipe=replace(RUNGS.at_rung(0), learning_rate=2e-3), keep_state=True)).state
    ),
    "more steps": lambda state: succeed(tiny_job(DATA, recipe=RUNGS.at_rung(2), keep_state=True)).state,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_state_that_does_not_fit_is_ignored_with_a_warning(
    damage: Callable[[bytes], bytes], state: bytes, scratch: Success, caplog: pytest.LogCaptureFixture
) -> None:
    start = damage(state)
    caplog.clear()
    outcome = succeed(tiny_job(DATA, recipe=RUNGS.at_rung(1), start=start, keep_state=True))
    assert_equal_to_scratch(outcome, scratch)
    assert outcome.steps == scratch.steps
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "training state ignored" in caplog.text


def test_a_state_of_the_same_steps_is_resumed_and_given_back(state: bytes) -> None:
    again = succeed(tiny_job(DATA, recipe=RUNGS.at_rung(0), start=state, keep_state=True))
    assert again.state == state
    assert again.steps == 1


def test_a_state_with_no_step_left_to_take_is_ignored() -> None:
    job = tiny_job(DATA, recipe=replace(RUNGS.at_rung(0), schedule="constant"), keep_state=True)
    first = succeed(job)
    assert succeed(replace(job, start=first.state)).steps == first.steps == 9


def test_a_resumed_training_that_takes_too_long_says_how_many_steps_it_took(state: bytes) -> None:
    ticks = count()
    job = tiny_job(DATA, recipe=RUNGS.at_rung(2), start=state, timeout_s=0.5)
    outcome = run(job, clock=lambda: float(next(ticks)))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps) == ("timeout", 2)
    assert outcome.message == "training stopped at step 10 of 36"


def test_a_resumed_training_that_diverges_says_how_many_steps_it_took(state: bytes) -> None:
    job = tiny_job(DATA, recipe=RUNGS.at_rung(2))
    model = build_model(TINY_GENOTYPE, job.recipe, scale=2, channels=1, generator=torch.Generator())
    stable = from_bytes(state, job.lineage, model, job.recipe)
    assert stable is not None
    weights = {name: 1e9 * weight for name, weight in stable.weights.items()}
    wild = to_bytes(replace(stable, weights=weights), job.lineage)
    outcome = run(replace(job, start=wild))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps) == ("diverged", 10 - 8)
    assert outcome.message.startswith("the mean loss up to step 10 of 36 is")


@pytest.mark.parametrize("done", range(21, 30))
def test_divergence_is_judged_over_the_same_ten_losses_when_resumed(done: int) -> None:
    for last, diverges in ((9.0, True), (5.0, False)):  # one such loss among ten brings their mean above 1, or does not
        losses = torch.tensor([0.5] * 20 + [last] + [0.5] * 9)
        resumed = Losses(replace(RUNGS, warmup_steps=0))
        resumed.resume(losses[:done])
        for loss in losses[done:]:
            resumed.add(loss)
        with pytest.raises(Diverged) if diverges else nullcontext():
            resumed.check()
        assert torch.equal(resumed.so_far(), losses)
