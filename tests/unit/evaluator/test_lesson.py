"""What a training learns from: when a lesson is asked, and that the plain one is plain L1."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from evaluator import training
from evaluator.averaging import Average
from evaluator.captured import Capture
from evaluator.data.patches import ResidentImages
from evaluator.lesson import Lesson, PlainLesson
from evaluator.model import SRModel, build_model
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data
from evaluator.trainer import Trainer, as_it_is
from evaluator.training import TrainingTrace, fit
from evaluator.training_state import TrainingState

RECIPE = Recipe(steps=12, batch=2, patch=8, warmup_steps=2, ema_decay=0.9)
DATA = tiny_data()


def built() -> tuple[SRModel, torch.Generator]:
    generator = torch.Generator().manual_seed(4)
    return build_model(TINY_GENOTYPE, RECIPE, scale=2, channels=1, generator=generator), generator


def trained(lesson: Lesson | None, model: SRModel, generator: torch.Generator, **options: object) -> TrainingTrace:
    images = ResidentImages(DATA.train, "cpu")
    fields = {"generator": generator, "clock": lambda: 0.0, "deadline_s": 1.0, **options}
    return fit(model, images, RECIPE, lesson=lesson, **fields)


def flat(model: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


class Watched(PlainLesson):
    """Writes down what happens, with the first weight as it is then."""

    def __init__(self, model: SRModel, events: list[tuple[str, float]]) -> None:
        super().__init__(model)
        self._events = events

    def note(self, event: str) -> None:
        self._events.append((event, float(flat(self._model)[0])))

    def choose(self, uniform: Tensor) -> Tensor:
        assert (uniform.shape, uniform.dtype) == ((4, RECIPE.batch), torch.float64)
        self.note("choose")
        return uniform

    def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
        assert (lr.shape, hr.shape) == ((2, 1, 8, 8), (2, 1, 16, 16))
        self.note("loss")
        return super().loss(lr, hr)

    def learn(self) -> None:
        self.note("learn")

    def state(self) -> Mapping[str, Tensor]:
        self.note("state")
        return {"noted": torch.tensor(len(self._events))}

    def resume(self, tensors: Mapping[str, Tensor]) -> None:
        self.note(f"resume {int(tensors['noted'])}")


def test_a_step_asks_in_the_order_of_the_port(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[tuple[str, float]] = []
    model, generator = built()
    monkeypatch.setattr(Average, "update", lambda _: events.append(("optimiser", float(flat(model)[0]))))
    trained(Watched(model, events), model, generator)
    steps = [events[start : start + 4] for start in range(0, len(events), 4)]
    assert [[name for name, _ in step] for step in steps] == RECIPE.steps * [["choose", "loss", "optimiser", "learn"]]
    for (_, chosen), (_, before), (_, moved), (_, after) in steps:
        assert chosen == before != moved == after


def test_a_lesson_is_asked_for_its_state_and_given_it_back() -> None:
    events: list[tuple[str, float]] = []
    model, generator = built()
    trace = trained(Watched(model, events), model, generator, until=1)
    assert [name for name, _ in events] == ["choose", "loss", "learn", "state"]
    assert trace.state is not None
    assert trace.state.extras == {"noted": torch.tensor(4)}
    assert "extras/noted" in trace.state.tensors()
    events.clear()
    model, generator = built()
    trained(Watched(model, events), model, generator, until=2, start=trace.state)
    assert [name for name, _ in events] == ["resume 4", "choose", "loss", "learn", "state"]


def test_no_lesson_is_the_plain_one_which_is_l1_and_keeps_nothing() -> None:
    (plain, one), (unasked, other) = built(), built()
    first = trained(PlainLesson(plain), plain, one, until=10)
    second = trained(None, unasked, other, until=10)
    assert torch.equal(flat(plain), flat(unasked))
    assert first.loss_curve == second.loss_curve
    assert first.state is not None
    assert first.state.extras == {}
    lr, hr = torch.rand(2, 1, 8, 8), torch.rand(2, 1, 16, 16)
    assert torch.equal(PlainLesson(plain).loss(lr, hr), (plain(lr) - hr).abs().mean())


def test_what_is_chosen_is_what_is_cut() -> None:
    class Again(PlainLesson):
        def choose(self, uniform: Tensor) -> Tensor:
            return torch.full_like(uniform, 0.5)

        def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
            seen.append(lr)
            return super().loss(lr, hr)

    seen: list[Tensor] = []
    model, generator = built()
    trained(Again(model), model, generator)
    assert all(torch.equal(patches, seen[0][:1].expand(2, -1, -1, -1)) for patches in seen)


def test_a_lesson_computes_in_the_training_s_precision() -> None:
    class Asking(PlainLesson):
        def loss(self, lr: Tensor, hr: Tensor) -> Tensor:
            seen.add(self._model.network_dtype)
            return super().loss(lr, hr)

        def learn(self) -> None:
            seen.add(self._model.network_dtype)

    seen: set[torch.dtype] = set()
    model, generator = built()
    trained(Asking(model), model, generator, precision="bfloat16")
    assert seen == {torch.bfloat16}
    assert model.network_dtype == torch.float32


@pytest.mark.parametrize("recordable", [True, False])
def test_only_steps_that_are_all_alike_are_recorded(recordable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        device = torch.device("cuda")

    class Stop(Exception):
        pass

    def stop(*_: object, run: object, lesson: Lesson, **__: object) -> None:
        assert lesson is asked
        assert isinstance(run, Capture) if recordable else run is as_it_is
        raise Stop

    model, generator = built()
    asked = PlainLesson(model)
    monkeypatch.setattr(asked, "recordable", recordable, raising=False)
    monkeypatch.setattr(training, "Trainer", stop)
    with pytest.raises(Stop):
        training._begun(model, Elsewhere(), RECIPE, generator, "float32", None, asked)


def test_a_state_is_copied_without_what_the_lesson_does_later() -> None:
    class Counting(PlainLesson):
        def __init__(self, model: SRModel) -> None:
            super().__init__(model)
            self.steps = torch.zeros((), dtype=torch.int64)

        def learn(self) -> None:
            self.steps += 1

        def state(self) -> Mapping[str, Tensor]:
            return {"steps": self.steps.clone()}

    model, generator = built()
    lesson = Counting(model)
    trainer = Trainer(model, ResidentImages(DATA.train, "cpu"), RECIPE, generator, lesson=lesson)
    losses = [trainer.step() for _ in range(3)]
    state: TrainingState = trainer.snapshot(torch.stack(losses))
    trainer.step()
    assert (int(state.extras["steps"]), int(lesson.steps)) == (3, 4)
