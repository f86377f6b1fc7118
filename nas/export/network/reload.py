"""A file loaded again in a fresh process that has its tool and nothing of srnas, and what it computes there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .subject import ExportError

Tool = Literal["onnxruntime", "torchscript", "arch"]

RUNNER = Path(__file__).with_name("runner.py")
LIMIT_S = 600.0
LAST_CHARACTERS = 600


@dataclass(frozen=True, kw_only=True)
class Reloaded:
    """What a file computed in a process of its own.

    Attributes:
        outputs: One for each image, float32 on the CPU.
        versions: Of the tool that ran it, by its name.
    """

    outputs: list[Tensor]
    versions: Mapping[str, str]


def reload(
    tool: Tool,
    file: str,
    files: Mapping[str, bytes],
    images: Sequence[Tensor],
    *,
    python: str = sys.executable,
    limit_s: float = LIMIT_S,
) -> Reloaded:
    """Run a file on images in a process of its own.

    Args:
        tool: What runs it: "onnxruntime", "torchscript" (`torch.jit`), or "arch", the standalone `arch.py` among the
            files, which reads weights.
        file: The name of the file to load.
        files: It and what must lie beside it, by name.
        images: n x c x h x w, of any sizes.
        python: The interpreter, which need not have srnas.
        limit_s: Seconds after which the process is ended.

    Raises:
        ExportError: The process failed, or took too long; with the last of what it said.
    """
    with TemporaryDirectory(prefix="srnas-reload-") as name:
        folder = Path(name)
        for own, content in files.items():
            (folder / own).write_bytes(content)
        job = {"tool": tool, "file": file, "shapes": [list(image.shape) for image in images]}
        (folder / "job.json").write_text(json.dumps(job))
        with (folder / "images.bin").open("wb") as values:
            values.writelines(image.contiguous().numpy().astype("<f4").tobytes() for image in images)
        _run([python, "-P", str(RUNNER), name], file, limit_s)
        result = json.loads((folder / "result.json").read_text())
        return Reloaded(outputs=_outputs(folder, result["shapes"]), versions=result["versions"])


def _run(command: Sequence[str], file: str, limit_s: float) -> None:
    try:  # in a session of its own, so that Ctrl-C at a terminal ends the export and not its proof
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            timeout=limit_s,
            start_new_session=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(f"{file} was not through in {limit_s:g} s in a process of its own") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr[-LAST_CHARACTERS:].strip() or f"exit status {error.returncode}"
        raise ExportError(f"{file} does not run in a process of its own: {said}") from error


def _outputs(folder: Path, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    values = np.fromfile(folder / "outputs.bin", dtype="<f4").astype(np.float32, copy=False)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(values, ends[:-1])
    return [torch.from_numpy(part.copy()).reshape(list(shape)) for part, shape in zip(parts, shapes, strict=True)]
