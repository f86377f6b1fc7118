"""Full trainings as people ask for them: what is refused, what is the same, and what they say of the search."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator import checkpoints
from evaluator.finishing import FINISHING_RECIPES, WRAPPING, FinishingRecipe
from evaluator.metadata import Metadata
from evaluator.recipe import Recipe
from nas.datasets import DatasetKept
from nas.records import Candidate, CandidateState, Search, SearchId, Training, TrainingEnded, TrainingId, TrainingStatus
from nas.service import NotFinishable, Service
from nas.settings import Settings
from nas.spec import DatasetSpec
from nas.store.base import NotFound
from nas.store.memory import MemoryStore
from nas.testing import (
    START,
    make_candidate,
    make_evaluation,
    make_genotype,
    make_progress,
    make_search,
    make_tiny_spec,
    told,
)
from nas.testing.builders import advanced, make_training, make_training_point
from nas.trainings import Reranked, TrainingRequest, bicubic_psnr_db, recipe_document, rerank
from search_space.errors import InvalidInput

SHORT = {"name": "quick", "steps": 100, "patch": 16}


@pytest.fixture
def images(tmp_path: Path, sample_dir: Path) -> Path:
    """Photographs to train on, and a benchmark set beside them."""
    photos = sorted(sample_dir.glob("*.png"))
    for folder, chosen in {"photos": photos[:4], "other": photos[4:6], "benchmarks/Set2": photos[6:]}.items():
        (tmp_path / "images" / folder).mkdir(parents=True)
        for photo in chosen:
            shutil.copy(photo, tmp_path / "images" / folder)
    return tmp_path / "images"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(store: MemoryStore, images: Path, tmp_path: Path) -> Service:
    return Service(store, Settings(home=tmp_path / "home", images_root=images), clock=lambda: START)


@pytest.fixture
def candidates(store: MemoryStore) -> list[Candidate]:
    """A scored one, one whose weights are gone, one that failed and one in flight."""
    return record(store)


def record(store: MemoryStore, search_id: str = "00000001", **fields: Any) -> list[Candidate]:
    """Record a search whose candidates have met every fate."""
    search = make_search(search_id, spec=make_tiny_spec(recipe={"patch": 16, "steps": 200}, seed=7, **fields))
    store.add_search(search)
    lease = store.claim_search("tests", at=START, lease_s=60.0, only=search.id)
    assert lease is not None
    baseline = {"psnr_db": 28.0}
    store.begin_search(lease, at=START, data_digest="d", data_notes=[], baseline=baseline, reference_point={})
    asked = [make_candidate(search.id, ordinal) for ordinal in range(4)]
    for candidate in asked:
        store.record_ask(lease, candidate)
    fates: list[dict[str, Any]] = [{}, {"weights": None}, {"failure_kind": "diverged"}]
    for candidate, fate in zip(asked, fates, strict=False):
        evaluation = make_evaluation(candidate, **fate)
        outcome = told(candidate, evaluation, candidate.ordinal)
        store.record_tell(lease, outcome, evaluation, make_progress(candidate.ordinal + 1))
    return store.candidates(search.id)


def complete(store: MemoryStore, training: Training, psnr_db: float = 36.5) -> Training:
    """Finish a training as a controller would."""
    claimed = store.claim_training("tests", at=START, lease_s=60.0)
    assert claimed is not None
    lease, found = claimed
    assert found.id == training.id
    done = advanced(found, found.steps, finished_at=START)
    done = replace(done, points=(*done.points[:-1], replace(done.points[-1], psnr_db=psnr_db)))
    store.keep_training(lease, done, at=START, lease_s=60.0)
    return store.training(training.id)


def problems_of(service: Service, candidate: Candidate, document: Mapping[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        service.trainings.request(candidate.id, document)
    assert service.trainings.page() == []
    return {problem.field: problem.allowed for problem in refused.value.problems}


def test_an_empty_request_is_quick_on_the_images_and_in_the_wrapping_of_the_search(
    service: Service, candidates: list[Candidate]
) -> None:
    training = service.trainings.request(candidates[0].id, {"recipe": SHORT}, by="anna")
    spec = service.search(training.search_id).spec
    assert (training.status, training.owner, training.seed) == (TrainingStatus.QUEUED, "anna", 7)
    assert DatasetSpec.model_validate(training.dataset) == spec.dataset
    assert [getattr(training.recipe.training, name) for name in WRAPPING] == [
        getattr(spec.recipe, name) for name in WRAPPING
    ]
    assert training.recipe.warm_start
    assert service.trainings.get(training.id) == training
    assert TrainingRequest.model_validate({}).recipe == FINISHING_RECIPES["quick"]


def test_the_same_request_is_one_training_and_a_cancelled_one_is_begun_anew(
    service: Service, candidates: list[Candidate]
) -> None:
    name = candidates[0].id
    first = service.trainings.request(name, {"recipe": SHORT})
    assert service.trainings.request(name, {"recipe": SHORT, "seed": 7, "dataset": None}) == first
    other = service.trainings.request(name, {"recipe": SHORT, "seed": 8})
    assert other.id != first.id
    assert service.trainings.cancel(first.id, by="anna").status is TrainingStatus.CANCELLED
    anew = service.trainings.request(name, {"recipe": SHORT})
    assert anew.id not in (first.id, other.id)
    assert {training.id for training in service.trainings.of_candidate(name)} == {first.id, other.id, anew.id}
    assert service.trainings.of_search("00000001") == service.trainings.of_candidate(name)


def test_a_completed_training_is_a_model_that_can_no_longer_be_cancelled(
    service: Service, store: MemoryStore, candidates: list[Candidate]
) -> None:
    training = service.trainings.request(candidates[0].id, {"recipe": SHORT})
    assert service.trainings.models() == []
    with pytest.raises(NotFound):
        service.trainings.model(training.id)
    complete(store, training)
    (model,) = service.trainings.models()
    assert model == service.trainings.model(training.id)
    assert (model.candidate.id, model.search.id, model.bicubic_psnr_db) == (candidates[0].id, "00000001", 28.0)
    with pytest.raises(TrainingEnded):
        service.trainings.cancel(training.id)


def test_only_what_was_scored_is_finished_and_from_its_weights_only_where_they_are_kept(
    service: Service, candidates: list[Candidate]
) -> None:
    _, without_weights, failed, in_flight = candidates
    assert in_flight.state is CandidateState.EVALUATING
    for candidate in (failed, in_flight):
        with pytest.raises(NotFinishable, match="it has no scores"):
            service.trainings.request(candidate.id, {"recipe": {**SHORT, "warm_start": False}})
    with pytest.raises(NotFinishable, match="no trained weights") as refused:
        service.trainings.request(without_weights.id, {"recipe": SHORT})
    assert "warm_start false" in refused.value.hint
    afresh = service.trainings.request(without_weights.id, {"recipe": {**SHORT, "warm_start": False}})
    assert not afresh.recipe.warm_start


def test_every_problem_of_every_field_is_told_at_once(service: Service, candidates: list[Candidate]) -> None:
    found = problems_of(
        service,
        candidates[0],
        {"recipe": {"name": "quick", "stepz": 3, "batch": 0}, "dataset": {"train": "nothing"}, "seed": -1, "sede": 1},
    )
    assert set(found) == {"recipe.stepz", "recipe.batch", "dataset.train", "seed", "sede"}
    assert "did you mean steps" in found["recipe.stepz"]
    assert "did you mean seed" in found["sede"]
    wrong = {"name": "fast", "steps": 0, "distil": {"teacher": "gone"}}
    found = problems_of(service, candidates[0], {"recipe": wrong, "dataset": {"train": "nothing"}})
    assert set(found) == {"recipe.name", "recipe.steps", "recipe.distil.teacher", "dataset.train"}


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ("quik", "recipe"),
        (7, "recipe"),
        ({"name": ["quick"]}, "recipe.name"),
        ({"training": {"steps": 3}}, "recipe.training"),
        ({"protocol": "falsr"}, "recipe.protocol"),
        ({"distil": {"teacher": "gone"}}, "recipe.distil.teacher"),
        ({"distil": {"teacher": "../secrets.pth"}}, "recipe.distil.teacher"),
        ({"distil": {}}, "recipe.distil.teacher"),
    ],
)
def test_a_recipe_that_is_none_is_told_by_its_field(
    service: Service, candidates: list[Candidate], recipe: Any, field: str
) -> None:
    assert set(problems_of(service, candidates[0], {"recipe": recipe})) == {field}


def test_images_must_be_large_enough_and_apart_from_the_benchmarks(
    service: Service, candidates: list[Candidate]
) -> None:
    found = problems_of(service, candidates[0], {"recipe": {**SHORT, "patch": 1024}})
    assert "2048 pixels a side" in found["dataset.train"]
    service.datasets.add_folder("set2", "benchmarks/Set2")
    for train in ("set2", "benchmarks"):
        found = problems_of(service, candidates[0], {"recipe": SHORT, "dataset": {"train": train}})
        assert "apart from the benchmark sets" in found["dataset.train"]
    found = problems_of(service, candidates[0], {"dataset": {"train": "nothing"}})
    assert "other" in found["dataset.train"]
    assert not any(name in found["dataset.train"] for name in ("benchmarks", "set2"))
    found = problems_of(service, candidates[0], {"recipe": SHORT, "dataset": {"train": "other", "validation": "set2"}})
    assert set(found) == {"dataset.validation"}
    other = service.trainings.request(candidates[0].id, {"recipe": SHORT, "dataset": {"train": "other"}})
    assert bicubic_psnr_db(other, service.search(other.search_id)) is None


def checkpoint(scale: int = 2) -> bytes:
    metadata = Metadata(genotype=make_genotype(7), recipe=Recipe(), scale=scale, channels=1)
    return checkpoints.to_bytes({}, metadata)


def test_a_teacher_is_a_finished_model_that_fits_or_a_file_among_the_models(
    service: Service, store: MemoryStore, candidates: list[Candidate], tmp_path: Path
) -> None:
    def asked(teacher: str) -> Mapping[str, Any]:
        return {"recipe": {**SHORT, "distil": {"teacher": teacher}}}

    (larger, *_) = record(store, "00000002", scale=4)
    unfinished = store.add_training(make_training("00000000000a", larger.id))
    with pytest.raises(InvalidInput, match="this training is queued"):
        service.trainings.request(candidates[0].id, asked(unfinished.id))
    complete(store, unfinished)
    with pytest.raises(InvalidInput, match=r"a model of x2 with 1 channels, as its student is: this one is x4 with 1"):
        service.trainings.request(candidates[0].id, asked(unfinished.id))
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / "falsr-b.safetensors").write_bytes(checkpoint())
    with pytest.raises(InvalidInput, match=r"among the models: falsr-b\.safetensors"):
        service.trainings.request(candidates[0].id, asked("falsr-a.safetensors"))
    taught = service.trainings.request(candidates[0].id, asked("falsr-b.safetensors"))
    assert taught.recipe.distil is not None
    refused = {
        "x3.safetensors": (checkpoint(scale=3), "as its student is: this one is x3 with 1"),
        "luma.safetensors": (b"weights", "that srnas wrote"),
        "huge.safetensors": (b"\xff" * 64, "that srnas wrote"),
        "nothing.safetensors": (b"", "that srnas wrote"),
        "falsr-b.npz": (b"", r"a \.safetensors file among the models: falsr-b\.safetensors"),
    }
    for name, (content, why) in refused.items():
        (models / name).write_bytes(content)
        with pytest.raises(InvalidInput, match=why):
            service.trainings.request(candidates[0].id, asked(name))
    plain = service.trainings.request(candidates[0].id, {"recipe": SHORT})
    assert plain.digest != taught.digest
    again = complete(store, service.trainings.get(min(taught, plain, key=lambda one: one.id).id))
    assert service.trainings.request(candidates[0].id, asked(again.id)).recipe.distil is not None


def test_images_of_a_training_are_kept_until_it_has_ended(
    service: Service, store: MemoryStore, candidates: list[Candidate]
) -> None:
    service.datasets.add_folder("spare", "other")
    training = service.trainings.request(candidates[0].id, {"recipe": SHORT, "dataset": {"train": "spare"}})
    with pytest.raises(DatasetKept, match=training.id):
        service.datasets.remove("spare")
    complete(store, training)
    assert service.datasets.remove("spare").name == "spare"


def test_time_is_foretold_by_what_the_search_has_seen(
    service: Service, store: MemoryStore, candidates: list[Candidate]
) -> None:
    seen = candidates[0].evaluation
    assert seen is not None
    foretold = service.trainings.request(candidates[0].id, {"recipe": {**SHORT, "batch": 16}}).expected_s
    assert foretold == pytest.approx(seen.train_s * 100 / 200 * 16 / Recipe().batch)
    every = service.trainings.estimates(candidates[0].id)
    assert list(every) == list(FINISHING_RECIPES)
    some = service.trainings.estimates(candidates[0].id, steps=5000)
    assert some["quick"] == pytest.approx((every["quick"] or 0) / 2)
    assert set(service.trainings.estimates(candidates[3].id).values()) == {None}


def test_what_is_not_there_is_not_found(service: Service) -> None:
    for look in (service.trainings.get, service.trainings.model, service.trainings.of_candidate):
        with pytest.raises(NotFound):
            look("nothing")
    with pytest.raises(NotFound):
        service.trainings.of_search("nothing")
    with pytest.raises(NotFound):
        service.trainings.request("nothing", {})
    with pytest.raises(NotFound):
        service.trainings.cancel("nothing")


recipes = st.builds(
    lambda base, steps, warm: replace(base, training=replace(base.training, steps=steps), warm_start=warm),
    st.sampled_from(list(FINISHING_RECIPES.values())),
    st.integers(1, 10**6),
    st.booleans(),
)


@given(recipes)
def test_a_shown_recipe_asks_for_the_same_again(recipe: FinishingRecipe) -> None:
    wrapping = Recipe(input_scale=2.0, protocol="falsr")
    shown = recipe_document(recipe.for_search(wrapping))
    assert TrainingRequest.model_validate({"recipe": shown}).recipe.for_search(wrapping) == recipe.for_search(wrapping)


# -- whether the search was right ----------------------------------------------------------------------------------


def finished(number: int, psnr_db: float, **fields: Any) -> Training:
    point = make_training_point(10_000, psnr_db=psnr_db)
    completed = {"status": TrainingStatus.COMPLETED, "points": (point,)}
    return make_training(f"{number:012x}", f"00000001-{number}", **completed | fields)


def ranked(psnr_db: Mapping[int, float]) -> Any:
    """Finds candidates whose search gave them some PSNR."""

    def candidate_of(name: str) -> Candidate:
        candidate = make_candidate(ordinal=int(name.split("-")[1]))
        return told(candidate, make_evaluation(candidate, psnr_db=psnr_db[candidate.ordinal]))

    return candidate_of


def of_orders(searched: list[float], final: list[float]) -> Reranked:
    return rerank([finished(n, score) for n, score in enumerate(final)], ranked(dict(enumerate(searched))))


def test_a_search_that_ranked_as_full_training_does_is_not_warned_of() -> None:
    found = of_orders([30.0, 31.0, 32.0, 33.0, 34.0], [36.0, 36.5, 37.0, 37.5, 38.0])
    assert (found.tau.tau, found.tau.pairs, found.warning, found.recipe) == (1.0, 5, "", "quick")


@pytest.mark.parametrize(
    ("final", "warning"),
    [
        ([36.0, 36.5, 37.0], "3 finished alike: it takes 4"),
        ([38.0, 37.5, 37.0, 36.5, 36.0], "tau -1.00 is low"),
        ([36.0, 36.0, 36.0, 36.0], "scores are all equal"),
        ([36.0, 37.0, 36.5, 38.0], "interval reaches down"),
    ],
)
def test_a_low_an_unsure_and_an_undefined_tau_are_warned_of(final: list[float], warning: str) -> None:
    assert warning in of_orders([30.0 + number for number in range(len(final))], final).warning


def test_only_what_was_trained_alike_is_compared_the_newest_of_each_network() -> None:
    scores = {0: 30.0, 1: 31.0, 2: 32.0}
    longer = {"recipe": FINISHING_RECIPES["standard"]}
    trainings = [
        finished(0, 36.0),
        replace(finished(0, 99.0, seed=3), id=TrainingId("older")),
        finished(1, 37.0),
        finished(2, 38.0, **longer),
        finished(2, 38.0, dataset={"train": "other"}),
        make_training("00000000000f", "00000001-2"),
    ]
    found = rerank(trainings, ranked(scores))
    assert found.training_ids == (trainings[0].id, trainings[2].id)
    assert found.tau.tau == 1.0
    assert rerank([], ranked({})).training_ids == ()


def test_bicubic_is_known_where_the_validation_images_are_those_of_the_search() -> None:
    search: Search = replace(make_search(), baseline={"psnr_db": 28.0})
    own = search.spec.dataset.model_dump(mode="json")
    assert bicubic_psnr_db(make_training(dataset=own), search) == 28.0
    assert bicubic_psnr_db(make_training(dataset={**own, "validation_crop": None}), search) is None
    assert bicubic_psnr_db(make_training(dataset={**own, "train": "other"}), search) is None
    apart = make_search(SearchId("00000002"), spec=make_tiny_spec(dataset={"train": "photos", "validation": "val"}))
    apart = replace(apart, baseline={"psnr_db": 29.0})
    assert bicubic_psnr_db(make_training(dataset={"train": "more", "validation": "val"}), apart) == 29.0
