"""How to run an exported model in five tools, as text to copy. It runs nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping

from ..records import ENDINGS

OPEN = """import numpy as np
from PIL import Image

photo = np.asarray(Image.open("photo.png").convert("RGB"), dtype=np.float32) / 255
image = photo.transpose(2, 0, 1)[None]  # 1 x 3 x height x width, RGB in [0, 1]
"""

SAVE = """pixels = (255 * np.clip(output[0], 0, 1) + 0.5).astype(np.uint8).transpose(1, 2, 0)
Image.fromarray(pixels).save("larger.png")
"""

RUN = """with torch.inference_mode():
    output = model(torch.from_numpy(image)).numpy()
"""


NEEDS: Mapping[str, tuple[str, ...]] = {
    "srnas": ("safetensors",),
    "spandrel": ("safetensors",),
    "onnxruntime": ("onnx",),
    "PyTorch alone": ("arch", "safetensors"),
    "TorchScript": ("torchscript",),
}
"""The tools, and the forms that each loads."""


def ways_to_load(name: str, forms: Collection[str] = tuple(ENDINGS)) -> Mapping[str, str]:
    """A fenced block for each tool that has what it needs, by the tool's name.

    Args:
        name: Stem of the names of the exported files.
        forms: What there is.
    """
    blocks = _blocks(name)
    return {tool: blocks[tool] for tool, needed in NEEDS.items() if set(needed) <= set(forms)}


def _blocks(name: str) -> Mapping[str, str]:
    file = {form: json.dumps(f"{name}{ending}", ensure_ascii=False) for form, ending in ENDINGS.items()}
    weights = shlex.quote(f"{name}{ENDINGS['safetensors']}")
    return {
        "srnas": _shell(f"srnas upscale {weights} photo.png --output larger.png"),
        "spandrel": _python(
            "import evaluator.srnas_spandrel  # part of srnas",
            "import torch",
            "from spandrel import ModelLoader",
            OPEN,
            "evaluator.srnas_spandrel.install()",
            f"model = ModelLoader().load_from_file({file['safetensors']}).eval()  # or {file['pth']}",
            RUN + SAVE,
        ),
        "onnxruntime": _python(
            "import onnxruntime",
            OPEN,
            f'session = onnxruntime.InferenceSession({file["onnx"]}, providers=["CPUExecutionProvider"])',
            'output = session.run(["output"], {"input": image})[0]',
            SAVE,
        ),
        "PyTorch alone": _python(
            "import runpy",
            "import torch",
            OPEN,
            f'load = runpy.run_path({file["arch"]})["load"]',
            f"model = load({file['safetensors']})  # or {file['pth']}",
            RUN + SAVE,
        ),
        "TorchScript": _python(
            "import torch",
            OPEN,
            f"model = torch.jit.load({file['torchscript']}).eval()",
            RUN + SAVE,
        ),
    }


def _shell(line: str) -> str:
    return f"```sh\n{line}\n```"


def _python(*parts: str) -> str:
    text = "\n".join(part.removesuffix("\n") + ("\n" if part == OPEN else "") for part in parts)
    return f"```python\n{text.strip()}\n```"
