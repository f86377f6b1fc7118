"""What lessons are made of: comparisons, rings, fake INT8, the estimator of weights, the record of values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from evaluator.data.patches import ResidentImages
from evaluator.distillation.cues import Cues, angle, distance, partners, rings
from evaluator.distillation.fake_int8 import FakeInt8, fake_activations, fake_weights
from evaluator.distillation.places import cut, joined
from evaluator.distillation.seeing import View, look
from evaluator.distillation.valuing import GRID, PHASE, TRIMMED, PatchValues
from evaluator.distillation.weighing import HELD, SLOTS, CueWeights
from evaluator.finishing import Distillation
from evaluator.metrics.bands import BANDS
from evaluator.model import SRModel, build_model
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE, tiny_data

CPU = torch.device("cpu")
RECIPE = Recipe(batch=4, patch=8)
CUES = {"output": 1.0, "features": 0.5, "bands": 0.25}
sides = st.integers(4, 40)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=generator(seed))


def model(seed: int = 0) -> SRModel:
    return build_model(TINY_GENOTYPE, RECIPE, scale=2, channels=1, generator=generator(seed))


def cues(student: SRModel, *, quantise: bool = False, **weights: float) -> Cues:
    distil = Distillation(teacher="t", quantise=quantise, **(weights or CUES))
    return Cues(distil, student, student, side=16, generator=generator(), device=CPU)


def drawn(seed: int, count: int = 64) -> Tensor:
    return torch.rand((4, count), generator=generator(seed), dtype=torch.float64)


def test_an_angle_is_blind_to_magnitude_and_has_the_unit_of_a_distance() -> None:
    wanted = noise(3, 2, 4, 4) - 0.5
    torch.testing.assert_close(angle(3 * wanted, wanted), torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(angle(-wanted, wanted), 2 * wanted.abs().flatten(1).mean(1))
    torch.testing.assert_close(distance(3 * wanted, wanted), 2 * wanted.abs().flatten(1).mean(1))


@given(sides)
def test_every_frequency_belongs_to_one_ring(side: int) -> None:
    places = torch.cat(rings(side))
    assert sorted(places.tolist()) == list(range(side * (side // 2 + 1)))
    assert len(rings(side)) <= BANDS


@given(st.integers(1, 12), st.integers(1, 12))
def test_cells_are_compared_in_order_and_the_last_with_the_last(student: int, teacher: int) -> None:
    found = partners(student, teacher)
    assert found == sorted(found)
    assert 0 <= found[0] <= found[-1] == teacher - 1
    assert partners(student, student) == list(range(student))


@pytest.mark.parametrize("quantise", [False, True])
def test_a_student_that_is_its_teacher_has_no_cues_but_through_adapters(quantise: bool) -> None:
    student = model()
    lr = noise(2, 1, 8, 8)
    view = look(student, lr, cells=True)
    assert len(view.cells) == len(TINY_GENOTYPE.cells)
    found = cues(student, quantise=quantise)(lr, view, view)
    assert found.shape == (2, 3)
    torch.testing.assert_close(found[:, ::2], torch.zeros(2, 2), atol=1e-6, rtol=0)
    assert (found[:, 1] > 0.01).all()


def test_bands_see_a_faint_pattern_of_high_frequency() -> None:
    student = model()
    lr = noise(1, 1, 8, 8)
    view = look(student, lr, cells=False)
    checks = 0.01 * (-1.0) ** (torch.arange(16)[:, None] + torch.arange(16))
    other = View(view.image + checks)
    found = cues(student, output=1.0, bands=1.0)(lr, view, other)
    assert found[0, 0].item() == pytest.approx(0.01, rel=1e-3)
    assert found[0, 1] > 0


@given(st.floats(-3, 0), st.floats(0.1, 3), st.integers(0, 99))
def test_fake_activations_are_those_of_torch(low: float, high: float, seed: int) -> None:
    x = 8 * noise(200, seed=seed) - 4
    step = (torch.tensor(high) - torch.tensor(low)) / 255
    wanted = torch.fake_quantize_per_tensor_affine(x, step, (-torch.tensor(low) / step).round().int(), 0, 255)
    found = fake_activations(x, torch.tensor(low), torch.tensor(high))
    apart = (found - wanted).abs()
    assert (apart > 1e-5).float().mean() < 0.02  # where rounding meets a half
    assert apart.max() <= 1.01 * step
    assert fake_activations(torch.zeros(1), torch.tensor(low), torch.tensor(high)).item() == 0


def test_gradients_pass_straight_through_but_from_outside_the_range() -> None:
    x = torch.tensor([-2.0, -0.3, 0.2, 0.7, 5.0], requires_grad=True)
    fake_activations(x, torch.tensor(-1.0), torch.tensor(1.0)).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([0.0, 1.0, 1.0, 1.0, 0.0]))


def test_weights_have_at_most_255_levels_a_channel_and_a_scale_each() -> None:
    weight = (noise(3, 40, 5, 5) - 0.5) * torch.tensor([1.0, 100.0, 0.0]).view(3, 1, 1, 1)
    found = fake_weights(weight)
    steps = weight.abs().amax(dim=(1, 2, 3)) / 127
    assert ((found - weight).abs().amax(dim=(1, 2, 3)) <= 0.501 * steps + 1e-8).all()
    assert all(len(channel.unique()) <= 255 for channel in found)
    assert not found[2].any()


def test_ranges_follow_what_is_seen_only_when_asked() -> None:
    student = model()
    int8 = FakeInt8(student)
    lr = noise(2, 1, 8, 8)
    exact = student(lr)
    with int8.active(observe=False):
        first = student(lr)
    assert int8.ranges.isnan().all()
    with int8.active(observe=True):
        torch.testing.assert_close(student(lr), first)
    seen = int8.ranges.clone()
    assert seen.isfinite().all()
    with int8.active(observe=True):
        student(2 * lr)
    assert not torch.equal(int8.ranges, seen)
    assert torch.equal(student(lr), exact)
    assert 0 < (first - exact).abs().max() < 0.05


def test_a_failure_inside_leaves_the_model_as_it_was() -> None:
    student = model()
    student.network_dtype = torch.bfloat16
    with pytest.raises(RuntimeError), FakeInt8(student).active(observe=True):
        raise RuntimeError
    assert student.network_dtype == torch.bfloat16
    assert not any("forward" in vars(module) for module in student.modules())


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 64))
def test_a_place_in_a_cell_stays_there(number: float, cells: int) -> None:
    uniform = torch.tensor([number], dtype=torch.float64)
    cell, within = cut(uniform, cells)
    assert 0 <= cell < cells
    back = joined(cell, within, cells)
    assert back < 1
    torch.testing.assert_close(back, uniform, atol=1e-11, rtol=0)
    assert cut(back, cells)[0] == cell


def weigher(student: SRModel, own: Cues, batch: int = 4) -> CueWeights:
    images = ResidentImages(tiny_data().train, "cpu")
    return CueWeights(student, images, own, batch=batch, patch=8, generator=generator(5))


def test_an_estimator_that_learnt_nothing_gives_the_weights_of_the_settings() -> None:
    student = model()
    own = cues(student)
    found = weigher(student, own).weights(noise(5, 1, 8, 8), noise(5), noise(5, 3))
    torch.testing.assert_close(found, torch.tensor([list(CUES.values())]).expand(5, 3))


def test_the_outer_loop_turns_away_from_a_teacher_that_misleads() -> None:
    student = model()
    own = cues(student, output=1.0)
    weights = weigher(student, own)
    lr, hr = ResidentImages(tiny_data().train, "cpu").sample(generator(2), 4, 8)
    wrong = View(1 - hr)
    for _ in range(20):
        weights.learn(lr, hr, wrong)
    view = look(student, lr, cells=False)
    found = weights.weights(lr, distance(view.image, hr), own(lr, view, wrong))
    assert (found < 0.95).all()


@given(st.integers(0, 9))
def test_what_is_held_out_is_never_drawn(seed: int) -> None:
    student = model()
    weights = weigher(student, cues(student))
    uniform = drawn(seed)
    spared = weights.spared(uniform)
    slots = (spared[0] * SLOTS).long()
    assert ((slots + 1) % HELD != 0).all()
    assert (spared >= 0).all()
    assert (spared < 1).all()
    assert torch.equal(spared[1:], uniform[1:])
    assert torch.equal(spared[0].argsort(), uniform[0].argsort())


def test_held_out_patches_come_from_the_held_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    student = model()
    weights = weigher(student, cues(student), batch=200)
    monkeypatch.setattr(
        ResidentImages, "cut", lambda _self, uniform, patch: asked.append(uniform) or (uniform, uniform)
    )
    weights.held_out()
    slots = (asked[0][0] * SLOTS).long()
    assert set(slots.tolist()) == {9, 19, 29, 39}


def record(values: Tensor) -> PatchValues:
    kept = PatchValues(CPU)
    kept.values = values.double()
    return kept


def test_every_place_is_as_likely_as_another_before_anything_was_seen() -> None:
    shares = PatchValues(CPU).shares()
    torch.testing.assert_close(shares, torch.full_like(shares, 1 / len(shares)))


def test_the_least_valued_fifth_is_trimmed_and_the_rest_drawn_by_value() -> None:
    values = noise(int(np.prod(GRID)))
    shares = record(values).shares()
    assert float(shares.sum()) == pytest.approx(1)
    trimmed = shares == 0
    assert float(trimmed.double().mean()) == pytest.approx(TRIMMED, abs=0.01)
    assert values[trimmed].max() < values[~trimmed].min()
    order = values[~trimmed].argsort()
    assert (shares[~trimmed][order].diff() >= 0).all()


@given(st.integers(0, 20))
def test_a_phase_of_plain_distillation_draws_as_drawn(seed: int) -> None:
    uniform = drawn(seed)
    kept = record(noise(int(np.prod(GRID)), seed=seed))
    assert kept.choose(uniform, PHASE - 1) is uniform
    chosen = kept.choose(uniform, PHASE)
    assert (chosen >= 0).all()
    assert (chosen < 1).all()
    assert torch.equal(chosen[3], uniform[3])


def test_places_are_drawn_in_proportion_to_their_shares() -> None:
    kept = record(noise(int(np.prod(GRID))) ** 4)
    count = 400_000
    kept.choose(drawn(0, count), PHASE)
    found = torch.bincount(kept._places, minlength=len(kept.values)) / count
    wanted = kept.shares()
    assert (found - wanted).abs().sum() < 0.06
    assert not found[wanted == 0].any()


def test_a_place_drawn_twice_in_a_step_takes_the_mean_of_both() -> None:
    kept = PatchValues(CPU)
    uniform = torch.zeros((4, 3), dtype=torch.float64)
    uniform[0, 2] = 0.999
    kept.choose(uniform, 0)
    kept.learn(torch.tensor([1.0, 3.0, 5.0]))
    assert kept.values[0] == 2
    assert kept.values.nan_to_num().sum() == 7
    kept.choose(uniform, 0)
    kept.learn(torch.tensor([4.0, 4.0, 5.0]))
    assert float(kept.values[0]) == pytest.approx(0.7 * 2 + 0.3 * 4)
