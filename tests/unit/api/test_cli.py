import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
import typer
from rich.console import Console
from typer.testing import CliRunner

from api import asking, planning, renewing, steering, verbs, watching
from api.app import create_app
from api.client import Client
from api.display import table_of_searches
from api.packages import PACKAGES, shadowed
from api.testing import InProcess, record_search
from evaluator.recipe import Recipe
from nas.presets import PRESETS
from nas.records import SearchState
from nas.testing import make_worker

RUNNER = CliRunner()
VERBS = [
    *("serve", "api", "submit", "list", "watch", "set", "pause", "resume", "cancel", "extend", "clone"),
    *("estimate", "preset"),
    *("front", "candidates", "statistics", "export", "workers"),
]
LOCAL_VERBS = ["search", "describe", "upscale", "controller", "replay", "bench-search", "db"]


@pytest.fixture(autouse=True)
def _service(monkeypatch: pytest.MonkeyPatch, settings: Any, store: Any) -> Iterator[None]:
    """Every client that a verb makes talks to a silent application in this process."""

    def no_sleep(seconds: float) -> None:
        raise AssertionError("nothing to wait for")

    class Connected(Client):
        def __init__(self, url: str) -> None:
            super().__init__("http://localhost", InProcess(create_app(settings, store)), sleep=no_sleep)

    for module in (asking, planning, renewing, steering, watching):
        monkeypatch.setattr(module, "Client", Connected)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def run(*arguments: str, stdin: str | None = None) -> Any:
    return RUNNER.invoke(verbs.app, list(arguments), input=stdin)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_teaches_by_an_example(verb: str) -> None:
    assert "Example: " in run(verb, "--help").output


def test_the_script_offers_every_verb() -> None:
    listed = run("--help").output
    assert all(f" {verb} " in listed for verb in [*VERBS, *LOCAL_VERBS])


def test_a_spec_is_submitted_from_a_file_or_from_stdin(tmp_path: Path, spec: dict[str, Any]) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    first = json.loads(run("submit", str(tmp_path / "spec.json"), "--json").stdout)
    second = json.loads(run("submit", "-", "--json", stdin=json.dumps(spec)).stdout)
    assert first["state"] == second["state"] == "queued"
    assert first["spec"] == second["spec"]
    assert [search["id"] for search in json.loads(run("list", "--json").stdout)] == [second["id"], first["id"]]
    assert len(json.loads(run("list", "--json", "--limit", "1").stdout)) == 1


def test_every_problem_of_a_spec_is_told_with_status_two(tmp_path: Path, spec: dict[str, Any]) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"scale": 7, "space": "none"}))
    refused = run("submit", str(tmp_path / "spec.json"))
    assert refused.exit_code == 2
    assert len([line for line in refused.stderr.splitlines() if line.startswith("error:")]) >= 2
    assert "hint:" in refused.stderr


def test_what_the_service_does_not_know_is_one_message(recorded: Any) -> None:
    for arguments in (("watch", "none"), ("front", "none"), ("export", "none"), ("pause", "none")):
        refused = run(*arguments)
        assert refused.exit_code == 1
        assert refused.stderr.count("error:") == 1
        assert "Traceback" not in refused.output


def test_a_service_that_is_not_there_is_told_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "Client", Client)
    refused = run("list", "--url", "http://127.0.0.1:1")
    assert refused.exit_code == 1
    assert "srnas serve" in refused.stderr


def test_no_candidates_are_none(recorded: Any) -> None:
    assert run("candidates", recorded.id, "--operator", "nobody").stdout == "none\n"


def test_a_spec_that_is_not_there_is_no_such_file() -> None:
    refused = run("submit", "nofile.json")
    assert refused.exit_code == 2
    assert "no such file: nofile.json" in refused.stderr


def test_workers_are_shown_as_a_table_or_as_json(recorded: Any, store: Any) -> None:
    nobody = run("workers")
    assert nobody.exit_code == 0
    assert "srnas serve" in nobody.stdout
    now = datetime.now(UTC)
    crew = [make_worker("worker-1", recorded.candidates[4], seen_at=now), make_worker("worker-2", seen_at=now)]
    store.record_workers("controller-1", crew, at=now, lease_s=30.0)
    for arguments in (["workers"], ["workers", "--watch"]):
        table = run(*arguments).stdout
        assert all(text in table for text in (f"{recorded.id}-4", "100/200", "27.50", "worker-2", "idle"))
    found = json.loads(run("workers", "--json").stdout)
    assert [(worker["name"], worker["state"]) for worker in found] == [("worker-1", "busy"), ("worker-2", "idle")]
    assert run("workers", "--json", "--watch").exit_code == 2


def test_a_front_has_a_form_for_everybody(recorded: Any, http: Any) -> None:
    table = run("front", recorded.id)
    assert table.exit_code == 0, table.stderr
    assert f"front of search {recorded.id}: 2 of 2 scored networks" in table.stdout
    found = json.loads(run("front", recorded.id, "--json").stdout)
    assert [member["ordinal"] for member in found["members"]] == [1, 0]
    assert json.loads(run("front", recorded.id, "--format", "json").stdout) == found
    csv = http.get(f"/v1/searches/{recorded.id}/front", params={"format": "csv"}).text
    assert run("front", recorded.id, "--format", "csv").stdout.split() == csv.split()
    assert "| candidate |" in run("front", recorded.id, "--format", "markdown").stdout
    assert "<html" in run("front", recorded.id, "--format", "html").stdout


def test_a_front_may_have_other_objectives_and_infeasible_members(recorded: Any) -> None:
    found = json.loads(run("front", recorded.id, "--objectives", "mult_adds", "--json").stdout)
    assert [objective["metric"] for objective in found["objectives"]] == ["mult_adds"]
    found = json.loads(run("front", recorded.id, "--infeasible", "--json").stdout)
    assert [member["ordinal"] for member in found["members"]] == [2, 1, 0]
    assert run("front", recorded.id, "--objectives", "beauty").exit_code == 2


def test_a_search_is_paused_resumed_cancelled_and_watched(
    recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        assert run(verb, recorded.id).stdout.strip() == f"search {recorded.id} is {state}"
    assert run("resume", recorded.id).exit_code == 1
    watched = run("watch", recorded.id)
    assert watched.exit_code == 0
    assert "is cancelled" in watched.stdout
    assert f"front of search {recorded.id}" in watched.stdout
    assert "<html" in (tmp_path / f"front-{recorded.id}.html").read_text()
    assert json.loads(run("watch", recorded.id, "--json").stdout)["state"] == "cancelled"


def test_a_watched_search_tells_its_images_and_its_failures(
    recorded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("cancel", recorded.id)
    watched = run("watch", recorded.id)
    assert watched.stderr.splitlines().count("8 images") == 1
    assert f"search {recorded.id} is cancelled: cancelled by request" in watched.stdout
    assert "1 failed: diverged x1 (lower recipe.learning_rate" in watched.stdout


def test_who_stops_watching_is_told_how_to_come_back(recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(steering.Client, "wait", interrupt)
    stopped = run("watch", recorded.id)
    assert stopped.exit_code == 130
    assert f"search {recorded.id} goes on; come back with: srnas watch {recorded.id}" in stopped.stderr


def test_a_watched_search_tells_how_far_its_trainings_are(
    recorded: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_once(self: Client, search_id: str, on_progress: Any, **_: Any) -> None:
        on_progress(self.search(search_id))
        raise KeyboardInterrupt

    now = datetime.now(UTC)
    crew = [make_worker("worker-1", recorded.candidates[4], seen_at=now), make_worker("worker-2", seen_at=now)]
    store.record_workers("controller-1", crew, at=now, lease_s=30.0)
    monkeypatch.setattr(steering.Client, "wait", look_once)
    assert f" left; at {recorded.id}-4 100/200\n" in run("watch", recorded.id).stderr


def test_an_empty_front_says_why_instead_of_a_table(spec: dict[str, Any]) -> None:
    submitted = json.loads(run("submit", "-", "--json", stdin=json.dumps(spec)).stdout)
    shown = run("front", submitted["id"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("no feasible network: 0 looked at")
    assert f"srnas candidates {submitted['id']}" in shown.stdout


def test_candidates_are_listed_with_their_state_and_trouble(recorded: Any) -> None:
    lines = run("candidates", recorded.id).stdout.splitlines()
    assert [line.split()[-1] for line in lines if f"{recorded.id}-2" in line] == ["infeasible"]
    assert [line.split()[-1] for line in lines if f"{recorded.id}-3" in line] == ["diverged"]
    assert "latency" not in lines[1]
    scored = json.loads(run("candidates", recorded.id, "--state", "scored", "--limit", "2", "--json").stdout)
    assert [candidate["ordinal"] for candidate in scored] == [0, 1]


def test_statistics_are_tables_or_a_document(recorded: Any) -> None:
    shown = run("statistics", recorded.id)
    assert shown.exit_code == 0, shown.stderr
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert ["random", "5", "4", "1", "2", "0", "–", "2"] in lines
    assert ["evaluations", "5", "10", "50%"] in lines
    found = json.loads(run("statistics", recorded.id, "--json").stdout)
    assert found["operators"][0]["front"] == 2
    assert run("statistics", "none").exit_code == 1


def test_the_parallelism_of_a_search_is_set(recorded: Any) -> None:
    assert "with at most 3 candidates in flight" in run("set", recorded.id, "--parallelism", "3").stdout
    assert "with every worker" in run("set", recorded.id, "--parallelism", "all").stdout
    assert json.loads(run("set", recorded.id, "--parallelism", "2", "--json").stdout)["parallelism"] == 2
    for wrong in ("0", "some", "1.5"):
        assert run("set", recorded.id, "--parallelism", wrong).exit_code == 2
    run("cancel", recorded.id)
    assert run("set", recorded.id, "--parallelism", "1").exit_code == 1


def test_a_submitted_spec_is_warned_of_on_stderr(spec: dict[str, Any]) -> None:
    document = spec | {"space": "falsr", "objectives": ["psnr", "params", "mult_adds"], "constraints": []}
    for arguments in ((), ("--json",)):
        submitted = run("submit", "-", *arguments, stdin=json.dumps(document))
        assert submitted.exit_code == 0
        assert submitted.stderr.startswith("warning: params and mult_adds rank the networks")
    assert run("submit", "-", stdin=json.dumps(spec)).stderr == ""


def test_a_watched_search_counts_its_rungs(recorded: Any, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    search = store.search(recorded.id)
    recipe = Recipe(patch=16, rungs=3)
    spec = search.spec.model_copy(update={"recipe": recipe})
    monkeypatch.setattr(type(store), "search", lambda *_: replace(search, spec=spec, state=SearchState.CANCELLED))
    watched = run("watch", recorded.id, "--json")
    assert "rungs 4 > 0 > 0" in watched.stderr
    assert "800 steps" in watched.stderr


def test_what_cannot_be_exported_leads_to_what_can(recorded: Any) -> None:
    for candidate in (f"{recorded.id}-99", f"{recorded.id}-3"):
        refused = run("export", candidate)
        assert refused.exit_code == 1
        assert f"srnas candidates {recorded.id} --state scored" in refused.stderr


def test_a_front_is_asked_for_in_one_form(recorded: Any) -> None:
    refused = run("front", recorded.id, "--format", "csv", "--json")
    assert refused.exit_code == 2
    assert "--format" in refused.stderr


def test_a_search_is_given_more_budget(recorded: Any) -> None:
    told = run("extend", recorded.id, "--evaluations", "200", "--steps", "none")
    assert told.stdout.strip() == f"search {recorded.id} is running, with a budget of evaluations 200"
    found = json.loads(run("extend", recorded.id, "--evaluations", "300", "--json").stdout)
    assert found["spec"]["budget"]["evaluations"] == 300
    refused = run("extend", recorded.id, "--evaluations", "1", "--patience", "soon")
    assert refused.exit_code == 2
    assert "at least 300, as it is" in refused.stderr
    assert "patience" in refused.stderr
    assert run("extend", recorded.id).exit_code == 2
    run("cancel", recorded.id)
    assert "this one can: clone" in run("extend", recorded.id, "--evaluations", "400").stderr


def test_a_search_is_cloned_with_changes_from_a_file_and_the_command_line(recorded: Any, tmp_path: Path) -> None:
    (tmp_path / "changes.toml").write_text("name = 'other'\nbudget = {evaluations = 7}")
    settings = ("--set", "seed=7", "--set", "budget.steps=900", "--set", "recipe=default", "--set", "constraints=[]")
    found = json.loads(run("clone", recorded.id, str(tmp_path / "changes.toml"), *settings, "--json").stdout)
    spec = found["spec"]
    assert (found["cloned_from"], found["state"], found["name"]) == (recorded.id, "queued", "other")
    assert (spec["seed"], spec["constraints"], spec["recipe"]["patch"]) == (7, [], 24)
    assert (spec["budget"]["evaluations"], spec["budget"]["steps"]) == (7, 900)
    plain = run("clone", recorded.id)
    assert f"a clone of {recorded.id}, is queued; follow it with: srnas watch " in plain.stdout
    for settings in (("--set", "seed"), ("--set", "=7"), ("--set", "budget.=7"), ("--set", "scale=9")):
        assert run("clone", recorded.id, *settings).exit_code == 2
    assert "CHANGES" in run("clone", recorded.id, "nowhere.json").stderr


def test_priorities_and_owners_are_listed_where_they_differ(client: Client, spec: dict[str, Any]) -> None:
    first, second = client.submit(spec), client.submit(spec)
    assert "priority" not in run("list").stdout
    told = run("set", first.id, "--priority", "-7", "--parallelism", "2").stdout
    assert told.strip() == f"search {first.id} is queued, with at most 2 candidates in flight and priority -7"
    assert json.loads(run("set", first.id, "--priority", "0", "--json").stdout)["parallelism"] == 2
    run("set", second.id, "--priority", "100")
    listed = run("list").stdout
    assert "priority" in listed
    assert "owner" not in listed
    assert run("set", first.id).exit_code == 2
    assert run("set", first.id, "--priority", "101").exit_code == 2


def test_a_narrow_terminal_cuts_no_id_and_no_state(client: Client, spec: dict[str, Any]) -> None:
    submitted = client.submit(spec | {"name": "a name that is far too long for any terminal"})
    for width in (80, 40):
        console = Console(width=width)
        with console.capture() as capture:
            console.print(table_of_searches([submitted]))
        assert f"{submitted.id}   queued" in capture.get()
        assert len(capture.get().splitlines()) == 5
    assert submitted.name in run("list").stdout


def test_names_are_printed_as_they_are(recorded: Any, spec: dict[str, Any], tmp_path: Path) -> None:
    submitted = json.loads(run("submit", "-", "--json", stdin=json.dumps(spec | {"name": "[/foo]"})).stdout)
    listed = run("list")
    assert listed.exit_code == 0
    assert "[/foo]" in listed.stdout
    for arguments in (("export", "[/foo]"), ("watch", "[/foo]"), ("front", submitted["id"], "--objectives", "[/foo]")):
        refused = run(*arguments)
        assert isinstance(refused.exception, SystemExit)
        assert "[/foo]" in refused.stderr


def test_a_spec_that_json_cannot_hold_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "spec.toml").write_text("name = 2026-03-01")
    assert run("submit", str(tmp_path / "spec.toml")).exit_code == 2
    assert run("submit", "-", stdin='{"seed": NaN}').exit_code == 2


def test_a_service_needs_a_database_that_its_controller_can_open() -> None:
    for verb in ("serve", "api"):
        refused = run(verb, "--database-url", "memory://")
        assert refused.exit_code == 2
        assert "several processes" in refused.stderr


def test_a_file_that_cannot_be_written_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = SimpleNamespace(id="a", filename="a.onnx")
    monkeypatch.setattr(asking.Client, "export", lambda *_: ready)
    monkeypatch.setattr(asking.Client, "wait_for_artifact", lambda *_: ready)
    refused = run("export", "c", "--output", "/proc/nope/a.onnx")
    assert refused.exit_code == 1
    assert refused.stderr.count("error:") == 1
    assert "/proc/nope" in refused.stderr


def test_no_package_of_ours_is_shadowed_here() -> None:
    assert shadowed() == []


def test_a_shadowed_and_a_missing_package_are_named(tmp_path: Path) -> None:
    places = {package: Path(verbs.__file__).parents[1] / package / "__init__.py" for package in PACKAGES}
    wrong = shadowed((places | {"nas": tmp_path / "nas.py", "evaluator": None}).get)
    assert len(wrong) == 2
    assert "evaluator is missing" in wrong[0]
    assert str(tmp_path / "nas.py") in wrong[1]


def test_the_script_refuses_to_start_when_a_package_is_shadowed(tmp_path: Path) -> None:
    (tmp_path / "nas.py").write_text("")
    code = "import sys; sys.argv = ['srnas', '--help']; from api.cli import main; main()"
    root = Path(verbs.__file__).parents[1]
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(root)!r}]; "
    ended = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "nas is shadowed by" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, api.verbs; "
        "heavy = {'torch', 'ray', 'pymoo', 'onnxruntime', 'sqlalchemy', 'fastapi', 'uvicorn'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_help_holds_what_is_swallowed_as_markup() -> None:
    waiting: list[Any] = [typer.main.get_command(verbs.app)]
    while waiting:
        verb = waiting.pop()
        waiting += getattr(verb, "commands", {}).values()
        for told in [verb.help, *(getattr(param, "help", "") for param in verb.params)]:
            assert not re.search(r"\[[a-z#/@]", told or ""), (verb.name, told)


def test_a_spec_is_estimated_before_it_is_queued(tmp_path: Path, spec: dict[str, Any], store: Any) -> None:
    (tmp_path / "spec.json").write_text(json.dumps(spec | {"objectives": ["params", "mult_adds"]}))
    told = run("estimate", str(tmp_path / "spec.json"))
    assert "warning: params and mult_adds rank the networks" in told.stderr
    assert "not known" in told.stdout
    assert "nothing has been trained here yet" in told.stdout
    assert "note: no worker is up" in told.stdout
    run("submit", str(tmp_path / "spec.json"))
    record_search(store)
    assert re.search(r"on the clock +about \d+ (s|min) \(", run("estimate", str(tmp_path / "spec.json")).stdout)
    document = json.loads(run("estimate", "-", "--json", stdin=json.dumps(spec)).stdout)
    assert set(document) == {"spec", "warnings", "estimate"}


def test_a_preset_is_ready_to_be_submitted(sample_dir: Path) -> None:
    printed = run("preset", "first-look", "--dataset", sample_dir.name).stdout
    assert json.loads(run("submit", "-", "--json", stdin=printed).stdout)["name"] == "First look"


def test_presets_are_told_with_their_purposes() -> None:
    told = run("preset").stdout
    assert "three days at the latest" in " ".join(told.split())
    assert max(map(len, told.splitlines())) <= planning.READABLE
    assert [preset["name"] for preset in json.loads(run("preset", "--json").stdout)] == list(PRESETS)
    unknown = run("preset", "balenced")
    assert unknown.exit_code == 2
    assert "did you mean balanced?" in unknown.stderr
