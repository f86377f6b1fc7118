import json
import logging
import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import structlog
from PIL import Image
from structlog.testing import capture_logs
from typer.testing import CliRunner

from evaluator.data.degrade import imresize
from evaluator.executor import ExecutorError
from evaluator.inline import InlineExecutor
from evaluator.metadata import Metadata
from evaluator.recipe import Recipe
from nas import models, worker
from nas.cli import app
from nas.records import IllegalTransition, SearchState
from nas.settings import Settings
from nas.stopping import StopRequest
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing import make_search
from search_space.published import PUBLISHED

RUNNER = CliRunner()
VERBS = ["describe", "search", "upscale", "analyse", "controller", "replay", "bench-search", "db upgrade", "db check"]


@pytest.fixture(autouse=True)
def _logging():
    """What a verb sets up for its process ends with its test."""
    yield
    structlog.reset_defaults()
    logging.getLogger("evaluator").setLevel(logging.NOTSET)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_teaches_by_an_example(verb):
    result = RUNNER.invoke(app, [*verb.split(), "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output


def test_describe_prints_the_exact_costs_of_a_published_network():
    result = RUNNER.invoke(app, ["describe", "falsr-a"])
    assert result.exit_code == 0
    assert "1,021,401" in result.output
    assert "235.0 G" in result.output


def test_describe_prints_json_that_other_programs_can_use(tmp_path):
    result = RUNNER.invoke(app, ["describe", "FALSR-A", "--json", "--svg", str(tmp_path / "a.svg")])
    found = json.loads(result.stdout)
    assert (found["name"], found["params"], found["scale"], found["channels"]) == ("falsr-a", 1021401, 2, 1)
    assert found["mult_adds"] // 10**8 == 2350
    assert found["text"] == str(PUBLISHED["falsr-a"].genotype)
    assert found["digest"] == PUBLISHED["falsr-a"].genotype.digest
    assert found["reported"]["scores"][0]["protocol"] == "falsr"
    assert (tmp_path / "a.svg").read_text().startswith("<svg")


def test_describe_reads_a_text_and_a_file_alike(tmp_path):
    genotype = PUBLISHED["falsr-b"].genotype
    (tmp_path / "b.json").write_text(json.dumps(genotype.to_json()))
    outputs = [
        RUNNER.invoke(app, ["describe", name, "--json"]).stdout
        for name in ("falsr-b", str(genotype), str(tmp_path / "b.json"))
    ]
    assert len(set(outputs)) == 1


def test_describe_names_no_published_network_for_another(tmp_path):
    found = json.loads(RUNNER.invoke(app, ["describe", "f32|conv-k3-f16-n1:0|tail:0,1", "--json"]).stdout)
    assert found["name"] is None
    assert found["reported"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "no-such-file"], ["falsr-a", "hint:"]),
        (["describe", "f32|conv-k3-f16-n0:0|tail:0,1"], ["hint:"]),
        (["describe", "falsr-a", "--scale", "5", "--channels", "2"], ["scale", "channels"]),
        (["search"], ["--resume"]),
        (["search", "none.json"], ["none.json"]),
    ],
)
def test_wrong_input_is_told_on_stderr_with_status_two(arguments, said):
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert not result.stdout
    assert all(word in result.stderr for word in said)


def test_every_problem_of_a_spec_has_its_own_line(tmp_path, sample_dir):
    path = tmp_path / "spec.toml"
    path.write_text('space = "none"\nscale = 7\ndataset.train = "absent"\n')
    result = RUNNER.invoke(app, ["search", str(path), "--home", str(tmp_path), "--images-root", str(sample_dir)])
    assert result.exit_code == 2
    lines = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(lines) >= 3


@pytest.mark.parametrize("verb", [["controller"], ["search", "-"]])
def test_an_images_root_that_is_missing_is_wrong_input(tmp_path, verb):
    home = tmp_path / "home"
    arguments = [*verb, "--home", str(home), "--images-root", str(tmp_path / "exmples")]
    result = RUNNER.invoke(app, arguments, input='{"dataset": {"train": "photos"}}')
    assert result.exit_code == 2
    assert "SRNAS_IMAGES_ROOT" in result.stderr
    assert not home.exists()


def test_a_controller_says_first_what_it_works_with_and_no_password(monkeypatch, tmp_path):
    monkeypatch.setattr(worker, "open_store", lambda *_, **__: MemoryStore())
    monkeypatch.setattr(worker, "open_executor", lambda _: nullcontext(InlineExecutor()))
    settings = Settings(
        home=tmp_path,
        images_root=tmp_path,
        database_url="postgresql://anna:secret@host/d",
        workers=3,
        ray_address="h:1",
    )
    with capture_logs() as lines:
        worker.run_controller(settings, lambda: True)
    assert lines[0] == {
        "event": "controller started",
        "log_level": "info",
        "database": "postgresql://anna:***@host/d",
        "images_root": str(tmp_path),
        "executor": "ray",
        "workers": 3,
        "ray": "h:1",
    }


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ExecutorError("no workers", retryable=False, hint="start fewer"), 1),
        (IllegalTransition("a", SearchState.FAILED, SearchState.PAUSED), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_expected_failures_have_a_status_and_no_traceback(monkeypatch, tmp_path, error, status):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(worker, "run_controller", fail)
    result = RUNNER.invoke(app, ["controller", "--home", str(tmp_path)])
    assert result.exit_code == status
    assert "Traceback" not in result.stderr
    assert getattr(error, "hint", "") in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "falsr-a", "--svg", "/nonexistent/a.svg"], "/nonexistent/a.svg: No such file or directory"),
        (["db", "upgrade", "--home", "/proc/nope"], "/proc/nope"),
        (["search", "spec.json", "--home", "/proc/nope"], "/proc/nope"),
        (["upscale", "n.onnx", "a.png", "--output", "/proc/nope/a.png"], "/proc/nope"),
    ],
)
def test_what_cannot_be_written_is_one_message(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    Image.new("RGBA", (6, 4), (0, 128, 128, 9)).save("a.png")
    (tmp_path / "spec.json").write_text("{}")
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 1
    assert result.stderr.count("error:") == 1
    assert said in result.stderr


def test_a_picture_goes_into_a_form_that_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    result = RUNNER.invoke(app, ["upscale", "n.onnx", "a.png", "--output", str(tmp_path / "a.psd")])
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("spec.json", '{"seed": NaN}', "values that JSON has"),
        ("spec.json", '{"name": "\\ud800"}', "surrogates"),
        ("spec.json", "[" * 100_000, "recursion"),
        ("spec.toml", "name = 2026-03-01", "date"),
        ("spec.toml", "seed = inf", "values that JSON has"),
    ],
)
def test_a_spec_holds_what_json_can_hold(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    result = RUNNER.invoke(app, ["search", str(tmp_path / name)])
    assert result.exit_code == 2
    assert result.stderr.count("error: SPEC") == 1
    assert said in result.stderr


def test_a_store_in_memory_is_refused_by_every_verb_that_opens_one(tmp_path):
    (tmp_path / "spec.json").write_text("{}")
    for verb in (["search", str(tmp_path / "spec.json")], ["controller"], ["db", "check"]):
        result = RUNNER.invoke(app, [*verb, "--database-url", "memory://"])
        assert result.exit_code == 2
        assert "several processes" in result.stderr


def test_a_search_that_failed_is_shown_and_fails_the_verb(tmp_path, monkeypatch):
    def fail(document, settings, on_progress, **_):
        store = open_store(settings.database)
        failed = make_search(state=SearchState.FAILED, reason="every candidate failed")
        store.add_search(failed)
        store.close()
        on_progress(failed, ())
        return failed

    monkeypatch.setattr(worker, "run_search", fail)
    (tmp_path / "spec.json").write_text("{}")
    result = RUNNER.invoke(app, ["search", str(tmp_path / "spec.json"), "--home", str(tmp_path)])
    assert result.exit_code == 1
    assert "failed: every candidate failed" in result.stdout
    assert "no feasible network: 0 looked at" in result.stdout
    assert not [line for line in result.stderr.splitlines() if "error" in line]


def test_a_search_that_is_stopped_tells_how_to_go_on(tmp_path, monkeypatch):
    def interrupt(document, settings, on_progress, **_):
        on_progress(make_search(), ())
        raise KeyboardInterrupt

    monkeypatch.setattr(worker, "run_search", interrupt)
    (tmp_path / "spec.json").write_text("{}")
    result = RUNNER.invoke(app, ["search", str(tmp_path / "spec.json"), "--home", str(tmp_path)])
    assert result.exit_code == 130
    assert f"srnas search --resume {make_search().id} --home {tmp_path}" in result.stderr


def test_search_runs_here_and_ends_with_its_front(tmp_path, sample_dir):
    spec = {
        "space": "tiny",
        "dataset": {"train": "photos", "train_limit": 2, "validation_crop": 24},
        "recipe": {"steps": 2, "batch": 1, "patch": 8},
        "population": 4,
        "budget": {"evaluations": 4},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    home = tmp_path / "home"
    arguments = ["search", str(tmp_path / "spec.json"), "--home", str(home), "--images-root", str(sample_dir.parent)]
    result = RUNNER.invoke(app, [*arguments, "--inline", "--json"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["state"] == "completed"
    assert found["members"]
    assert all(note in result.stderr for note in found["data_notes"])
    assert found["data_notes"][0].startswith("dataset.train: 2 images")
    assert all(member["seeds"] == 2 for member in found["members"])
    assert all(member["spread"]["psnr_db"] >= 0 for member in found["members"])
    assert {one["operator"] for one in found["statistics"]["operators"]} >= {"confirmation"}
    assert set(found["members"][0]["scores"]) >= {"psnr_db", "params", "mult_adds"}
    assert (home / f"front-{found['search_id']}.html").is_file()
    assert f"{found['search_id']} completed 4/4" in result.stderr


def test_upscale_writes_each_picture_into_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    for name in ("a", "b"):
        Image.new("RGB", (6, 4), "teal").save(tmp_path / f"{name}.png")
    pictures = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    result = RUNNER.invoke(app, ["upscale", "net.onnx", *pictures, "--output", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 0, result.stderr
    assert [entry["width"] for entry in json.loads(result.stdout)["outputs"]] == [12, 12]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-x2.png", "b-x2.png"]


def test_upscale_puts_bicubic_beside_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    Image.new("RGB", (6, 4), "teal").save(tmp_path / "a.png")
    target = tmp_path / "both.png"
    result = RUNNER.invoke(app, ["upscale", "n.onnx", str(tmp_path / "a.png"), "--output", str(target), "--compare"])
    assert result.exit_code == 0, result.stderr
    with Image.open(target) as sheet:
        assert sheet.width > 24


def test_upscale_refuses_to_write_two_results_to_one_file(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    for output in (tmp_path / "one.png", tmp_path):
        result = RUNNER.invoke(app, ["upscale", "n.onnx", "x/a.png", "y/a.png", "--output", str(output)])
        assert result.exit_code == 2


def test_a_database_is_checked_and_upgraded(tmp_path):
    arguments = ["--home", str(tmp_path)]
    assert RUNNER.invoke(app, ["db", "check", *arguments]).exit_code == 1
    assert RUNNER.invoke(app, ["db", "upgrade", *arguments]).exit_code == 0
    assert RUNNER.invoke(app, ["db", "check", *arguments]).exit_code == 0


def test_help_loads_nothing_heavy():
    code = (
        "import sys, nas.cli; "
        "heavy = {'torch', 'ray', 'pymoo', 'onnxruntime', 'sqlalchemy', 'fastapi'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_controller_stops_when_its_parent_is_gone(monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert not StopRequest(os.getppid())()
    assert StopRequest(os.getpid())()


def bicubic_upscaler():
    genotype = PUBLISHED["falsr-b"].genotype

    def network(images):
        return np.stack([[imresize(plane.astype(np.float64), 2) for plane in image] for image in images])

    metadata = Metadata(genotype=genotype, recipe=Recipe(), scale=2, channels=1)
    return models.Upscaler.ours(metadata, network)


def test_analyse_writes_a_page_and_prints_its_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "load_model", lambda path: bicubic_upscaler())
    gradient = np.linspace(0, 255, 24 * 32).reshape(24, 32).astype(np.uint8)
    Image.fromarray(gradient).save(tmp_path / "a.png")
    arguments = ["analyse", "net.onnx", str(tmp_path / "a.png"), "--output", str(tmp_path / "out")]
    result = RUNNER.invoke(app, [*arguments, "--json"])
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["network"]["dc"] == pytest.approx(1, abs=1e-5)
    assert (tmp_path / "out" / "analysis.html").is_file()
    assert "sinc cosine" in RUNNER.invoke(app, arguments).stdout
