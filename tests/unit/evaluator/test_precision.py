"""What a training computes in: what choices become, and what the switches leave alone."""

import pytest
import torch

from evaluator import precision
from evaluator.model import SRModel, build_model
from evaluator.precision import cpu_has_bfloat16, matrix_units, resolve, training_context
from evaluator.recipe import Recipe
from evaluator.testing import TINY_GENOTYPE

IMAGES = torch.rand((2, 1, 8, 8), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model() -> SRModel:
    generator = torch.Generator().manual_seed(0)
    return build_model(TINY_GENOTYPE, Recipe(), scale=2, channels=1, generator=generator)


@pytest.mark.parametrize(("native", "expected"), [(True, "bfloat16"), (False, "float32")])
def test_auto_is_bfloat16_where_a_processor_has_it(
    native: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: native)
    assert resolve("auto", "cpu") == expected
    assert (resolve("float32", "cpu"), resolve("tf32", "cpu"), resolve("bfloat16", "cpu")) == (
        "float32",
        "float32",
        "bfloat16",
    )


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float32"), ((8, 0), "tf32"), ((10, 0), "tf32")])
def test_auto_is_tf32_on_a_gpu_that_has_it(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert resolve("auto", "cuda:1") == resolve("tf32", "cuda") == expected
    assert resolve("bfloat16", "cuda") == "bfloat16"
    assert resolve("float32", "cuda") == "float32"


def test_a_processor_is_asked_in_every_way_that_torch_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    assert cpu_has_bfloat16()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True})  # what an ARM says
    assert not cpu_has_bfloat16()
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not cpu_has_bfloat16()
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert cpu_has_bfloat16()
    monkeypatch.delattr(torch.cpu, "_is_avx512_bf16_supported")
    assert not cpu_has_bfloat16()


def test_a_model_is_as_before_outside_of_a_step(model: SRModel) -> None:
    before = model(IMAGES)
    with pytest.raises(KeyError), training_context(model, "bfloat16"):
        raise KeyError
    assert torch.equal(model(IMAGES), before)
    with training_context(model, "tf32"):
        assert torch.equal(model(IMAGES), before)  # on a CPU nothing heeds it


def test_in_bfloat16_the_network_rounds_and_everything_is_float32_outside_of_it(model: SRModel) -> None:
    plain = model(IMAGES)
    with training_context(model, "bfloat16"):
        lowered = model(IMAGES)
        lowered.sum().backward()
    assert lowered.dtype == torch.float32
    assert not torch.equal(lowered, plain)
    torch.testing.assert_close(lowered, plain, rtol=0, atol=0.02)
    assert {weight.grad.dtype for weight in model.parameters() if weight.grad is not None} == {torch.float32}


def test_in_bfloat16_the_image_residual_is_exact(model: SRModel) -> None:
    torch.nn.init.zeros_(model.network.tail.out.weight)
    assert model.upscale is not None
    with torch.no_grad(), training_context(model, "bfloat16"):
        assert torch.equal(model(IMAGES), model.upscale(IMAGES))


def test_matrix_units_are_left_as_they_were() -> None:
    switches = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [switch.fp32_precision for switch in switches]
    with matrix_units("ieee"):
        assert [switch.fp32_precision for switch in switches] == ["ieee", "ieee"]
        with matrix_units("tf32"):
            assert [switch.fp32_precision for switch in switches] == ["tf32", "tf32"]
        assert [switch.fp32_precision for switch in switches] == ["ieee", "ieee"]
    assert [switch.fp32_precision for switch in switches] == before


def test_only_deterministic_algorithms_are_allowed_while_asked(model: SRModel) -> None:
    with training_context(model, "float32", deterministic=True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
