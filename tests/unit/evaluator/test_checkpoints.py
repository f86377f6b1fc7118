"""Checkpoints: what is written is read, equal weights are equal bytes, and no reader sees half a file."""

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import checkpoints
from evaluator.metadata import Metadata
from evaluator.recipe import RECIPES, Recipe
from evaluator.testing import TINY_GENOTYPE
from search_space.errors import InvalidInput

METADATA = Metadata(genotype=TINY_GENOTYPE, recipe=Recipe(steps=7), scale=3, channels=3)
WEIGHTS = {"b.weight": torch.arange(24.0).reshape(2, 3, 2, 2), "a.bias": torch.tensor([1.5])}


@settings(deadline=None)
@given(scale=st.sampled_from([2, 3, 4]), channels=st.sampled_from([1, 3]), recipe=st.sampled_from(list(RECIPES)))
def test_what_is_written_is_read(scale: int, channels: int, recipe: str) -> None:
    made = Metadata(genotype=TINY_GENOTYPE, recipe=RECIPES[recipe], scale=scale, channels=channels)
    tensors, read = checkpoints.from_bytes(checkpoints.to_bytes(WEIGHTS, made))
    assert read == made
    assert tensors.keys() == WEIGHTS.keys()
    assert all(torch.equal(tensors[name], WEIGHTS[name]) for name in WEIGHTS)


def test_equal_weights_give_equal_bytes_whatever_their_order_and_memory_format() -> None:
    twisted = {name: WEIGHTS[name] for name in sorted(WEIGHTS)}
    twisted["b.weight"] = twisted["b.weight"].to(memory_format=torch.channels_last)
    documents = {checkpoints.to_bytes(weights, METADATA) for weights in (WEIGHTS, twisted) for _ in range(5)}
    assert len(documents) == 1


def test_other_safetensors_documents_are_refused() -> None:
    for metadata in (None, {"format": "pt"}, {"srnas": "{}"}, {"srnas": json.dumps({"version": 2})}):
        with pytest.raises(InvalidInput, match="checkpoint"):
            checkpoints.from_bytes(safetensors.torch.save(WEIGHTS, metadata=metadata))


def test_every_truncation_is_refused() -> None:
    document = checkpoints.to_bytes(WEIGHTS, METADATA)
    for length in (0, 4, 8, 40, len(document) - 1):
        with pytest.raises(InvalidInput, match="safetensors"):
            checkpoints.from_bytes(document[:length])


def test_a_written_file_is_whole_and_alone_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "model.safetensors"
    checkpoints.write(path, b"first")
    checkpoints.write(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    checkpoints.write(path, b"first")

    def full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        checkpoints.write(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
