"""Exported files in spandrel, in an environment of its own: recognised by their tensors, and equal pixel by pixel."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from evaluator import checkpoints
from evaluator.model import build_model
from evaluator.portable import to_portable
from evaluator.recipe import Recipe
from nas.cli import app
from search_space.genotype import Genotype

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PACKAGES = ("spandrel==0.4.2", "torchvision==0.28.0", "einops==0.8.2")

NETWORKS = {
    "luma-x2": ("f32|ib-k3-f16-n2-r:0|g2-k3-f16-n1:0,1|tail:0,2", 2, 1),
    "rgb-x3": ("f32|conv-k3-f16-n2-r:0|tail:0,1", 3, 3),
}

SCRIPT = """
import json, sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

# The registry's torchvision is built for CUDA: beside a CPU build of torch it imports once its operators have a name.
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from evaluator import srnas_spandrel
from spandrel import MAIN_REGISTRY, ModelLoader

folder = Path(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
for _ in range(2):
    srnas_spandrel.install()
photo = torch.from_numpy(np.asarray(Image.open(folder / "photo.png"))).permute(2, 0, 1)[None].float() / 255
found = {"entries": [support.architecture.id for support in MAIN_REGISTRY].count("srnas"), "files": {}}
for path in sorted([*folder.glob("*.pth"), *folder.glob("*.safetensors")]):
    upscaler = ModelLoader().load_from_file(path)
    enlarged = upscaler(photo)
    pixels = torch.floor(255 * enlarged + 0.5).clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0).numpy()
    Image.fromarray(pixels).save(path.with_name(path.name + ".theirs.png"))
    shorter = {}
    for dtype in (torch.float16, torch.bfloat16):
        lowered = upscaler.to(dtype)(photo.to(dtype))
        shorter[str(dtype)] = (lowered.float() - enlarged).abs().max().item() if lowered.dtype == dtype else None
    found["files"][path.name] = {
        "architecture": upscaler.architecture.id,
        "scale": upscaler.scale,
        "channels": [upscaler.input_channels, upscaler.output_channels],
        "minimum": upscaler.size_requirements.minimum,
        "purpose": upscaler.purpose,
        "tags": upscaler.tags,
        "half": [upscaler.supports_half, upscaler.supports_bfloat16],
        "shorter": shorter,
        "single_pixel": list(upscaler.float()(torch.zeros(1, 3, 1, 1)).shape),
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def spandrel_dir(pytestconfig: pytest.Config) -> Path:
    """spandrel and what it imports besides torch, kept between runs."""
    folder = Path(pytestconfig.cache.mkdir("spandrel")) / "-".join(PACKAGES)
    if not folder.is_dir():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", unfinished, *PACKAGES]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            unfinished.rename(folder)
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if not folder.is_dir():
                pytest.skip(f"spandrel could not be fetched: {getattr(error, 'stderr', error)}")
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory, sample_dir) -> Path:
    """A photograph of odd size, and networks in both forms."""
    folder = tmp_path_factory.mktemp("files")
    with Image.open(sample_dir / "coffee.png") as photo:
        photo.convert("RGB").crop((10, 20, 141, 123)).save(folder / "photo.png")
    for name, (text, scale, channels) in NETWORKS.items():
        generator = torch.Generator().manual_seed(1)
        model = build_model(Genotype.parse(text), Recipe(), scale=scale, channels=channels, generator=generator)
        (folder / f"{name}.safetensors").write_bytes(checkpoints.pack(to_portable(model), ""))
        torch.save({"params": to_portable(model)}, folder / f"{name}.pth")
    return folder


@pytest.fixture(scope="module")
def found(spandrel_dir, files):
    """What spandrel made of the files."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(spandrel_dir), str(ROOT)])}
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(files), str(torch.get_num_threads())]
    done = subprocess.run(command, env=environment, cwd=files, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


FILES = [f"{name}{suffix}" for name in NETWORKS for suffix in (".pth", ".safetensors")]


def test_the_architecture_is_registered_once(found):
    assert found["entries"] == 1
    assert sorted(found["files"]) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_recognised_by_its_tensors(found, name):
    _, scale, channels = NETWORKS[Path(name).stem]
    told = found["files"][name]
    assert (told["architecture"], told["purpose"], told["scale"]) == ("srnas", "SR", scale)
    assert (told["channels"], told["minimum"]) == ([3, 3], 2)
    assert ("luma" if channels == 1 else "RGB") in told["tags"]
    assert told["single_pixel"] == [1, 3, scale, scale]


@pytest.mark.parametrize("name", FILES)
def test_the_shorter_types_that_are_promised_compute_nearly_the_same(found, name):
    told = found["files"][name]
    assert told["half"] == [True, True]
    assert told["shorter"]["torch.float16"] < 5e-3
    assert told["shorter"]["torch.bfloat16"] < 4e-2


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_of_our_own_upscaling(found, files, tmp_path, name):
    done = CliRunner().invoke(app, ["upscale", str(files / name), str(files / "photo.png"), "-o", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    (ours,) = tmp_path.iterdir()
    with Image.open(ours) as mine, Image.open(files / f"{name}.theirs.png") as theirs:
        assert np.array_equal(np.asarray(mine), np.asarray(theirs))
