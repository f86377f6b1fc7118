"""What a controller writes when a person asks for a file of a candidate."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch

from evaluator import checkpoints, named_tensors
from evaluator.finishing import FINISHING_RECIPES
from evaluator.metadata import Metadata
from evaluator.model import build_model
from nas import artifacts
from nas.artifacts import write_artifact
from nas.export.benchmark_row import as_markdown, from_json, to_json
from nas.export.network.weights import TRAINING
from nas.fronts import Front
from nas.records import ANALYSIS, BENCHMARK, PICTURES, Candidate, Search, Training, TrainingStatus
from nas.spec import SearchSpec
from nas.testing import make_candidate, make_search
from nas.testing.builders import make_training, make_training_point
from nas.testing.facts import make_benchmark
from search_space.errors import InvalidInput
from search_space.genotype import Genotype

GENOTYPE = Genotype.parse("f8|conv-k3-f8-n1:0|conv-k3-f8-n1:1|tail:2")


@pytest.fixture
def search() -> Search:
    spec = SearchSpec.model_validate({"space": "tiny", "dataset": {"train": "photos"}})
    return replace(make_search(), spec=spec)


@pytest.fixture
def candidate() -> Candidate:
    return make_candidate(genotype=GENOTYPE)


@pytest.fixture
def weights(tmp_path: Path, search: Search) -> Path:
    recipe = search.spec.recipe
    model = build_model(GENOTYPE, recipe, scale=2, channels=1, generator=torch.Generator().manual_seed(0))
    metadata = Metadata(genotype=GENOTYPE, recipe=recipe, scale=2, channels=1)
    path = tmp_path / "weights.safetensors"
    checkpoints.write(path, checkpoints.to_bytes(model.network.state_dict(), metadata))
    return path


def test_an_export_is_verified_on_a_photograph_of_the_search(
    sample_dir: Path, search: Search, candidate: Candidate, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "out" / "network.safetensors"
    written = write_artifact(sample_dir.parent.joinpath, search, candidate, None, weights, "safetensors", path)
    assert written.detail["checked_on"] == "photograph"
    assert written.sha256 == sha256(path.read_bytes()).hexdigest()


def test_a_network_of_a_search_with_rungs_is_exported_from_any_rung(
    sample_dir: Path, search: Search, candidate: Candidate, weights: Path, tmp_path: Path
) -> None:
    # The weights say the plain recipe by which they were trained, which is that of the top rung here.
    with_rungs = replace(search.spec.recipe, rungs=2)
    climbed = replace(search, spec=search.spec.model_copy(update={"recipe": with_rungs}))
    path = tmp_path / "network.safetensors"
    write_artifact(sample_dir.parent.joinpath, climbed, replace(candidate, rung=1), None, weights, "safetensors", path)
    assert path.exists()


def test_an_export_needs_no_photograph(search: Search, candidate: Candidate, weights: Path, tmp_path: Path) -> None:
    written = write_artifact(
        tmp_path.joinpath, search, candidate, None, weights, "safetensors", tmp_path / "network.safetensors"
    )
    assert written.detail["checked_on"] == "noise"


def test_an_analysis_is_a_page_its_pictures_and_its_figures_in_one_archive(
    sample_dir: Path, search: Search, candidate: Candidate, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "network.analysis.zip"
    written = write_artifact(sample_dir.parent.joinpath, search, candidate, None, weights, ANALYSIS, path)
    assert written.size_bytes == path.stat().st_size
    with ZipFile(path) as archive:
        names = archive.namelist()
        figures = json.loads(archive.read("analysis.json"))
    assert names[:2] == ["analysis.html", "analysis.json"]
    assert "impulse-response.png" in names
    assert figures["model"] == candidate.id
    assert written.detail["network"]["dc"] == figures["network"]["dc"]


def test_pictures_are_an_archive_with_an_index(
    sample_dir: Path, search: Search, candidate: Candidate, weights: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pictures.zip"
    written = write_artifact(sample_dir.parent.joinpath, search, candidate, None, weights, PICTURES, path)
    with ZipFile(path) as archive:
        assert json.loads(archive.read("index.json"))["model"] == candidate.id
    assert (written.sha256, written.size_bytes) == (sha256(path.read_bytes()).hexdigest(), path.stat().st_size)


def test_an_analysis_says_when_the_photographs_are_gone(
    search: Search, candidate: Candidate, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="photographs"):
        write_artifact(tmp_path.joinpath, search, candidate, None, weights, ANALYSIS, tmp_path / "a.zip")


@pytest.fixture
def finished(search: Search) -> Training:
    """A finished model with the search's wrapping, validated on a dataset of its own."""
    recipe = FINISHING_RECIPES["quick"].for_search(search.spec.recipe)
    return make_training(
        recipe=recipe,
        dataset={"train": "gone", "validation": "photos"},
        status=TrainingStatus.COMPLETED,
        step=10_000,
        points=(make_training_point(10_000),),
        protocol="y-float",
    )


@pytest.fixture
def final_weights(tmp_path: Path, finished: Training) -> Path:
    recipe = finished.recipe.training
    model = build_model(GENOTYPE, recipe, scale=2, channels=1, generator=torch.Generator().manual_seed(1))
    path = tmp_path / "final.safetensors"
    checkpoints.write(path, checkpoints.to_bytes(model.network.state_dict(), model.metadata))
    return path


def test_a_finished_model_is_exported_with_its_own_recipe_and_says_how_it_was_trained(
    sample_dir: Path, search: Search, candidate: Candidate, finished: Training, final_weights: Path, tmp_path: Path
) -> None:
    folder_of, path = sample_dir.parent.joinpath, tmp_path / "model.safetensors"
    written = write_artifact(folder_of, search, candidate, finished, final_weights, "safetensors", path)
    assert written.detail["checked_on"] == "photograph"
    _, texts = named_tensors.from_bytes(path.read_bytes())
    summary = json.loads(texts[TRAINING])
    assert (summary["model"], summary["steps"], summary["psnr_db"]) == (finished.id, 10_000, finished.points[0].psnr_db)


def test_the_card_of_a_finished_model_says_where_the_terms_of_its_images_stand(
    sample_dir: Path, search: Search, candidate: Candidate, finished: Training, final_weights: Path, tmp_path: Path
) -> None:
    folder_of, path = sample_dir.parent.joinpath, tmp_path / "model.md"
    write_artifact(folder_of, search, candidate, finished, final_weights, "card", path)
    card = path.read_text()
    assert "LICENSES.md in photos" in card
    assert all(name in card for name in ("gone", "quick", candidate.id, search.id))


def test_a_card_tells_the_place_on_the_front_how_many_images_there_were_and_the_benchmark_that_is_there(
    sample_dir: Path, search: Search, candidate: Candidate, finished: Training, final_weights: Path, tmp_path: Path
) -> None:
    path, measured = tmp_path / "model.md", tmp_path / "benchmark.json"
    measured.write_text(json.dumps(to_json(make_benchmark())))
    front = Front(
        search=search,
        objectives=search.spec.objective_values,
        members=(candidate,),
        scored=1,
        feasible_only=True,
        hypervolume=None,
    )
    folder_of, benchmark = sample_dir.parent.joinpath, {finished.id: measured}
    write_artifact(
        folder_of,
        search,
        candidate,
        replace(finished, dataset={"train": "photos", "train_limit": 5, "validation": None}),
        final_weights,
        "card",
        path,
        front_of={search.id: front}.__getitem__,
        benchmark_of=lambda training: benchmark[training.id],
    )
    card = path.read_text()
    assert "number 1 of the 1 on its front" in card
    assert "| training | photos | 4 |" in card
    assert "| validation | photos, held out | 1 |" in card
    assert as_markdown(make_benchmark()).strip() in card


def test_a_card_counts_the_images_that_the_search_decoded_though_they_are_gone(
    search: Search,
    candidate: Candidate,
    finished: Training,
    weights: Path,
    final_weights: Path,
    tmp_path: Path,
) -> None:
    noted = replace(search, data_digest="d", data_notes=("dataset.train: 10 images, layout flat",), owner="anna")
    path = tmp_path / "model.md"
    write_artifact(tmp_path.joinpath, noted, candidate, None, weights, "card", path)
    card = path.read_text()
    assert "| training | photos | 8 |" in card
    assert "| validation | photos, held out | 2 |" in card
    assert "trained by anna on photos; no licence was stated" in card
    for digest, count in (("d", "8"), ("e", "–")):
        trained = replace(finished, dataset={"train": "photos", "validation": None}, data_digest=digest)
        write_artifact(tmp_path.joinpath, noted, candidate, trained, final_weights, "card", path)
        assert f"| training | photos | {count} |" in path.read_text()


OF_NO_SET = json.dumps(to_json(make_benchmark().model_copy(update={"sets": (), "scores": ()}))).encode()


def test_without_a_set_a_benchmark_says_what_is_missing_and_an_archive_has_none(
    search: Search,
    candidate: Candidate,
    finished: Training,
    final_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, told = tmp_path / "benchmark.json", []
    with pytest.raises(InvalidInput, match="benchmark sets: missing") as caught:
        write_artifact(tmp_path.joinpath, search, candidate, finished, final_weights, BENCHMARK, path)
    assert f"/v1/models/{finished.id}/exports" in caught.value.hint
    assert not path.exists()
    monkeypatch.setattr(artifacts, "export_model", lambda **options: told.append(options["facts"].benchmark))
    write_artifact(tmp_path.joinpath, search, candidate, finished, final_weights, "all", path)
    assert told == [None]


@pytest.mark.parametrize("content", [None, b"no JSON", b"{}", OF_NO_SET])
def test_an_archive_measures_a_benchmark_that_cannot_be_read(
    search: Search,
    candidate: Candidate,
    finished: Training,
    final_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
) -> None:
    told = []
    monkeypatch.setattr(artifacts, "rate_model", lambda *_, **__: make_benchmark())
    monkeypatch.setattr(artifacts, "export_model", lambda **options: told.append(options["facts"].benchmark))
    measured = tmp_path / "benchmark.json"
    if content is not None:
        measured.write_bytes(content)
    path = tmp_path / "all.zip"
    write_artifact(
        tmp_path.joinpath,
        search,
        candidate,
        finished,
        final_weights,
        "all",
        path,
        benchmark_sets=lambda: [tmp_path / "Set5"],
        benchmark_of=lambda _: measured,
    )
    assert told == [make_benchmark()]


def test_a_benchmark_is_measured_on_the_sets_that_there_are(
    search: Search,
    candidate: Candidate,
    finished: Training,
    final_weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def rate(*arguments: object, **options: object) -> object:
        asked.append((*arguments, options))
        return make_benchmark()

    monkeypatch.setattr(artifacts, "rate_model", rate)
    path, sets = tmp_path / "benchmark.json", [tmp_path / "Set5"]
    written = write_artifact(
        tmp_path.joinpath,
        search,
        candidate,
        finished,
        final_weights,
        BENCHMARK,
        path,
        print,
        benchmark_sets=lambda: sets,
    )
    assert asked == [(final_weights, sets, {"scale": 2, "name": finished.id, "step": print})]
    assert from_json(json.loads(path.read_bytes())) == make_benchmark()
    assert written.sha256 == sha256(path.read_bytes()).hexdigest()
