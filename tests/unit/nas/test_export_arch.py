"""A standalone source is pleasant to read, and computes what the network computes."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluator.face import RgbModel
from evaluator.metadata import Metadata
from evaluator.model import SRModel
from evaluator.recipe import RECIPES, Recipe
from nas.export.network.arch import arch_source
from nas.export.network.subject import Subject
from nas.export.network.weights import to_pth, to_safetensors
from search_space.genotype import Genotype
from search_space.network import build
from search_space.ops import ChannelOrder
from search_space.published import PUBLISHED
from search_space.spaces import get_space

MIXED = Genotype.parse("f16|ib-k3-f8-n2-r:0|g2-k3-f8-n2-r:0,1|g4-k1-f8-n1:1|conv-k3-f8-n3-r:0,2,3|tail:1,4")
CASES: list[tuple[Genotype, int, int, str, ChannelOrder]] = [
    (MIXED, 2, 1, "default", "pytorch"),
    (MIXED, 3, 1, "paper", "tensorflow"),
    (MIXED, 4, 3, "default", "tensorflow"),
    (Genotype.parse("f8|ib-k1-f8-n1:0|tail:0,1"), 3, 3, "paper", "pytorch"),
    (Genotype.parse("f8|g2-k3-f8-n4:0|tail:1"), 4, 1, "default", "pytorch"),
    (PUBLISHED["falsr-b"].genotype, 2, 1, "paper", "tensorflow"),
]


def wrapped(genotype: Genotype, scale: int, channels: int, recipe: Recipe, order: ChannelOrder) -> SRModel:
    torch.manual_seed(0)
    network = build(genotype, scale=scale, channels=channels, depth_to_space=order)
    return SRModel(network, genotype, recipe, scale=scale, channels=channels).eval()


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("arch", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("genotype", "scale", "channels", "recipe", "order"), CASES)
def test_it_computes_what_the_network_computes(
    tmp_path: Path, genotype: Genotype, scale: int, channels: int, recipe: str, order: ChannelOrder
) -> None:
    model = wrapped(genotype, scale, channels, RECIPES[recipe], order)
    subject = Subject(model=model, pictures=())
    (tmp_path / "arch.py").write_text(arch_source(model.metadata))
    (tmp_path / "a.safetensors").write_bytes(to_safetensors(subject).document)
    (tmp_path / "a.pth").write_bytes(to_pth(subject).document)
    arch, images = imported(tmp_path / "arch.py"), torch.rand(2, 3, 13, 8)
    with torch.no_grad():
        expected = RgbModel(model)(images)
        for name in ("a.safetensors", "a.pth"):
            assert torch.allclose(arch.load(tmp_path / name)(images), expected, atol=1e-6)


def formatted(source: str, width: int) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(width), "-"]
    return subprocess.run(command, input=source, text=True, capture_output=True, check=True).stdout


def metadatas() -> st.SearchStrategy[Metadata]:
    space = get_space("falsr")
    genotypes = st.integers(0, 2**32 - 1).map(lambda seed: space.sample(np.random.default_rng(seed)))
    return st.builds(
        Metadata,
        genotype=genotypes,
        recipe=st.sampled_from([RECIPES["default"], RECIPES["paper"], Recipe(input_offset=-1e-7)]),
        scale=st.sampled_from([2, 3, 4]),
        channels=st.sampled_from([1, 3]),
        depth_to_space=st.sampled_from(["pytorch", "tensorflow"]),
    )


@settings(max_examples=8, deadline=None)
@given(metadatas())
def test_it_is_in_the_formatter_s_form_whatever_the_length_of_lines(metadata: Metadata) -> None:
    source = arch_source(metadata)
    assert formatted(source, 88) == source
    assert formatted(source, 120) == source


def test_a_network_of_many_blocks_is_too() -> None:
    cells = (f"g4-k11-f1024-n64-r:{','.join(map(str, range(i)))}" for i in range(1, 41))
    genotype = Genotype.parse("|".join(["f32", *cells, f"tail:{','.join(map(str, range(41)))}"]))
    source = arch_source(Metadata(genotype=genotype, recipe=Recipe(), scale=4, channels=3))
    assert formatted(source, 88) == source
    code = source.partition('"""\n\nfrom')[2]
    assert max(map(len, code.splitlines())) <= 88


def test_it_has_no_part_that_it_does_not_use() -> None:
    def source(genotype: str, channels: int, recipe: str) -> str:
        made = Metadata(genotype=Genotype.parse(genotype), recipe=RECIPES[recipe], scale=2, channels=channels)
        return arch_source(made)

    plain = source("f8|conv-k3-f8-n1:0|tail:1", 3, "paper")
    assert "Bottleneck" not in plain
    assert "bicubic" not in plain.lower()
    assert "depth_to_space" not in plain
    assert "ConvCell" not in source("f8|ib-k3-f8-n1:0|tail:1", 1, "default")


def test_it_enlarges_a_picture_from_a_shell(tmp_path: Path, sample_dir: Path) -> None:
    model = wrapped(MIXED, 2, 1, Recipe(), "pytorch")
    (tmp_path / "arch.py").write_text(arch_source(model.metadata))
    (tmp_path / "a.safetensors").write_bytes(to_safetensors(Subject(model=model, pictures=())).document)
    picture = Image.open(sample_dir / "chelsea.png").convert("RGB").crop((0, 0, 37, 21))
    picture.save(tmp_path / "in.png")
    command = [sys.executable, "arch.py", "a.safetensors", "in.png", "out.png"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with torch.no_grad():
        image = torch.tensor(np.asarray(picture)).permute(2, 0, 1)[None] / 255
        expected = (255 * RgbModel(model)(image)[0] + 0.5).floor().byte().permute(1, 2, 0).numpy()
    found = np.asarray(Image.open(tmp_path / "out.png"))
    assert found.shape == expected.shape == (42, 74, 3)
    assert np.abs(found.astype(int) - expected).max() <= 1
    command[2] = "a.onnx"
    refused = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr == "error: a.onnx is not named .safetensors or .pth, as weights are\n"
