"""Networks in ONNX files, ready to run by onnxruntime, which is loaded when one is opened. Never needs torch.

An ONNX file of ours shows one of two faces, named in its `metadata_props`: RGB, whatever the network sees, or the luma
network itself. One of another make tells what it is by its shape, and by what it does to a flat picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.metadata import KEY, Metadata
from evaluator.metrics.luma import full_luma
from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]

FACE = f"{KEY}.face"
"""The entry of `metadata_props` that says what a file of ours takes: "rgb" or "luma"; without it, luma or RGB as is."""

PROBE_PX = 16

MOST_PX = 4096
"""Side of the largest picture that a file may ask for where it takes one size alone."""


@dataclass(frozen=True, kw_only=True)
class Upscaler:
    """A network, ready to run.

    Attributes:
        network: The bare network: float32 n x channels x h x w in [0, 1] to the same at scale times the sides. Not
            clipped, but where the file at hand holds the RGB face alone.
        scale: Upscaling factor.
        channels: 1 for luma, 3 for RGB.
        metadata: Its genotype and recipe; None for a network of another make.
        rgb: Its RGB face: n x 3 x h x w to the same at scale times the sides, in [0, 1]; None where the network at hand
            is the bare one alone.
    """

    network: Network
    scale: int
    channels: int
    metadata: Metadata | None = None
    rgb: Network | None = None

    @classmethod
    def ours(cls, metadata: Metadata, network: Network, rgb: Network | None = None) -> Upscaler:
        """A network of the space, as its metadata describes it."""
        return cls(network=network, scale=metadata.scale, channels=metadata.channels, metadata=metadata, rgb=rgb)

    @property
    def genotype(self) -> Genotype | None:
        """What the network is, if that is known."""
        return self.metadata.genotype if self.metadata else None


def load_onnx(path: Path, *, threads: int = 0) -> Upscaler:
    """Load an ONNX file of ours, or another ONNX upscaler.

    One of another make must have one float input n x c x h x w on [0, 1], c = 1 (taken for luma) or 3 (RGB), and one
    output of that range at a whole multiple of the size; what it does to a flat picture tells its scale.

    Args:
        path: The file.
        threads: That one run may use; 0 for one on each core.

    Raises:
        InvalidInput: It is neither.
    """
    session = _open(path, threads)
    _require_tensors(path, session)
    network, texts = _running(path, session), session.get_modelmeta().custom_metadata_map
    if KEY not in texts:
        return _of_another_make(path, network, session)
    metadata = Metadata.from_text(texts[KEY])
    if texts.get(FACE) != "rgb":
        return Upscaler.ours(metadata, network)
    return Upscaler.ours(metadata, network if metadata.channels == 3 else _behind(network), network)


def _open(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; what it warns of in foreign files is nobody's concern here
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no class in common
        raise InvalidInput([Problem("model", str(path), "an ONNX file that onnxruntime can load")]) from error


def _require_tensors(path: Path, session: Any) -> None:
    """Raise `InvalidInput` unless a file makes one array of one array."""
    kinds = [[place.type for place in places] for places in (session.get_inputs(), session.get_outputs())]
    if not all(len(kind) == 1 and kind[0].startswith("tensor(") for kind in kinds):
        raise InvalidInput([Problem("model", str(path), f"an ONNX file with one input and one output, not {kinds}")])


def _running(path: Path, session: Any) -> Network:
    """A session as a function of float32, whatever floats it takes itself."""
    inputs, outputs = ([place.name for place in places] for places in (session.get_inputs(), session.get_outputs()))
    dtype = np.float16 if session.get_inputs()[0].type == "tensor(float16)" else np.float32

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        try:
            output: NDArray[np.float32] = session.run(outputs, {inputs[0]: images.astype(dtype, copy=False)})[0]
        except Exception as error:
            allowed = f"an ONNX file that upscales a picture of {images.shape}: {error}"
            raise InvalidInput([Problem("model", str(path), allowed)]) from error
        if output.ndim != 4:
            allowed = f"an ONNX file that makes pictures, n x c x h x w, not {output.shape}"
            raise InvalidInput([Problem("model", str(path), allowed)])
        return output.astype(np.float32, copy=False)

    return network


def _behind(face: Network) -> Network:
    """The luma network behind an RGB face, cut to [0, 1]: gray has no colour that could blur what comes out."""

    def network(images: NDArray[np.float32]) -> NDArray[np.float32]:
        red, green, blue = np.moveaxis(face(images.repeat(3, axis=1)), 1, 0)
        luma: NDArray[np.float32] = full_luma(red, green, blue)[:, None].astype(np.float32)
        return luma

    return network


def _of_another_make(path: Path, network: Network, session: Any) -> Upscaler:
    """Find out the scale of an ONNX file that says nothing of itself, by running it on a flat picture."""
    shape = session.get_inputs()[0].shape
    channels = shape[1] if len(shape) == 4 else None
    if not isinstance(channels, int) or channels not in (1, 3):
        allowed = f"an ONNX file with one input n x 1 or 3 x h x w and one output; its input is {shape}"
        raise InvalidInput([Problem("model", str(path), allowed)])
    height, width = (side if isinstance(side, int) else PROBE_PX for side in shape[2:])
    if not 1 <= min(height, width) <= max(height, width) <= MOST_PX:
        allowed = f"an upscaler of pictures of 1 to {MOST_PX} pixels a side; its input is {shape}"
        raise InvalidInput([Problem("model", str(path), allowed)])
    output = network(np.full((1, channels, height, width), 0.5, dtype=np.float32))
    scale = output.shape[-1] // width
    if scale < 1 or output.shape != (1, channels, scale * height, scale * width):
        allowed = f"an upscaler of {channels} channels: it makes {output.shape} of {(1, channels, height, width)}"
        raise InvalidInput([Problem("model", str(path), allowed)])
    return Upscaler(network=network, scale=scale, channels=channels)
