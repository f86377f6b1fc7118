"""Lessons from a teacher: what they ask of the model, what they leave alone, and that any of them can be resumed."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch

from evaluator import checkpoints, named_tensors
from evaluator.data.patches import ResidentImages
from evaluator.distillation import lesson as lessons
from evaluator.distillation import make_lesson, valuing
from evaluator.distillation.lesson import DistillationLesson
from evaluator.evaluate import evaluate
from evaluator.finishing import Distillation, Stretch
from evaluator.lesson import Lesson
from evaluator.metadata import KEY
from evaluator.model import SRModel, build_model
from evaluator.outcome import Success
from evaluator.portable import read_safetensors, to_portable
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data, tiny_job
from evaluator.training import fit
from evaluator.training_state import TrainingState
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

TEACHER = Genotype.parse("f8|conv-k3-f8-n1:0|conv-k3-f8-n1:1|conv-k3-f8-n1:2|tail:0,3")
RECIPE = Recipe(steps=8, batch=2, patch=8, precision="float32")
DATA = tiny_data()
CPU = torch.device("cpu")
ALL = {"output": 1.0, "features": 0.01, "bands": 1.0}
CUES = ({"output": 1.0}, {"output": 0.0, "features": 0.01}, {"output": 0.0, "bands": 1.0}, ALL)
TRICKS = [
    {"quantise": quantise, "dynamic_cues": dynamic, "value_aware": valued}
    for quantise, dynamic, valued in product((False, True), repeat=3)
]


def teacher(*, scale: int = 2, channels: int = 1) -> bytes:
    generator = torch.Generator().manual_seed(7)
    model = build_model(TEACHER, RECIPE, scale=scale, channels=channels, generator=generator)
    return checkpoints.to_bytes(model.network.state_dict(), model.metadata)


class Training:
    """A student and its lesson before the first step."""

    def __init__(self, settings: dict[str, object], recipe: Recipe = RECIPE, seed: int = 3) -> None:
        self.recipe = recipe
        self.generator = torch.Generator().manual_seed(seed)
        self.model = build_model(TINY_GENOTYPE, recipe, scale=2, channels=1, generator=self.generator)
        self.images = ResidentImages(DATA.train, "cpu")
        self.lesson: Lesson = make_lesson(
            Distillation(teacher="t", **settings),  # type: ignore[arg-type]
            teacher(),
            model=self.model,
            images=self.images,
            recipe=recipe,
            seed=seed,
            device=CPU,
        )

    def run(self, until: int | None = None, start: TrainingState | None = None) -> TrainingState | None:
        """Train; with `until` up to there, returning the state."""
        return fit(
            self.model,
            self.images,
            self.recipe,
            generator=self.generator,
            clock=lambda: 0.0,
            deadline_s=1.0,
            precision="float32",
            start=start,
            until=until,
            lesson=self.lesson,
        ).state


def flat(model: SRModel) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


@pytest.mark.parametrize(
    ("cues", "tricks"),
    [(ALL, tricks) for tricks in TRICKS] + [(cues, tricks) for cues in CUES[:3] for tricks in (TRICKS[0], TRICKS[-1])],
)
def test_a_resumed_training_is_the_undisturbed_one_bit_for_bit(
    cues: dict[str, float], tricks: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valuing, "PHASE", 2)
    monkeypatch.setattr(lessons, "EVERY", 2)
    whole, first, second = (Training({**cues, **tricks}) for _ in range(3))
    whole.run()
    state = first.run(until=5)
    assert state is not None
    second.run(start=state)
    assert torch.equal(flat(whole.model), flat(second.model))
    left, right = whole.lesson.state(), second.lesson.state()
    assert left.keys() == right.keys() == first.lesson.state().keys()
    assert all(torch.equal(left[name].nan_to_num(), right[name].nan_to_num()) for name in left)


@pytest.mark.parametrize("tricks", [TRICKS[0], TRICKS[-1]])
def test_nothing_of_a_lesson_stays_on_the_model_and_no_global_number_is_drawn(tricks: dict[str, bool]) -> None:
    training = Training({**ALL, **tricks}, replace(RECIPE, steps=2))
    names, before = list(training.model.state_dict()), torch.get_rng_state()
    training.run()
    assert torch.equal(before, torch.get_rng_state())
    assert list(training.model.state_dict()) == names
    for module in training.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert "forward" not in vars(module)


def test_making_a_lesson_leaves_the_global_generator_alone() -> None:
    training, document = Training(ALL), teacher()
    before = torch.get_rng_state()
    make_lesson(
        Distillation(teacher="t", **ALL, quantise=True, dynamic_cues=True, value_aware=True),
        document,
        model=training.model,
        images=training.images,
        recipe=RECIPE,
        seed=1,
        device=CPU,
    )
    assert torch.equal(before, torch.get_rng_state())


def test_the_loss_is_l1_in_value_and_more_in_gradient() -> None:
    training = Training(ALL)
    lr, hr = training.images.sample(torch.Generator().manual_seed(0), 2, 8)
    loss, plain = training.lesson.loss(lr, hr), torch.nn.functional.l1_loss(training.model(lr), hr)
    torch.testing.assert_close(loss, plain)
    weights = list(training.model.parameters())
    gradients = [torch.autograd.grad(value, weights) for value in (loss, plain)]
    assert any(not torch.allclose(taught, alone) for taught, alone in zip(*gradients, strict=True))


def test_a_plain_lesson_leaves_the_teacher_as_it_was_and_tuning_moves_it() -> None:
    for quantise in (False, True):
        training = Training({"quantise": quantise})
        lesson = training.lesson
        assert isinstance(lesson, DistillationLesson)
        before = flat(lesson._teacher)
        training.run()
        assert torch.equal(before, flat(lesson._teacher)) is not quantise


def test_a_student_comes_closer_to_its_teacher() -> None:
    recipe = replace(RECIPE, steps=40, batch=4)
    apart = []
    for settings in ({"output": 1e-9}, {"output": 20.0}):
        training = Training(settings, recipe)
        training.run()
        lr, _ = training.images.sample(torch.Generator().manual_seed(0), 8, 16)
        with torch.no_grad():
            guide = training.lesson._teacher  # type: ignore[attr-defined]
            apart.append(float((training.model(lr) - guide(lr)).abs().mean()))
    assert apart[1] < 0.8 * apart[0]


@pytest.mark.parametrize(("scale", "channels"), [(3, 1), (2, 3)])
def test_a_teacher_of_another_task_is_refused(scale: int, channels: int) -> None:
    training = Training({})
    with pytest.raises(InvalidInput) as caught:
        make_lesson(
            Distillation(teacher="t"),
            teacher(scale=scale, channels=channels),
            model=training.model,
            images=training.images,
            recipe=RECIPE,
            seed=1,
            device=CPU,
        )
    assert [problem.field for problem in caught.value.problems] == ["distil.teacher"]
    assert f"x{scale} with {channels} channels" in str(caught.value)


def test_an_exported_file_teaches_as_the_checkpoint_that_it_was_made_of() -> None:
    training = Training({})
    guide = read_safetensors(teacher())
    exported = named_tensors.to_bytes(to_portable(guide), {KEY: guide.metadata.to_text()})
    lesson = make_lesson(
        Distillation(teacher="t"),
        exported,
        model=training.model,
        images=training.images,
        recipe=RECIPE,
        seed=1,
        device=CPU,
    )
    assert isinstance(lesson, DistillationLesson)
    assert torch.equal(flat(lesson._teacher), flat(guide))


def test_bfloat16_trains_with_every_trick() -> None:
    training = Training({**ALL, "quantise": True, "dynamic_cues": True, "value_aware": True}, replace(RECIPE, steps=2))
    fit(
        training.model,
        training.images,
        training.recipe,
        generator=training.generator,
        clock=lambda: 0.0,
        deadline_s=1.0,
        precision="bfloat16",
        lesson=training.lesson,
    )
    assert flat(training.model).isfinite().all()


def test_stretches_of_a_job_carry_a_lesson_from_document_to_document() -> None:
    distil = Distillation(teacher="t", **ALL, quantise=True, dynamic_cues=True, value_aware=True)
    document = teacher()

    def stretch(until: int, start: bytes = b"") -> Success:
        stretch = Stretch(until=until, distil=distil, teacher=document)
        outcome = evaluate(tiny_job(DATA, recipe=RECIPE, start=start, stretch=stretch), DATA, threads=1)
        assert isinstance(outcome, Success), outcome
        return outcome

    assert stretch(8, stretch(3).state).weights == stretch(8).weights
