"""Load every exported file again in virtual environments that have nothing but the tool concerned, and compare.

    python -m benchmarks.reload --images ROOT --weights falsr_b.npz [--environments FOLDER] [--out FILE] [--steps 300]
        [--model NAME=FILE ...]

ROOT holds `train/BSDS200`, `val/Kodak24` and `benchmarks/Set5`. Three networks of the FALSR space are trained briefly:
one of grouped convolutions, one of inverted bottlenecks, one x4 of RGB. FALSR-B comes from its released weights. Each
form of each is run on crops of a photograph, one of them odd both ways, and compared with the torch network; INT8 is
calibrated on Kodak24, and what it loses on Set5 is stated. Environments are made by pip where they are not there yet.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reporting import table
from evaluator.data.degrade import imresize, modcrop
from evaluator.data.folders import scan
from evaluator.data.images import ImagePair, load
from evaluator.data.sets import EvaluationData
from evaluator.evaluate import evaluate
from evaluator.executor import Job
from evaluator.model import SRModel
from evaluator.outcome import Success
from evaluator.portable import read_safetensors
from evaluator.recipe import Recipe
from nas.export.network.forms import FORMS, verified
from nas.export.network.reload import Tool
from nas.export.network.subject import Subject, crops
from nas.models import read_network
from search_space.errors import InvalidInput
from search_space.genotype import Genotype
from search_space.published import PUBLISHED

PACKAGES: Mapping[Tool, str] = {"onnxruntime": "onnxruntime", "torchscript": "torch", "arch": "torch"}
"""What an environment has for a tool, besides what that needs itself."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A network to train briefly and to export."""

    name: str
    genotype: Genotype
    scale: int = 2
    channels: int = 1


NETWORKS = (
    Network(name="grouped", genotype=Genotype.parse("f32|g4-k3-f32-n2-r:0|g2-k3-f16-n4:0,1|g4-k1-f48-n1:1,2|tail:0,3")),
    Network(name="inverted bottlenecks", genotype=Genotype.parse("f32|ib-k3-f16-n2-r:0|ib-k1-f32-n4-r:0,1|tail:1,2")),
    Network(
        name="x4, RGB",
        genotype=Genotype.parse("f32|conv-k3-f16-n2-r:0|ib-k1-f16-n2:0,1|g2-k3-f32-n1:1,2|tail:0,2,3"),
        scale=4,
        channels=3,
    ),
)


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="folder of train, val and benchmarks")
    parser.add_argument("--weights", type=Path, required=True, help="the released arrays of FALSR-B")
    parser.add_argument("--environments", type=Path, default=Path("build/environments"), help="where they are made")
    parser.add_argument("--steps", type=int, default=300, help="steps of each training")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="a network of srnas in place of those that are trained here; may be given several times",
    )
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    asked = parser.parse_args()
    pythons = {package: environment(asked.environments, package) for package in dict.fromkeys(PACKAGES.values())}
    rows = []
    for name, model in models(asked.weights, asked.images, asked.steps, asked.model):
        photographs, calibration = set5(asked.images, model.scale), kodak(asked.images, model.scale)
        for row in exported(name, model, photographs, calibration, pythons):
            print("  ".join(row), file=sys.stderr, flush=True)
            rows.append(row)
    others = "the others are of searches" if asked.model else f"the others were trained for {asked.steps} steps"
    text = page(rows, {package: installed(python) for package, python in pythons.items()}, others)
    print(text)
    if asked.out is not None:
        asked.out.write_text(text, encoding="utf-8")


def environment(root: Path, package: str) -> Path:
    """The interpreter of a virtual environment that has one package, of the version that is used here."""
    folder = root.resolve() / package
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = f"{package}=={version(package).partition('+')[0]}"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", wanted], check=True)
    return python


def installed(python: Path) -> str:
    """What an environment has."""
    command = [str(python), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return ", ".join(line.replace("==", " ") for line in lines if not line.startswith(("pip==", "setuptools==")))


def models(weights: Path, images: Path, steps: int, given: Sequence[str]) -> Iterator[tuple[str, SRModel]]:
    """What is exported, each made when its turn comes."""
    yield "FALSR-B, released", read_network(weights, PUBLISHED["falsr-b"].genotype)
    for name, _, file in (entry.partition("=") for entry in given):
        yield name, read_network(Path(file), None)
    for network in () if given else NETWORKS:
        yield network.name, trained(network, images, steps)


def trained(network: Network, images: Path, steps: int) -> SRModel:
    """A network after a brief training."""
    folder = scan(images / "train" / "BSDS200", scale=network.scale)
    train = load(folder, scale=network.scale, channels=network.channels, limit=40)
    data = EvaluationData(train, train.crop(24))
    job = Job(
        genotype=network.genotype,
        recipe=Recipe(steps=steps),
        scale=network.scale,
        channels=network.channels,
        seed=0,
        data_digest=data.digest,
        timeout_s=3600,
    )
    outcome = evaluate(job, data)
    if not isinstance(outcome, Success):
        raise SystemExit(f"{network.name}: {outcome.message}")
    return read_safetensors(outcome.weights)


def set5(images: Path, scale: int) -> list[ImagePair]:
    """Set5 at a scale: its own LR images at x2, else MATLAB's bicubic of its HR images."""
    pairs = load(scan(images / "benchmarks" / "Set5", scale=2), scale=2, channels=3).pairs
    if scale == 2:
        return list(pairs)
    cut = {pair.name: np.ascontiguousarray(modcrop(pair.hr, scale)) for pair in pairs}
    return [ImagePair(name=name, hr=hr, lr=imresize(hr, 1 / scale)) for name, hr in cut.items()]


def kodak(images: Path, scale: int) -> Sequence[ImagePair]:
    """Validation images to calibrate with."""
    return load(scan(images / "val" / "Kodak24", scale=scale), scale=scale, channels=3, limit=16, crop=256).pairs


def exported(
    name: str,
    model: SRModel,
    photographs: Sequence[ImagePair],
    calibration: Sequence[ImagePair],
    pythons: Mapping[str, Path],
) -> Iterator[tuple[str, ...]]:
    """A row for each form that the network has: every comparison that fails ends the program."""
    subject = Subject(model=model, pictures=crops(photographs[1].hr), photographs=photographs, calibration=calibration)
    for form in FORMS:
        try:
            made = verified(subject, form, python=str(pythons[PACKAGES[FORMS[form].tool]]))
        except InvalidInput:
            continue  # an RGB network has no luma form
        yield name, form, f"{len(made.document):,}", *measured(made.detail)


def measured(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """What ran a file, how far it was from the network, and what quantisation lost."""
    loss = f"{detail['psnr_loss_db']:.3f} dB of {detail['psnr_float32_db']:.2f}" if "psnr_loss_db" in detail else ""
    allowed = "" if detail["tolerance"] is None else f"{detail['tolerance']:g}"
    return detail["runtime"], f"{detail['max_difference']:.1e}", allowed, loss


def page(rows: Iterable[tuple[str, ...]], environments: Mapping[str, str], others: str) -> str:
    """The page of the reference."""
    heading = ("network", "form", "bytes", "run by", "largest difference", "allowed", "INT8 loss on Set5")
    lines = [
        "# Exports",
        "",
        INTRODUCTION.format(others=others),
        "",
        *(f"* `{package}`: {listed}" for package, listed in environments.items()),
        "",
        table(heading, rows),
        "",
        REMARKS,
    ]
    return "\n".join(lines) + "\n"


INTRODUCTION = """What `srnas export` and `srnas convert` write, loaded again where nothing of srnas is installed.
`python -m benchmarks.reload` prints this page: each file is run in a virtual environment that has one package and what
that needs itself, on crops of a photograph of 61 x 97 and 48 x 35 pixels (two at once), and compared with the torch
network; differences are absolute, of values in [0, 1]. FALSR-B has its released weights; {others}.
The environments have"""

REMARKS = """`safetensors` and `pth` are loaded by the standalone `arch.py` that is exported beside them, and `arch`
loads the former: no library but torch. `onnx-fp16` takes and gives float16; onnxruntime computes in float32 where a
processor has no half arithmetic. Every export is verified in the same way by the interpreter at hand, in which nothing
of srnas can be imported; a file that fails is not written.

INT8: weights symmetric and per channel, activations asymmetric uint8, ranges measured on the middle 96 x 96 pixels of
16 photographs of Kodak24; the loss is of PSNR under `y-float`. Colour, the input mapping, bicubic and the network's
first convolution stay in float32. A network that adds its output to bicubic loses little, since only detail passes
through 8 bits; FALSR-B makes the whole image of them. On FALSR-B, the first convolution in INT8 cost 0.05 dB more;
keeping the last one in float won nothing; ranges from 192 x 192 pixels cost 0.06 dB more, and ranges from the five
images of Set5 0.23 dB more. Convolutions alone in INT8, without the nodes between them, lost 0.05 dB less than the
whole network, but took 1.3 s for Set5 where float32 took 1.1 s and the whole 0.45 s, on one core with AVX-512 VNNI."""


if __name__ == "__main__":
    main()
