"""The verbs that finish networks: what they ask for, show and compare, and how one comes back to them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from rich.console import Console
from typer.testing import CliRunner

from api import asking, finishing, steering, verbs
from api.app import create_app
from api.client import Client
from api.display import agreement_lines
from api.schemas import AgreementView
from api.testing import InProcess, finish_training
from nas.records import CandidateId, TrainingStatus
from nas.store.memory import MemoryStore

RUNNER = CliRunner()
SHORT = ("--steps", "100")


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture(autouse=True)
def _service(monkeypatch: pytest.MonkeyPatch, settings: Any, store: Any, waits: list[float]) -> Iterator[None]:
    """Every client talks to a silent application in this process, whose controller finishes a training a pause."""

    def work(seconds: float) -> None:
        waits.append(seconds)
        waiting = [TrainingStatus.QUEUED, TrainingStatus.RUNNING]
        half = store.trainings(statuses=waiting)[-1].step == 0
        finish_training(store, 50 if half else None)

    class Connected(Client):
        def __init__(self, url: str) -> None:
            super().__init__("http://localhost", InProcess(create_app(settings, store)), sleep=work)

    for module in (asking, finishing, steering):
        monkeypatch.setattr(module, "Client", Connected)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def run(*arguments: str) -> Any:
    return RUNNER.invoke(verbs.app, list(arguments))


@pytest.mark.parametrize("verb", ["finish", "trainings", "models"])
def test_the_help_of_every_verb_teaches_by_an_example(verb: str) -> None:
    assert "Example: " in run(verb, "--help").output


def test_a_candidate_is_finished_before_ones_eyes(recorded: Any, waits: list[float]) -> None:
    name = recorded.candidates[1].id
    done = run("finish", name, *SHORT)
    assert done.exit_code == 0, done.output
    assert f"{name}: quick, 100 steps, about 0:00:1" in done.stderr
    assert "running, 50/100 steps, 36.50 dB" in done.stderr
    (row,) = [line.split() for line in done.stdout.splitlines() if name in line]
    assert row[1:5] == [name, "32.00", "36.50", "+8.50"]
    assert "1 finished alike: it takes 4" in done.stdout
    assert f"srnas export {row[0]} --format all" in done.stdout
    assert waits == [finishing.POLL_S] * 2


def test_who_comes_back_begins_nothing_anew(recorded: Any, store: MemoryStore) -> None:
    name = recorded.candidates[1].id
    asked = run("finish", name, *SHORT, "--no-wait", "--json")
    (waiting,) = json.loads(asked.stdout)["trainings"]
    assert (waiting["status"], json.loads(asked.stdout)["models"]) == ("queued", [])
    (model,) = json.loads(run("finish", name, *SHORT, "--json").stdout)["models"]
    assert model["id"] == waiting["id"]
    assert len(store.trainings()) == 1


def test_a_front_is_finished_and_its_order_compared(recorded: Any) -> None:
    front = ["finish", recorded.id, "--front", *SHORT, "--json"]
    (best,) = json.loads(run(*front, "--top", "1", "--no-wait").stdout)["trainings"]
    assert best["candidate_id"] == recorded.candidates[1].id
    document = json.loads(run(*front).stdout)
    assert [model["candidate_id"] for model in document["models"]] == [one.id for one in recorded.candidates[1::-1]]
    assert len(document["agreements"][recorded.id]["training_ids"]) == 2


def test_an_empty_front_has_nothing_to_finish(client: Client, spec: dict[str, Any]) -> None:
    refused = run("finish", client.submit(spec).id, "--front")
    assert refused.exit_code == 1
    assert "the front of search" in refused.stderr


def test_everything_that_is_asked_for_arrives(recorded: Any, store: MemoryStore) -> None:
    name = recorded.candidates[1].id
    wanted = ["--train", "photos", "--validation", "photos", "--seed", "9", "--fresh", "--recipe", "standard"]
    refused = run("finish", name, *wanted, "--teacher", "gone.pth", "--steps", "100")
    assert refused.exit_code == 2
    assert all(field in refused.stderr for field in ("recipe.distil.teacher", "dataset.validation"))
    assert run("finish", name, "--train", "photos", "--seed", "9", "--fresh", *SHORT, "--no-wait").exit_code == 0
    (training,) = store.trainings()
    assert (training.seed, training.recipe.warm_start, training.dataset["train"]) == (9, False, "photos")


def test_a_dry_run_foretells_and_begins_nothing(recorded: Any, store: MemoryStore) -> None:
    names = [candidate.id for candidate in recorded.candidates[:2]]
    told = run("finish", *names, "--dry-run", *SHORT)
    assert [line.split(": ")[0] for line in told.stdout.splitlines()] == names
    assert "quick, 100 steps, about 0:00:1" in told.stdout
    assert "quick, 1 step, about" in run("finish", names[0], "--dry-run", "--steps", "1").stdout
    (plain,) = json.loads(run("finish", names[0], "--dry-run", "--json", *SHORT).stdout)
    assert (plain["candidate_id"], plain["steps"]) == (names[0], 100)
    assert store.trainings() == []


def test_a_dry_run_is_refused_what_the_request_would_be_refused(recorded: Any, settings: Any) -> None:
    name, in_flight = recorded.candidates[0].id, recorded.candidates[4].id
    wrong = run("finish", name, "--dry-run", "--recipe", "slow", "--teacher", "x", "--train", "nothing")
    assert wrong.exit_code == 2
    assert all(field in wrong.stderr for field in ("recipe.name", "recipe.distil.teacher", "dataset.train"))
    unscored = run("finish", in_flight, "--dry-run")
    assert (unscored.exit_code, "it has no scores" in unscored.stderr) == (1, True)


def test_whoever_names_a_search_is_led_to_its_front(recorded: Any) -> None:
    for options in ([], ["--dry-run"]):
        refused = run("finish", recorded.id, *SHORT, *options)
        assert (refused.exit_code, "--front" in refused.stderr) == (1, True)
    alone = run("finish", recorded.candidates[0].id, "--top", "2")
    assert (alone.exit_code, "--front" in alone.stderr) == (2, True)


def test_who_stops_watching_is_told_how_to_come_back(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(finishing.Client, "wait_for_trainings", interrupted)
    left = run("finish", recorded.candidates[1].id, *SHORT)
    assert left.exit_code == 130
    assert f"srnas trainings {recorded.id}" in left.stderr


def test_a_training_that_failed_fails_the_verb_and_says_why(
    recorded: Any, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        finish_training(store, 50, status=TrainingStatus.FAILED, reason="the loss rose to 1e9")

    monkeypatch.setattr(Client, "_sleep", fail, raising=False)
    real = finishing.Client

    class Failing(real):  # type: ignore[misc,valid-type]
        def __init__(self, url: str) -> None:
            super().__init__(url)
            self._sleep = fail

    monkeypatch.setattr(finishing, "Client", Failing)
    failed = run("finish", recorded.candidates[1].id, *SHORT)
    assert failed.exit_code == 1
    assert "is failed: the loss rose to 1e9" in failed.stdout
    assert "the loss rose to 1e9" in run("trainings").stdout


def test_trainings_are_listed_of_all_or_of_one_search(recorded: Any) -> None:
    assert "none; begin one" in run("trainings").stdout
    name = recorded.candidates[1].id
    run("finish", name, *SHORT, "--no-wait")
    for arguments in ([], [recorded.id]):
        listed = run("trainings", *arguments).stdout
        assert all(text in listed for text in (name, "queued", "quick", "0/100"))
    assert "0 finished alike" in run("trainings", recorded.id).stdout
    document = json.loads(run("trainings", recorded.id, "--json").stdout)
    assert document["trainings"][0]["candidate_id"] == name
    assert json.loads(run("trainings", "--json").stdout)["agreement"] is None


def test_a_training_is_cancelled_like_a_search(recorded: Any, store: MemoryStore) -> None:
    (training,) = json.loads(run("finish", recorded.candidates[1].id, *SHORT, "--no-wait", "--json").stdout)[
        "trainings"
    ]
    assert "is cancelled" in run("cancel", training["id"]).stdout
    assert json.loads(run("cancel", training["id"], "--json").stdout)["status"] == "cancelled"
    assert store.trainings(candidate_id=CandidateId(training["candidate_id"]))[0].reason
    for name in ("nope", "0123456789ab"):
        refused = run("cancel", name)
        assert (refused.exit_code, f"no search or training has the id '{name}'" in refused.stderr) == (1, True)


def test_models_are_listed_and_one_is_shown_before_and_after_its_benchmark(
    recorded: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "none; begin one" in run("models").stdout
    run("finish", recorded.candidates[1].id, *SHORT)
    (model,) = json.loads(run("models", "--json").stdout)
    assert model["id"] in run("models").stdout
    shown = run("models", model["id"])
    assert (shown.exit_code, "has no benchmark yet" in shown.stdout) == (0, True)
    assert json.loads(run("models", model["id"], "--json").stdout) == {"model": model, "benchmark": None}
    client.export_model(model["id"], "benchmark")
    assert "its benchmark is being made; look again in a moment" in run("models", model["id"]).stdout
    markdown = "| network | Set5 |\n| --- | ---: |\n| mine | **37.00** |\n"
    monkeypatch.setattr(finishing.Client, "benchmark_as", lambda *_: markdown)
    assert markdown in run("models", model["id"]).stdout
    monkeypatch.setattr(finishing, "out", Console(force_terminal=True, color_system=None))
    told = run("models", model["id"]).stdout
    assert "37.00" in told
    assert "| --- |" not in told
    unknown = run("models", "nope")
    assert (unknown.exit_code, "no finished model has the id 'nope'" in unknown.stderr) == (1, True)
    assert "srnas models" in unknown.stderr


def test_pictures_are_asked_for_as_an_export_is(recorded: Any, store: MemoryStore) -> None:
    refused = run("export", "0123456789ab", "--format", "pictures")
    assert "choose one of: srnas models" in refused.stderr
    refused = run("export", recorded.candidates[3].id, "--format", "pictures")
    assert "it has no trained weights" in refused.stderr


def test_an_export_of_no_model_leads_to_those_that_there_are() -> None:
    refused = run("export", "0123456789ab")
    assert refused.exit_code == 1
    assert "choose one of: srnas models" in refused.stderr


def test_an_agreement_is_told_with_its_interval_and_its_warning() -> None:
    found = AgreementView(
        training_ids=["a", "b"], recipe="quick", tau=0.4, low=-0.25, high=1.0, warning="tau 0.40 is low"
    )
    tau, warning = agreement_lines("1f2e3d4c", found)
    assert "0.40, 95 % interval -0.25 to 1.00, over the 2 networks of search 1f2e3d4c" in tau
    assert warning == "warning: tau 0.40 is low"
    assert agreement_lines("1f2e3d4c", found.model_copy(update={"tau": None, "warning": ""})) == []
