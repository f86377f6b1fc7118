"""Documents of tensors: those of the library safetensors, byte for byte, and no others are believed."""

import json
import subprocess
import sys

import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from evaluator import named_tensors
from search_space.errors import InvalidInput

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6).filter(lambda name: name[:2] != "__")
texts = st.one_of(st.just({}), st.dictionaries(names, st.text(st.characters(exclude_categories=["Cs"])), max_size=1))


@st.composite
def tensors(draw: st.DrawFn) -> dict[str, Tensor]:
    """Tensors of all types, some of them empty or a single number."""

    def one() -> Tensor:
        dtype = draw(st.sampled_from(list(named_tensors.TYPES.values())))
        shape = draw(st.lists(st.integers(0, 3), max_size=3))
        generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
        return torch.randint(0, 2 if dtype == torch.bool else 100, shape, generator=generator).to(dtype)

    return {name: one() for name in draw(st.lists(names, unique=True, max_size=5))}


def assert_equal(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert (tensor.dtype, tensor.shape) == (theirs[name].dtype, theirs[name].shape)
        ours_bytes, theirs_bytes = (each.reshape(-1).view(torch.uint8) for each in (tensor, theirs[name]))
        assert torch.equal(ours_bytes, theirs_bytes)


@settings(deadline=None)
@given(tensors(), texts)
def test_documents_are_those_of_the_library_byte_for_byte(named: dict[str, Tensor], texts: dict[str, str]) -> None:
    document = named_tensors.to_bytes(named, texts)
    assert document == safetensors.torch.save(named, metadata=texts or None)
    read, read_texts = named_tensors.from_bytes(document)
    assert_equal(read, named)
    assert read_texts == texts


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_damaged_document_is_refused_or_read_as_the_library_reads_it(data: st.DataObject) -> None:
    document = bytearray(named_tensors.to_bytes(data.draw(tensors()), {"srnas": "text"}))
    for _ in range(data.draw(st.integers(1, 3))):
        document[data.draw(st.integers(0, len(document) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(document[: data.draw(st.integers(0, len(document)))] if data.draw(st.booleans()) else document)
    try:
        read, _ = named_tensors.from_bytes(damaged)
    except InvalidInput:
        return
    assert_equal(read, safetensors.torch.load(damaged))


def document(header: object, values: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\xff" * 20,
        document([]),
        document({}, b"left over"),
        document({"a": 1}),
        document({"a": {"dtype": "F32", "shape": [1]}}, b"1234"),
        document({"a": {"dtype": "F12", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        document({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        document({"a": {"dtype": "F32", "shape": [-1, -1], "data_offsets": [0, 4]}}, b"1234"),
        document({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, b"1234"),
        document({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"123"),
        document({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"12345678"),
        document({name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}, b"1234"),
        document({"a": {"dtype": "F32", "shape": [1], "data_offsets": "04"}}, b"1234"),
        document({"__metadata__": {"text": 1}}),
        document({"__metadata__": "text"}),
        (100_000).to_bytes(8, "little") + b"[" * 100_000,
    ],
)
def test_what_is_no_whole_document_is_refused_as_the_library_refuses_it(damaged: bytes) -> None:
    with pytest.raises(safetensors.SafetensorError):
        safetensors.torch.load(damaged)
    with pytest.raises(InvalidInput, match="safetensors"):
        named_tensors.from_bytes(damaged)


def test_tensors_that_were_read_may_be_written_to() -> None:
    read, _ = named_tensors.from_bytes(named_tensors.to_bytes({"a": torch.zeros(3)}, {}))
    read["a"] += 1
    assert read["a"].tolist() == [1, 1, 1]


def test_an_evaluation_needs_torch_numpy_and_pillow_alone() -> None:
    """Others are taken away, as on a machine that has not got them."""
    code = """
import sys
for name in ("safetensors", "ray", "pymoo", "sqlalchemy", "pydantic", "structlog", "scipy", "sklearn", "onnx"):
    sys.modules[name] = None
from evaluator.processes import ProcessExecutor
from evaluator.testing import TINY_RUNGS, tiny_data, tiny_job
from evaluator.worker import Worker
data = tiny_data()
short = Worker("cpu", 1).evaluate(tiny_job(data, recipe=TINY_RUNGS.at_rung(0), keep_state=True), data)
whole = Worker("cpu", 1).evaluate(tiny_job(data, recipe=TINY_RUNGS.at_rung(1), start=short.state), data)
assert whole.weights and whole.steps < 12
"""
    subprocess.run([sys.executable, "-c", code], check=True)
