"""A report says where its figures were taken."""

import argparse
import json

import pytest

from benchmarks.reporting import Machine, cores, device_option, table, write_json


def test_a_machine_is_named_with_what_decides_a_timing():
    machine = Machine.here()
    assert machine.cores == cores() >= 1
    for part in (machine.processor, machine.torch, f"{machine.cores} cores", "thread", "load average"):
        assert part in str(machine)


def test_a_gpu_stands_before_its_host():
    machine = Machine(processor="P", cores=4, torch="2", threads=(1,), device="G", load=0.5)
    assert str(machine) == "G; P, 4 cores, torch 2 with 1 thread; load average at start 0.50"


def test_every_number_of_threads_is_named():
    assert "with 1 and 2 threads;" in str(Machine.here(threads=[1, 2]))


def test_a_table_has_as_many_cells_in_each_line():
    lines = table(["arm", "ms", "share"], [["ours", "1.0", "90 %"], ["plain", "2.0", "45 %"]]).splitlines()
    assert len(lines) == 4
    assert {line.count("|") for line in lines} == {4}


def test_figures_are_written_where_asked_and_nowhere_else(tmp_path):
    write_json(None, {})
    write_json(tmp_path / "deep" / "figures.json", {"ms": 1.5})
    assert json.loads((tmp_path / "deep" / "figures.json").read_text()) == {"ms": 1.5}
    assert [path.name for path in tmp_path.rglob("*.json")] == ["figures.json"]


def test_a_device_that_is_not_there_is_refused(monkeypatch, capsys):
    parser = argparse.ArgumentParser()
    device_option(parser)
    assert parser.parse_args([]).device == "cpu"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(SystemExit):
        parser.parse_args(["--device", "cuda"])
    assert "torch sees no GPU here" in capsys.readouterr().err
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert parser.parse_args(["--device", "cuda"]).device == "cuda"
