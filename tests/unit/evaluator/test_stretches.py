"""Full trainings: where they are cut into stretches changes nothing, and nothing begins anew unasked."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import count

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evaluator import checkpoints, distillation
from evaluator.evaluate import evaluate
from evaluator.executor import Job
from evaluator.finishing import Distillation, Stretch
from evaluator.lesson import PlainLesson
from evaluator.model import SRModel
from evaluator.outcome import Failure, Outcome, Success
from evaluator.progress import TrainingProgress
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job
from search_space.genotype import Genotype

DATA = tiny_data()
RECIPE = Recipe(steps=30, batch=2, patch=8, schedule="cosine", warmup_steps=5, ema_decay=0.9)
OTHER = Genotype.parse("f8|conv-k3-f4-n1:0|tail:0,1")
DISTIL = Distillation(teacher="0123456789ab")


def run(job: Job, **options: object) -> Outcome:
    return evaluate(job, DATA, threads=1, **options)


def succeed(job: Job) -> Success:
    outcome = run(job)
    assert isinstance(outcome, Success), outcome
    return outcome


def stretch(until: int, *, start: bytes = b"", recipe: Recipe = RECIPE, **fields: object) -> Job:
    return tiny_job(DATA, recipe=recipe, start=start, stretch=Stretch(until=until, **fields))


def train(cuts: Sequence[int], **fields: object) -> list[Success]:
    """A full training in stretches that end at these steps."""
    outcomes: list[Success] = []
    for until in cuts:
        start = outcomes[-1].state if outcomes else b""
        outcomes.append(succeed(stretch(until, start=start, **fields)))
    return outcomes


@cache
def whole_training() -> Success:
    return train([RECIPE.steps])[0]


@cache
def first_stretch() -> Success:
    return train([10])[0]


def assert_equal(one: Success, other: Success) -> None:
    assert one.weights == other.weights
    assert one.scores == other.scores
    assert one.bands == other.bands
    assert one.state == other.state


@pytest.fixture(scope="module")
def warm() -> bytes:
    """What a search has left of the same network."""
    return succeed(tiny_job(DATA, recipe=replace(RECIPE, name="searched", steps=6, schedule="stable-decay"))).weights


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"ema_decay": 0.0, "gradient_clip": 0.0}, {"schedule": "stable-decay"}, {"schedule": "constant"}],
    ids=str,
)
def test_one_two_and_five_stretches_end_bit_for_bit_alike(
    precision: str, fields: dict[str, object], warm: bytes
) -> None:
    recipe = replace(RECIPE, precision=precision, **fields)
    whole, two, five = (train(cuts, recipe=recipe, warm=warm) for cuts in ([30], [20, 30], [7, 10, 20, 29, 30]))
    assert_equal(two[-1], whole[-1])
    assert_equal(five[-1], whole[-1])
    assert_equal(five[2], two[0])
    assert two[0].state
    assert not whole[-1].state


def test_a_full_training_is_the_partial_one_of_its_recipe() -> None:
    full, partial = train([10, 30])[-1], succeed(tiny_job(DATA, recipe=RECIPE))
    assert (full.weights, full.scores, full.bands) == (partial.weights, partial.scores, partial.bands)


@settings(max_examples=8)
@given(cuts=st.sets(st.integers(1, RECIPE.steps - 1), max_size=6))
def test_wherever_a_training_is_cut_it_ends_the_same(cuts: set[int]) -> None:
    outcomes = train([*sorted(cuts), RECIPE.steps])
    assert_equal(outcomes[-1], whole_training())
    assert [outcome.loss_curve[-1][0] for outcome in outcomes] == [*sorted(cuts), RECIPE.steps]
    assert sum(outcome.steps for outcome in outcomes) == RECIPE.steps


def test_a_stretch_whose_result_was_lost_is_trained_again_to_the_same() -> None:
    lost, again = (succeed(stretch(20, start=first_stretch().state)) for _ in range(2))
    assert_equal(lost, again)
    assert lost.loss_curve == again.loss_curve


def test_a_stretch_never_goes_beyond_the_recipe() -> None:
    outcome = train([10_000])[0]
    assert outcome.steps == RECIPE.steps
    assert_equal(outcome, whole_training())


def test_the_loss_curve_of_a_stretch_has_its_own_steps_alone() -> None:
    first, second = train([10, 30])
    assert [step for step, _ in first.loss_curve] == list(range(1, 11))
    assert [step for step, _ in second.loss_curve] == list(range(11, 31))


def test_the_state_holds_the_live_weights_and_the_scores_are_of_the_average() -> None:
    outcome = train([20])[0]
    live = {
        name.removeprefix("weights/network."): tensor
        for name, tensor in checkpoints.unpack(outcome.state)[0].items()
        if name.startswith("weights/")
    }
    averaged, metadata = checkpoints.from_bytes(outcome.weights)
    assert live.keys() == averaged.keys()
    assert not any(torch.equal(live[name], averaged[name]) for name in live)
    assert metadata.recipe == RECIPE


def test_warm_weights_are_where_the_first_stretch_starts(warm: bytes) -> None:
    still = replace(RECIPE, learning_rate=1e-8, ema_decay=0.0)
    trained, _ = checkpoints.from_bytes(train([1], recipe=still, warm=warm)[0].weights)
    searched, _ = checkpoints.from_bytes(warm)
    for name, weights in searched.items():
        torch.testing.assert_close(trained[name], weights, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"genotype": OTHER}, "warm.genotype"),
        ({"recipe": replace(RECIPE, image_residual=False)}, "warm.recipe.image_residual"),
        ({"recipe": replace(RECIPE, input_scale=2.0, input_offset=0.0)}, "warm.recipe.input_offset"),
        ({"channels": 3}, "warm.channels"),
    ],
)
def test_warm_weights_of_another_network_or_wrapping_are_refused_by_name(
    change: Mapping[str, object], field: str, warm: bytes
) -> None:
    outcome = run(replace(stretch(10, warm=warm), **change))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps) == ("error", 0)
    assert field in outcome.message


def test_warm_weights_that_cannot_be_read_are_refused() -> None:
    outcome = run(stretch(10, warm=b"no checkpoint"))
    assert isinstance(outcome, Failure)
    assert "safetensors" in outcome.message


def changed(state: bytes, **header: object) -> bytes:
    tensors, text = checkpoints.unpack(state)
    return checkpoints.pack(tensors, json.dumps(json.loads(text) | header))


UNFIT: dict[str, Callable[[bytes], bytes]] = {
    "cut short": lambda state: state[:-1],
    "no document": lambda state: b"no state",
    "a flipped bit": lambda state: state[:-3] + bytes([state[-3] ^ 1]) + state[-2:],
    "other steps": lambda state: changed(state, steps=9),
    "another version": lambda state: changed(state, version=2),
    "another recipe": lambda state: train([10], recipe=replace(RECIPE, steps=31))[0].state,
    "other warm weights": lambda state: train([10], warm=train([1])[0].weights)[0].state,
    "a partial training's": lambda state: (
        succeed(tiny_job(DATA, recipe=replace(RECIPE, schedule="constant"), keep_state=True)).state
    ),
    "as many steps": lambda state: train([10, 20])[1].state,
    "the weights": lambda state: first_stretch().weights,
    "a lesson's": lambda state: _with_extras(state),
}


def _with_extras(state: bytes) -> bytes:
    tensors, text = checkpoints.unpack(state)
    return checkpoints.pack({**tensors, "extras/value": torch.zeros(1)}, text)


@pytest.mark.parametrize("damage", UNFIT.values(), ids=UNFIT.keys())
def test_a_stretch_fails_rather_than_begins_anew(
    damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    start = damage(first_stretch().state)
    caplog.clear()
    outcome = run(stretch(20, start=start))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps) == ("error", 0)
    assert outcome.message.startswith("UnfitState: ")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_stretch_that_takes_too_long_says_where_it_stood() -> None:
    ticks = count()
    job = replace(stretch(30, start=first_stretch().state), timeout_s=0.5)
    outcome = run(job, clock=lambda: float(next(ticks)))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps, outcome.message) == ("timeout", 10, "training stopped at step 20 of 30")


def test_a_stretch_that_ends_with_its_deadline_is_no_timeout() -> None:
    ticks = count()
    job = replace(stretch(10), timeout_s=0.5)
    assert isinstance(run(job, clock=lambda: float(next(ticks))), Success)


def test_progress_is_that_of_the_whole_training() -> None:
    told: list[TrainingProgress] = []
    run(stretch(20, start=first_stretch().state), report=told.append)
    assert [(progress.phase, progress.step) for progress in told] == [("training", 10), ("validation", 20)]
    assert {progress.steps for progress in told} == {RECIPE.steps}


ALIKE = [stretch(1), stretch(30), stretch(20, start=b"a state"), replace(stretch(10), timeout_s=1.0)]
DIFFERENT = {
    "warm weights": stretch(10, warm=b"warm"),
    "a teacher": stretch(10, distil=DISTIL, teacher=b"teacher"),
    "another teacher": stretch(10, distil=DISTIL, teacher=b"other"),
    "another weight of a cue": stretch(10, distil=replace(DISTIL, output=0.5), teacher=b"teacher"),
    "steps": stretch(10, recipe=replace(RECIPE, steps=31)),
    "a recipe": stretch(10, recipe=replace(RECIPE, batch=3)),
    "a seed": replace(stretch(10), seed=1),
    "a network": replace(stretch(10), genotype=OTHER),
    "a partial training": tiny_job(DATA, recipe=RECIPE),
}


def test_the_stretches_of_a_training_are_of_one_lineage_and_those_of_any_other_of_another() -> None:
    assert len({job.lineage for job in ALIKE}) == 1
    assert len({ALIKE[0].lineage, *(job.lineage for job in DIFFERENT.values())}) == 1 + len(DIFFERENT)


def test_a_key_changes_with_where_a_stretch_ends_and_not_with_where_it_starts() -> None:
    assert len({job.key for job in (*ALIKE, *DIFFERENT.values())}) == 4 + len(DIFFERENT)
    assert stretch(20, start=b"a state").key == stretch(20).key


def test_a_teachers_name_is_not_what_it_teaches() -> None:
    renamed = replace(DISTIL, teacher="falsr-b.npz")
    one, other = (stretch(10, distil=distil, teacher=b"teacher") for distil in (DISTIL, renamed))
    assert one.key == other.key


class Momentum(PlainLesson):
    """Learns from the patches and from what it saw before, by a state of several types."""

    recordable = False

    def __init__(self, model: SRModel, seed: int) -> None:
        super().__init__(model)
        self._mean = torch.zeros((), dtype=torch.bfloat16)
        self._steps = torch.tensor(seed)
        self._generator = torch.Generator().manual_seed(seed)

    def choose(self, uniform: Tensor) -> Tensor:
        return (uniform + torch.rand(uniform.shape, generator=self._generator, dtype=torch.float64)) % 1

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        value = super().loss(lr, hr * (1 + self._mean.float()))
        self._mean = (0.9 * self._mean + 0.1 * value.detach()).bfloat16()
        return value

    def learn(self) -> None:
        self._steps = self._steps + 1

    def state(self) -> Mapping[str, Tensor]:
        return {"a/mean": self._mean.clone(), "steps": self._steps, "generator": self._generator.get_state()}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        self._mean, self._steps = tensors["a/mean"], tensors["steps"]
        self._generator.set_state(tensors["generator"])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What lessons were asked for."""
    asked: list[tuple[object, ...]] = []

    def make_lesson(
        distil: Distillation, teacher: bytes, *, model: SRModel, recipe: Recipe, seed: int, **_: object
    ) -> Momentum:
        asked.append((distil, teacher, recipe, seed, next(model.parameters()).requires_grad))
        return Momentum(model, seed)

    monkeypatch.setattr(distillation, "make_lesson", make_lesson)
    return asked


def test_a_lesson_goes_on_with_the_training(made: list[tuple[object, ...]]) -> None:
    fields = {"distil": DISTIL, "teacher": b"teacher"}
    whole, cut = train([30], **fields), train([7, 20, 30], **fields)
    assert_equal(cut[-1], whole[-1])
    assert made == 4 * [(DISTIL, b"teacher", RECIPE, 0, True)]
    assert whole[-1].weights != whole_training().weights
    extras = {name: tensor for name, tensor in checkpoints.unpack(cut[1].state)[0].items() if "extras/" in name}
    assert extras.keys() == {"extras/a/mean", "extras/steps", "extras/generator"}
    assert extras["extras/steps"] == 20


def test_what_a_lesson_keeps_is_checked(made: list[tuple[object, ...]]) -> None:
    fields = {"distil": DISTIL, "teacher": b"teacher"}
    tensors, text = checkpoints.unpack(train([10], **fields)[0].state)
    mean = tensors["extras/a/mean"]
    for changes in ({"extras/steps": torch.tensor(9)}, {"extras/a/mean": mean.view(torch.float16)}, {"extras/x": mean}):
        start = checkpoints.pack({**tensors, **changes}, text)
        outcome = run(stretch(20, start=start, **fields))
        assert isinstance(outcome, Failure)
        assert outcome.message == "UnfitState: its values were changed"


def test_a_distilled_training_in_stretches_is_that_without() -> None:
    teacher = succeed(tiny_job(DATA, seed=1, genotype=OTHER, recipe=replace(RECIPE, steps=10))).weights
    distil = replace(DISTIL, quantise=True, dynamic_cues=True, value_aware=True, features=0.1, bands=0.1)
    fields = {"distil": distil, "teacher": teacher}
    whole, cut = train([30], **fields), train([10, 30], **fields)
    assert_equal(cut[-1], whole[-1])
    assert whole[-1].weights != whole_training().weights


def test_a_teacher_that_cannot_be_read_is_a_failure() -> None:
    outcome = run(stretch(10, distil=DISTIL, teacher=b"no checkpoint"))
    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.steps) == ("error", 0)
