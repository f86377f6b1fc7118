import json

import pytest
from typer.testing import CliRunner

from nas.benchmarking.verb import EPILOG, bench_search
from nas.console import make_app

RUNNER = CliRunner()


@pytest.fixture
def app():
    found = make_app("Benchmarks.")
    found.command("bench-search", epilog=EPILOG)(bench_search)
    found.command("other")(lambda: None)  # with one command there would be no verb
    return found


@pytest.fixture
def path(tmp_path, toy_document):
    written = tmp_path / "toy.json"
    written.write_text(json.dumps(toy_document))
    return written


SMALL = ["--engines", "random,srnas-plain", "--evaluations", "20", "--seeds", "2", "--workers", "1"]


def test_help_teaches_by_an_example(app):
    result = RUNNER.invoke(app, ["bench-search", "--help"])
    assert result.exit_code == 0
    assert "Example: " in result.output
    assert "srnas-plain" in result.output


def test_a_race_is_printed_as_tables(app, path):
    result = RUNNER.invoke(app, ["bench-search", str(path), *SMALL, "--in-flight", "1,4"])
    assert result.exit_code == 0, result.output
    assert "54 rows" in result.output
    assert "random after 20" in result.output
    assert "front found after" in result.output


def test_a_race_is_printed_as_json(app, path, tmp_path):
    output = tmp_path / "search"
    result = RUNNER.invoke(app, ["bench-search", str(path), *SMALL, "--json", "--output", str(output)])
    found = json.loads(result.stdout)
    assert [line["entrant"] for line in found["lines"]] == ["random", "srnas-plain"]
    assert output.with_suffix(".md").exists()


@pytest.mark.parametrize("value", ["", "0", "1,1", "many"])
def test_a_number_in_flight_that_makes_no_sense_is_refused(app, path, value):
    result = RUNNER.invoke(app, ["bench-search", str(path), *SMALL, "--in-flight", value])
    assert result.exit_code == 2
    assert "--in-flight" in result.stderr


def test_a_table_that_is_not_there_is_told(app, tmp_path):
    result = RUNNER.invoke(app, ["bench-search", str(tmp_path / "none.json")])
    assert result.exit_code == 1
    assert "none.json" in result.stderr
