"""What a candidate takes of a GPU: predictions that are on the safe side, and learn."""

import subprocess
import sys
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from evaluator import checkpoints
from evaluator.executor import Job
from evaluator.finishing import Distillation, Stretch
from evaluator.latency_target import LatencyTarget
from evaluator.memory import CONTEXT_BYTES, Images, MemoryBook, allocated_bytes, kept_values
from evaluator.metadata import Metadata
from evaluator.model import build_model
from evaluator.recipe import RECIPES, Recipe
from evaluator.testing import tiny_data, tiny_job
from search_space.genotype import Genotype
from search_space.spaces import SPACES
from search_space.testing import genotypes

GIB = 1 << 30
FALSR = SPACES["falsr"]
RECIPE = Recipe(batch=16, patch=24)

DATA = tiny_data()
NETWORKS = [FALSR.sample(np.random.default_rng(seed)) for seed in range(24)]
"""Few enough that a book often meets the same one again."""

jobs = st.builds(
    lambda genotype, batch, patch, precision: tiny_job(
        DATA, genotype=genotype, recipe=Recipe(batch=batch, patch=patch, precision=precision)
    ),
    st.sampled_from(NETWORKS),
    st.integers(1, 64),
    st.integers(8, 64),
    st.sampled_from(["auto", "float32", "tf32", "bfloat16"]),
)
METADATA = Metadata(genotype=NETWORKS[0], recipe=RECIPE, scale=2, channels=1)
peaks = st.integers(0, 80 * GIB)
lessons = st.lists(st.tuples(jobs, st.one_of(st.none(), peaks)), max_size=8)


def taught(lessons: list[tuple[Job, int | None]]) -> MemoryBook:
    """A book after peaks and overflows (None)."""
    book = MemoryBook()
    for job, peak_bytes in lessons:
        if peak_bytes is None:
            book.overflowed(job, book.predicted_bytes(job))
        else:
            book.learn(job, peak_bytes)
    return book


def kept_bytes(genotype: Genotype, recipe: Recipe, *, scale: int = 2, channels: int = 1) -> int:
    """Bytes of storage that torch keeps for the backward pass of one step, weights left out."""
    model = build_model(genotype, recipe, scale=scale, channels=channels, generator=torch.Generator().manual_seed(0))
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    kept: list[Tensor] = []
    lr = torch.rand(recipe.batch, channels, recipe.patch, recipe.patch)
    hr = torch.rand(recipe.batch, channels, scale * recipe.patch, scale * recipe.patch)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        loss = nn.functional.l1_loss(model(lr), hr)
    assert loss.requires_grad
    storages = {storage.data_ptr(): storage.nbytes() for storage in (tensor.untyped_storage() for tensor in kept)}
    return sum(size for address, size in storages.items() if address not in weights)


@settings(max_examples=40, deadline=None)
@given(
    genotype=genotypes(FALSR), scale=st.sampled_from((2, 3, 4)), channels=st.sampled_from((1, 3)), plain=st.booleans()
)
def test_values_kept_for_the_backward_pass_are_exactly_those_that_torch_keeps(
    genotype: Genotype, scale: int, channels: int, plain: bool
) -> None:
    recipe = replace(RECIPES["paper"] if plain else RECIPES["default"], batch=2, patch=8)
    counted = 4 * 2 * 8**2 * kept_values(genotype, scale=scale, channels=channels)
    assert counted == kept_bytes(genotype, recipe, scale=scale, channels=channels)


def test_a_whole_step_never_takes_more_than_predicted_nor_a_small_part_of_it() -> None:
    rng = np.random.default_rng(1)
    images = Images(resident_bytes=0, largest_lr_pixels=0)
    for precision in ("float32", "bfloat16"):
        recipe = Recipe(batch=4, patch=24, precision=precision)
        for genotype in (FALSR.sample(rng) for _ in range(3)):
            job = tiny_job(tiny_data(), genotype=genotype, recipe=recipe)
            assert 0.4 < step_peak_bytes(job) / allocated_bytes(job, images) <= 1


def test_a_job_fits_alone_whatever_it_takes() -> None:
    book = MemoryBook()
    job = tiny_job(tiny_data(), recipe=Recipe(batch=4096, patch=1024))
    assert book.fits(job, [], 1)
    assert not book.fits(job, [job], 80 * GIB)


@given(job=jobs, beside=st.lists(jobs, min_size=1, max_size=4), total_bytes=st.integers(1, 80 * GIB))
def test_jobs_fit_beside_one_another_when_their_predictions_fill_the_share(
    job: Job, beside: list[Job], total_bytes: int
) -> None:
    book = MemoryBook(share=0.5)
    predicted = sum(book.predicted_bytes(each) for each in [job, *beside])
    assert book.fits(job, beside, total_bytes) == (predicted <= total_bytes / 2)


@given(lessons=lessons, job=jobs, factor=st.integers(2, 4), field=st.sampled_from(["batch", "patch"]))
def test_predictions_grow_with_batch_and_patch(
    lessons: list[tuple[Job, int | None]], job: Job, factor: int, field: str
) -> None:
    book = taught([(replace(other, seed=1), size) for other, size in lessons if other.genotype != job.genotype])
    larger = replace(job, recipe=replace(job.recipe, **{field: factor * getattr(job.recipe, field)}))
    assert book.predicted_bytes(larger) > book.predicted_bytes(job)


@given(lessons=lessons, job=jobs, measured=st.lists(peaks, min_size=1, max_size=4), after=lessons)
def test_a_prediction_is_never_below_what_the_same_job_was_measured_to_take(
    lessons: list[tuple[Job, int | None]], job: Job, measured: list[int], after: list[tuple[Job, int | None]]
) -> None:
    book = taught([*lessons, *((job, peak_bytes) for peak_bytes in measured), *after])
    longer = replace(job, seed=7, recipe=replace(job.recipe, steps=10_000))
    assert book.predicted_bytes(longer) == book.predicted_bytes(job) >= CONTEXT_BYTES + max(measured)


@given(lessons=lessons, job=jobs)
def test_an_overflow_raises_the_prediction_by_half(lessons: list[tuple[Job, int | None]], job: Job) -> None:
    book = taught(lessons)
    before = book.predicted_bytes(job)
    book.overflowed(job, before)
    assert book.predicted_bytes(job) - CONTEXT_BYTES >= 1.5 * (before - CONTEXT_BYTES) - 1


def test_an_overflow_early_in_a_search_raises_the_prediction_of_others() -> None:
    book = MemoryBook()
    job, other = (tiny_job(tiny_data(), recipe=Recipe(patch=patch)) for patch in (16, 24))
    before = book.predicted_bytes(other)
    book.overflowed(job, book.predicted_bytes(job))
    assert book.predicted_bytes(other) > before


@given(lessons=lessons, job=jobs, count=st.integers(2, 8))
def test_jobs_that_overflow_together_raise_a_prediction_by_half_once(
    lessons: list[tuple[Job, int | None]], job: Job, count: int
) -> None:
    book = taught(lessons)
    before = book.predicted_bytes(job)
    for _ in range(count):
        book.overflowed(job, before)
    assert book.predicted_bytes(job) - CONTEXT_BYTES <= 1.5 * (before - CONTEXT_BYTES) + 2


def test_a_burst_of_overflows_is_a_few_measurements_among_many() -> None:
    book, job = MemoryBook(context_bytes=0), tiny_job(tiny_data(), recipe=Recipe(patch=16))
    other = replace(job, recipe=Recipe(patch=24))
    computed = book.predicted_bytes(job)
    for _ in range(64):
        book.learn(replace(job, seed=1), computed // 2)
    before = book.predicted_bytes(other)
    for _ in range(64):
        book.overflowed(job, computed // 2)
    assert book.predicted_bytes(other) <= 1.5 * before + 1
    for _ in range(64):
        book.learn(job, computed // 2)
    assert book.predicted_bytes(other) == before


def test_predictions_approach_measurements_on_the_safe_side_and_one_runaway_moves_them_little() -> None:
    rng = np.random.default_rng(2)
    book = MemoryBook(context_bytes=0)
    plain = MemoryBook(context_bytes=0)
    job = tiny_job(tiny_data(), recipe=Recipe(batch=16))
    for seed in range(200):
        trained = replace(job, genotype=FALSR.sample(rng))
        runaway = 20 if seed == 190 else 1
        book.learn(trained, int(runaway * rng.uniform(0.5, 0.7) * plain.predicted_bytes(trained)))
    fresh = replace(job, genotype=FALSR.sample(rng))
    assert 0.65 < book.predicted_bytes(fresh) / plain.predicted_bytes(fresh) <= 0.7


def test_a_measurement_that_is_not_known_teaches_nothing() -> None:
    book, job = MemoryBook(), tiny_job(tiny_data())
    before = book.predicted_bytes(job)
    book.learn(job, 0)
    assert book.predicted_bytes(job) == before


def test_images_that_stay_on_the_device_and_the_largest_group_to_score_are_counted() -> None:
    data = tiny_data(train=5, validation=3)
    pixels = 24 * 32
    job = tiny_job(data)
    book = MemoryBook(context_bytes=0)
    unknown = book.predicted_bytes(job)
    book.loaded(data)
    assert Images.of(data) == Images(resident_bytes=5 * 5 * pixels + 40 * 3 * 4 * pixels, largest_lr_pixels=3 * pixels)
    assert book.predicted_bytes(job) < unknown
    larger = replace(Images.of(data), resident_bytes=10**9)
    assert allocated_bytes(job, larger) - allocated_bytes(job, Images.of(data)) == 10**9 - 5 * 5 * pixels - 480 * pixels


def test_an_idle_process_keeps_its_context_and_the_last_two_sets_of_images() -> None:
    book = MemoryBook(context_bytes=10**6)
    assert book.idle_bytes == 10**6
    sets = [tiny_data(train=number) for number in (1, 2, 3)]
    for data in [*sets, sets[1]]:
        book.loaded(data)
    assert book.idle_bytes == 10**6 + sum(Images.of(data).resident_bytes for data in sets[1:])


def test_a_timed_network_needs_room_for_the_image_that_it_is_timed_on() -> None:
    book, job = MemoryBook(), tiny_job(tiny_data())
    book.loaded(tiny_data())
    timed = replace(job, latency=LatencyTarget(lr_width=4096, lr_height=4096))
    assert book.predicted_bytes(timed) > book.predicted_bytes(job) + 4096 * 4096 * 4 * 8


def test_a_teacher_needs_room_as_if_it_were_trained_along() -> None:
    network, teacher = NETWORKS[:2]
    distil = Distillation(teacher="0123456789ab")
    checkpoint = checkpoints.to_bytes({}, replace(METADATA, genotype=teacher))
    alone = tiny_job(DATA, genotype=network, recipe=RECIPE, stretch=Stretch(until=10))
    taught = replace(alone, stretch=Stretch(until=10, distil=distil, teacher=checkpoint))
    book, images = MemoryBook(), Images(resident_bytes=0, largest_lr_pixels=0)
    own, both = (allocated_bytes(job, images) for job in (alone, taught))
    assert both - own == allocated_bytes(replace(alone, genotype=teacher), images)
    assert book.predicted_bytes(taught) > book.predicted_bytes(alone)
    book.learn(taught, 70 * GIB)
    assert book.predicted_bytes(replace(taught, seed=1)) >= 70 * GIB
    assert MemoryBook().predicted_bytes(alone) == MemoryBook().predicted_bytes(replace(alone, stretch=None))


@pytest.mark.parametrize("teacher", [b"no checkpoint", b"", checkpoints.to_bytes({}, METADATA)[:-5]])
def test_a_teacher_that_cannot_be_read_is_left_to_the_job(teacher: bytes) -> None:
    job = tiny_job(DATA, stretch=Stretch(until=10, distil=Distillation(teacher="0123456789ab"), teacher=teacher))
    assert MemoryBook().predicted_bytes(job) == MemoryBook().predicted_bytes(replace(job, stretch=None))


@pytest.mark.parametrize(("context_bytes", "share"), [(-1, 0.9), (0, 0.0), (0, 1.1)])
def test_a_book_without_room_is_refused(context_bytes: int, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        MemoryBook(context_bytes, share)


def test_the_module_imports_no_torch() -> None:
    code = "import sys, evaluator.memory; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def step_peak_bytes(job: Job) -> int:
    """The most bytes of storage that live at once in the second optimiser step on a CPU, everything included."""
    model = build_model(job.genotype, job.recipe, scale=2, channels=1, generator=torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(model.parameters(), fused=True)
    means = [torch.zeros_like(weight) for weight in model.parameters()]
    lr, hr = (torch.rand(job.recipe.batch, 1, side, side) for side in (job.recipe.patch, 2 * job.recipe.patch))
    held = [*model.parameters(), *model.buffers(), *means, lr, hr]
    for live in (Live([]), Live(held)):
        with live:
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=job.recipe.precision == "bfloat16"):
                output = model(lr)
            nn.functional.l1_loss(output.float(), hr).backward()
            optimiser.step()
        held += [moment for state in optimiser.state.values() for moment in state.values()]
        held += [weight.grad for weight in model.parameters() if weight.grad is not None]
        del output
    return live.peak_bytes


class Live(TorchDispatchMode):
    """Counts the bytes of every storage from an operation that makes it until it is freed."""

    def __init__(self, held: list[Tensor]) -> None:
        super().__init__()
        self._sizes: WeakKeyDictionary[torch.UntypedStorage, int] = WeakKeyDictionary()
        self.peak_bytes = 0
        self._add(held)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self._add([leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)])
        return result

    def _add(self, tensors: list[Tensor]) -> None:
        for tensor in tensors:
            self._sizes[tensor.untyped_storage()] = tensor.untyped_storage().nbytes()
        self.peak_bytes = max(self.peak_bytes, sum(self._sizes.values()))
