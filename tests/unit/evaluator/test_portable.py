"""State dicts that say by their tensors alone what network they are."""

import io

import pytest
import torch
from hypothesis import given, settings

from evaluator import checkpoints
from evaluator.metadata import KEY
from evaluator.model import SRModel, build_model
from evaluator.portable import (
    PARAMS,
    from_portable,
    is_portable,
    read_metadata,
    read_pth,
    read_safetensors,
    to_portable,
)
from evaluator.recipe import RECIPES, Recipe
from evaluator.weights import MismatchedWeights
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.network import build
from search_space.spaces import get_space
from search_space.testing import genotypes

GENOTYPE = Genotype.parse("f8|ib-k1-f4-n1:0|conv-k3-f4-n2-r:0,1|tail:0,2")


def made(genotype: Genotype = GENOTYPE, *, scale: int = 2, channels: int = 1) -> SRModel:
    generator = torch.Generator().manual_seed(3)
    return build_model(genotype, Recipe(), scale=scale, channels=channels, generator=generator).eval()


def pickled(held: object) -> bytes:
    file = io.BytesIO()
    torch.save(held, file)
    return file.getvalue()


@settings(max_examples=20)
@given(genotypes(get_space("tiny")))
def test_a_network_survives_as_tensors(genotype):
    model = made(genotype, scale=3, channels=3)
    found = from_portable(to_portable(model))
    assert found.metadata == model.metadata
    assert all(torch.equal(found.state_dict()[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_what_it_is_survives_a_conversion_of_all_tensors(dtype):
    model = made()
    found = from_portable({name: tensor.to(dtype) for name, tensor in to_portable(model).items()})
    assert found.metadata == model.metadata
    assert {tensor.dtype for tensor in found.state_dict().values()} == {torch.float32}


def test_no_tensor_has_a_type_that_restricted_loaders_refuse():
    assert {tensor.dtype for tensor in to_portable(made()).values()} == {torch.float32, torch.int32}


def test_the_order_of_released_networks_survives():
    network = build(GENOTYPE, scale=2, depth_to_space="tensorflow")
    model = SRModel(network, GENOTYPE, RECIPES["paper"], scale=2, channels=1).eval()
    image = torch.rand(1, 1, 7, 9, generator=torch.Generator().manual_seed(1))
    assert torch.equal(from_portable(to_portable(model))(image), model(image))


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("portable", [True, False])
def test_a_safetensors_document_names_its_network_by_header_or_tensors(header, portable):
    model = made()
    tensors = to_portable(model) if portable else model.network.state_dict()
    document = checkpoints.pack(tensors, model.metadata.to_text() if header else "")
    if not header and not portable:
        with pytest.raises(InvalidInput):
            read_safetensors(document)
    else:
        assert read_safetensors(document).metadata == model.metadata


@pytest.mark.parametrize("wrap", [lambda tensors: tensors, lambda tensors: {"params": tensors}])
def test_a_pth_is_read_bare_or_under_params(wrap):
    model = made()
    found = read_pth(pickled(wrap(to_portable(model))))
    assert found.metadata == model.metadata
    assert torch.equal(found.network.feat.weight, model.network.feat.weight)


@pytest.mark.parametrize(
    "document", [b"", b"no", b"PK\x03\x04 broken", b"\x80\x04N.", pickled(made()), pickled({1: 2})]
)
def test_a_pth_that_is_no_state_dict_is_refused(document):
    with pytest.raises(InvalidInput):
        read_pth(document)


@pytest.mark.parametrize(
    "broken",
    [
        lambda tensor: tensor.to_sparse(),
        lambda tensor: tensor.to("meta"),
        lambda tensor: tensor.to(torch.complex64),
        lambda tensor: torch.zeros(1).expand(10**12),
    ],
)
@pytest.mark.parametrize("name", [KEY, "feat.weight"])
def test_a_pth_of_tensors_whose_numbers_are_not_all_there_is_refused_at_once(broken, name):
    tensors = to_portable(made())
    with pytest.raises(InvalidInput):
        read_pth(pickled({PARAMS: {**tensors, name: broken(tensors[name])}}))


@pytest.mark.parametrize("codes", [[], [1.5e30], [float("nan")], [-1], [300], [ord("{")], [ord("[")] * 50_000, "text"])
def test_a_text_that_cannot_be_read_is_refused(codes):
    tensors = {KEY: codes if isinstance(codes, str) else torch.tensor(codes)}
    assert is_portable(tensors)
    with pytest.raises(InvalidInput):
        read_metadata(tensors)


def test_weights_of_another_network_are_refused_by_name():
    tensors = to_portable(made()) | {"feat.bias": torch.zeros(3)}
    with pytest.raises(MismatchedWeights, match=r"feat\.bias"):
        from_portable(tensors)
