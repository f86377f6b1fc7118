"""Weights from outside: every mismatch is named at once, and published networks give their golden outputs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluator.weights import MismatchedWeights, load_model, load_published, load_state
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build
from search_space.published import published_genotype

GENOTYPE = Genotype.parse("f8|ib-k1-f4-n1:0|conv-k3-f4-n2-r:0,1|tail:0,2")


def write_arrays(path: Path, **changes: np.ndarray | None) -> Path:
    """The arrays of a fresh network in a file, some replaced, added or (None) left out."""
    state = {name: value.numpy() for name, value in build(GENOTYPE, scale=2).state_dict().items()}
    arrays = {name: array for name, array in (state | changes).items() if array is not None}
    np.savez(path, **arrays)
    return path


def test_arrays_become_the_weights_of_their_names(tmp_path: Path) -> None:
    bias = np.arange(8, dtype=np.float32)
    network = load_published(write_arrays(tmp_path / "w.npz", **{"feat.bias": bias}), GENOTYPE)
    assert torch.equal(network.state_dict()["feat.bias"], torch.from_numpy(bias))
    assert not network.training


def test_every_mismatch_is_named_at_once(tmp_path: Path) -> None:
    changes = {"feat.bias": None, "tail.out.bias": np.zeros(3), "tail.in.weight": np.zeros((2, 2))}
    with pytest.raises(MismatchedWeights) as refused:
        load_published(write_arrays(tmp_path / "w.npz", **changes), GENOTYPE)
    assert {problem.field for problem in refused.value.problems} == {
        "w.npz:feat.bias",
        "w.npz:tail.out.bias",
        "w.npz:tail.in.weight",
    }
    assert "1" in str(refused.value)


def test_a_refused_load_changes_nothing() -> None:
    network = build(GENOTYPE, scale=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    tensors = {name: torch.ones_like(value) for name, value in before.items() if name != "feat.bias"}
    with pytest.raises(MismatchedWeights):
        load_state(network, tensors, source="test")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_file_with_objects_in_it_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", payload=np.array([object()], dtype=object))
    with pytest.raises(InvalidInput, match="plain arrays"):
        load_published(tmp_path / "w.npz", GENOTYPE)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="plain arrays"):
        load_published(path, GENOTYPE)


def test_bytes_that_are_no_checkpoint_are_refused() -> None:
    with pytest.raises(InvalidInput, match="safetensors"):
        load_model(b"no checkpoint at all")


@pytest.mark.parametrize("letter", ["b", "c"])
def test_a_published_network_gives_its_golden_output(letter: str, reference_dir: Path) -> None:
    folder = reference_dir / "falsr"
    network = load_published(folder / f"falsr_{letter}.npz", published_genotype(f"falsr-{letter}"))
    golden = np.load(folder / f"golden_{letter}.npz", allow_pickle=False)
    with torch.inference_mode():
        ours = network(torch.from_numpy(golden["crop_y_lr"])).numpy()
    np.testing.assert_allclose(ours, golden["crop_y_hr"], rtol=0, atol=1e-5)
