"""Runs an exported file with its own tool and nothing of srnas, as whoever receives it would.

A script of its own: it needs the standard library and the tool, and is started by path. Its one argument is a folder
with `job.json`, which names the tool, the file and the shapes of the images, `images.bin`, which holds their values as
little-endian float32, and the file itself. It leaves `outputs.bin` and `result.json` there.

    python -P runner.py FOLDER
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Values = tuple[list[int], bytes]
"""A shape, and its values as little-endian float32."""

NOT_HERE = ("search_space", "evaluator", "nas", "api")


def main(folder: Path) -> None:
    """Do the job of a folder."""
    for package in NOT_HERE:
        sys.modules[package] = None  # type: ignore[assignment]  # what makes an import of it fail
    job = json.loads((folder / "job.json").read_text())
    run, versions = TOOLS[job["tool"]](folder / job["file"])
    shapes = []
    with (folder / "outputs.bin").open("wb") as outputs:
        for image in _images(folder, job["shapes"]):
            shape, values = run(image)
            shapes.append(shape)
            outputs.write(values)
    (folder / "result.json").write_text(json.dumps({"shapes": shapes, "versions": versions}))


def _images(folder: Path, shapes: list[list[int]]) -> Iterator[Values]:
    with (folder / "images.bin").open("rb") as images:
        for shape in shapes:
            yield shape, images.read(4 * math.prod(shape))


def _onnxruntime(file: Path) -> tuple[Callable[[Values], Values], dict[str, str]]:
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    wanted = np.float16 if session.get_inputs()[0].type == "tensor(float16)" else np.float32

    def run(image: Values) -> Values:
        shape, values = image
        array = np.frombuffer(values, dtype="<f4").reshape(shape).astype(wanted)
        (output,) = session.run(["output"], {"input": array})
        return list(output.shape), output.astype("<f4").tobytes()

    return run, {"onnxruntime": onnxruntime.__version__}


def _torchscript(file: Path) -> tuple[Callable[[Values], Values], dict[str, str]]:
    import torch

    warnings.filterwarnings("ignore", category=DeprecationWarning)  # of torch.jit, which is what is asked for
    return _in_torch(torch.jit.load(file))  # type: ignore[no-untyped-call]  # torch.jit has no types


def _arch(file: Path) -> tuple[Callable[[Values], Values], dict[str, str]]:
    """The standalone source beside a file of weights, which it loads."""
    spec = importlib.util.spec_from_file_location("arch", file.with_name("arch.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError("arch.py")
    arch = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(arch)
    return _in_torch(arch.load(file))


def _in_torch(model: Any) -> tuple[Callable[[Values], Values], dict[str, str]]:
    import torch

    def run(image: Values) -> Values:
        shape, values = image
        with torch.inference_mode():
            output = model(torch.frombuffer(bytearray(values), dtype=torch.float32).reshape(shape))
        flat = output.float().contiguous().reshape(-1).view(torch.uint8)
        return list(output.shape), bytes(flat.tolist())

    return run, {"torch": str(torch.__version__)}


TOOLS = {"onnxruntime": _onnxruntime, "torchscript": _torchscript, "arch": _arch}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
