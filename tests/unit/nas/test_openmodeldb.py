"""An entry of the catalogue has the fields that its validator asks for, of the types that it takes."""

import json
import re
from dataclasses import replace

import pytest

from nas.export.openmodeldb import model_id, openmodeldb_document
from nas.testing.facts import full_facts, sparse_facts

REQUIRED = {
    "name": str,
    "author": list,
    "tags": list,
    "description": str,
    "architecture": str,
    "size": list,
    "scale": int,
    "inputChannels": int,
    "outputChannels": int,
    "resources": list,
    "images": list,
}


@pytest.mark.parametrize("facts", [full_facts(), sparse_facts()], ids=["full", "sparse"])
def test_every_entry_has_what_the_catalogue_needs(facts):
    entry = openmodeldb_document(facts)
    json.dumps(entry, allow_nan=False)
    assert {name: type(entry[name]) for name in REQUIRED} == REQUIRED
    assert entry["description"] == entry["description"].strip()
    assert entry["tags"]
    assert re.fullmatch(r"\d+x-[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*", model_id(facts))


def test_files_stand_with_platform_size_and_digest():
    entry = openmodeldb_document(full_facts())
    kinds = [(one["platform"], one["type"]) for one in entry["resources"]]
    assert kinds == [("onnx", "onnx")] * 3 + [("pytorch", "safetensors"), ("pytorch", "pth")]
    for one in entry["resources"]:
        assert re.fullmatch("[0-9a-f]{64}", one["sha256"])
        assert one["size"] > 0


def test_a_finished_model_says_how_it_was_trained():
    entry = openmodeldb_document(full_facts())
    assert entry["date"] == "2026-03-04"
    assert entry["license"] == "CC-BY-4.0"
    assert (entry["trainingIterations"], entry["trainingBatchSize"], entry["trainingHRSize"]) == (10_000, 8, 48)
    assert (entry["dataset"], entry["datasetSize"]) == ("photos2k", 100)
    assert "37.61 dB / 0.9585 (protocol `falsr`)" in entry["description"]


def test_what_nobody_knows_is_left_out():
    entry = openmodeldb_document(sparse_facts())
    assert not {"date", "trainingIterations", "dataset"} & set(entry)
    assert (entry["license"], entry["resources"]) == (None, [])
    assert "search found" not in entry["description"]


def test_an_id_is_made_of_letters_and_digits():
    assert model_id(replace(full_facts(), name="a b/c_d.é")) == "2x-a-b-c-d"
    assert model_id(replace(full_facts(), name="é")) == "2x-fedcba987654"
