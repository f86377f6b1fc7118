"""The main job as a person does it: serve, submit over REST, watch, query the front, export, upscale."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from api.client import ApiError, Client
from api.schemas import CandidateSummary, SearchView
from nas.records import CandidateState, SearchState

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(600)]

SPEC = {
    "name": "acceptance",
    "space": "tiny",
    "dataset": {"train": "photos", "validation_crop": 32},
    "objectives": ["psnr", "fsds_si", "params"],
    "constraints": [{"metric": "params", "max": 12000}, {"metric": "mult_adds", "max": 3e9}],
    "recipe": {"steps": 20, "batch": 4, "patch": 16},
    "population": 4,
    "budget": {"evaluations": 10},
}
LONG = SPEC | {"recipe": {"steps": 100_000}, "name": "long"}


def pixels(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        return np.asarray(image, np.int16)


def _interruptible() -> None:
    """Listen to SIGINT, which jobs that a shell runs in the background ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def served(home: Path, images_root: Path, *, gently: bool = True) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running `srnas serve` and its URL; stopped by Ctrl-C it must end tidily, otherwise it is killed."""
    command = [sys.executable, "-m", "api", "serve", "--home", str(home), "--images-root", str(images_root)]
    with (home.parent / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", "0", "--workers", "2"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            preexec_fn=_interruptible,
        )
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert "ready at http://127.0.0.1:" in first, (home.parent / "serve.log").read_text()
            yield process, first.split(" at ")[1].split()[0]
            if gently:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=60)
                assert process.returncode == 130
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("acceptance") / "home"


@pytest.fixture(scope="module")
def service(home: Path, sample_dir: Path) -> Iterator[Client]:
    with served(home, sample_dir.parent) as (_, url), Client(url) as client:
        yield client


@pytest.fixture(scope="module")
def search(service: Client) -> SearchView:
    seen: list[float] = []
    submitted = service.submit(SPEC)
    ended = service.wait(submitted.id, on_progress=lambda view: seen.append(view.progress.fraction), poll_s=0.2)
    assert ended.state is SearchState.COMPLETED, ended.reason
    assert seen == sorted(seen)
    return ended


@pytest.fixture(scope="module")
def best(service: Client, search: SearchView) -> CandidateSummary:
    return service.front(search.id).members[0]


def test_every_candidate_was_trained_once_and_is_in_sql(service: Client, search: SearchView, home: Path) -> None:
    everyone = list(service.candidates(search.id))
    candidates = [candidate for candidate in everyone if candidate.replicate == 0]
    assert len({candidate.digest for candidate in candidates}) == len(candidates) == 10
    confirmed = {candidate.digest for candidate in everyone if candidate.replicate == 1}
    assert confirmed == {member.digest for member in service.front(search.id).members}
    assert {candidate.state for candidate in candidates} == {CandidateState.SCORED}
    with closing(sqlite3.connect(f"file:{home / 'srnas.sqlite'}?mode=ro", uri=True)) as database:
        (rows,) = database.execute(
            "select count(*) from candidates join evaluations on evaluation_key = key"
            " where psnr_db > 0 and fsds_db is not null and protocol = 'y-float'"
        ).fetchone()
    assert rows == len(everyone)


def test_the_front_is_served_for_any_objectives_as_json_and_csv(service: Client, search: SearchView) -> None:
    front = service.front(search.id)
    assert [objective.metric for objective in front.objectives] == ["psnr", "fsds_si", "params"]
    assert front.members
    cheapest = service.front(search.id, objectives=["params"]).members
    assert len(cheapest) == 1
    lines = service.front_as("csv", search.id, objectives=["psnr", "mult_adds"]).splitlines()
    assert len(lines) == 1 + len(service.front(search.id, objectives=["psnr", "mult_adds"]).members)


def test_no_network_that_breaks_a_cost_constraint_was_trained(service: Client, search: SearchView) -> None:
    assert all((c.scores["params"] or 0) <= 12000 for c in service.candidates(search.id))


def test_a_candidate_tells_how_its_score_came_about(service: Client, best: CandidateSummary) -> None:
    whole = service.candidate(best.id)
    assert whole.evaluation is not None
    assert whole.evaluation.protocol == "y-float"
    assert whole.evaluation.device.startswith("cpu (1 thread")
    assert len(whole.evaluation.code_digest) == len(whole.evaluation.data_digest) == 32
    assert service.drawing(best.id).startswith("<svg")


def test_the_best_network_is_exported_and_upscales_a_photograph(
    service: Client, best: CandidateSummary, sample_dir: Path, tmp_path: Path
) -> None:
    files = {}
    for file_format in ("onnx", "safetensors"):
        artifact = service.wait_for_artifact(service.export(best.id, file_format).id)
        files[file_format] = service.download(artifact.id, tmp_path / f"network.{file_format}")
        assert artifact.detail["max_difference"] <= 1e-4
    session = onnxruntime.InferenceSession(files["onnx"], providers=["CPUExecutionProvider"])
    rgb = pixels(sample_dir / "chelsea.png")[:67, :101].astype(np.float32) / 255
    (enlarged,) = session.run(["output"], {"input": rgb.transpose(2, 0, 1)[None]})
    assert enlarged.shape == (1, 3, 134, 202)
    for path in files.values():
        output = tmp_path / f"{path.suffix[1:]}.png"
        command = ["upscale", str(path), str(sample_dir / "chelsea.png"), "--output", str(output)]
        subprocess.run([sys.executable, "-m", "api", *command], check=True, capture_output=True)
        assert pixels(output).shape == (576, 720, 3)
    onnx, tensors = (pixels(tmp_path / f"{kind}.png") for kind in files)
    assert np.abs(onnx - tensors).max() <= 1


def test_a_trained_network_is_analysed(service: Client, best: CandidateSummary, tmp_path: Path) -> None:
    artifact = service.wait_for_artifact(service.analyse(best.id).id)
    with ZipFile(service.download(artifact.id, tmp_path / artifact.filename)) as archive:
        assert {"analysis.html", "analysis.json", "impulse-response.png"} <= set(archive.namelist())


def test_a_second_serve_on_the_same_database_says_so(service: Client, home: Path) -> None:
    assert service.live()
    command = [sys.executable, "-m", "api", "serve", "--home", str(home), "--port", "0"]
    second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1
    assert "srnas.sqlite" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_wrong_spec_is_refused_with_every_problem(service: Client) -> None:
    with pytest.raises(ApiError) as refused:
        service.submit(SPEC | {"space": "flasr", "budget": {"evaluations": 0}, "dataset": {"train": "../.."}})
    assert refused.value.status == 422
    assert {problem.field for problem in refused.value.problems} == {"space", "budget.evaluations", "dataset.train"}


def test_a_cancelled_search_ends_at_once_and_is_listed_as_cancelled(service: Client) -> None:
    submitted = service.submit(LONG)
    assert service.cancel(submitted.id).state is SearchState.CANCELLED
    assert submitted.id in {view.id for view in service.searches(states=[SearchState.CANCELLED])}
    with pytest.raises(ApiError) as refused:
        service.cancel(submitted.id)
    assert refused.value.status == 409


def test_a_killed_worker_and_a_killed_service_lose_nothing(sample_dir: Path, tmp_path: Path) -> None:
    """`kill -9` of a Ray worker in mid-training, then of the whole service; the search still ends, whole."""
    spec: dict[str, Any] = SPEC | {"recipe": {"steps": 800, "batch": 4, "patch": 16}, "budget": {"evaluations": 8}}
    home = tmp_path / "home"
    killed: list[int] = []
    with served(home, sample_dir.parent, gently=False) as (_, url), Client(url) as client:
        search = client.submit(spec)
        while not killed or client.search(search.id).progress.evaluated < 5:
            if not killed and client.search(search.id).progress.evaluated >= 2:
                killed = [w.pid for w in client.workers() if w.training and w.training.step < w.training.steps / 2][:1]
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)
    with served(home, sample_dir.parent) as (_, url), Client(url) as client:
        ended = client.wait(search.id, poll_s=0.2)
        candidates = [client.candidate(candidate.id) for candidate in client.candidates(search.id)]
    assert ended.state is SearchState.COMPLETED
    assert {candidate.state for candidate in candidates} == {CandidateState.SCORED}
    assert sum(candidate.replicate == 0 for candidate in candidates) == 8
    assert max(c.evaluation.attempts for c in candidates if c.evaluation is not None) == 2
    assert json.loads(ended.model_dump_json())["progress"]["failed"] == 0
