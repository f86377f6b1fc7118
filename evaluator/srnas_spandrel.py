"""Our architecture for spandrel, by which chaiNNer, ComfyUI and others load upscalers. The library is optional.

    from evaluator import srnas_spandrel
    from spandrel import ModelLoader

    srnas_spandrel.install()
    upscaler = ModelLoader().load_from_file("network.safetensors")

Needs torch, numpy and Pillow besides, of this installation only `search_space` and `evaluator`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from search_space.cost import params

from .face import RgbModel
from .model import SRModel
from .portable import from_portable, is_portable

if TYPE_CHECKING:
    from spandrel import Architecture, ImageModelDescriptor

ARCHITECTURE = "srnas"
"""The name under which spandrel knows our networks."""

LEAST_PX = 2
"""Pixels that bicubic needs along each axis; spandrel pads what is smaller."""


def install() -> None:
    """Register the architecture with spandrel's main registry, so that every `ModelLoader` knows it.

    Files are recognised by their tensors alone, before any other architecture is asked. The same again changes nothing.

    Raises:
        ImportError: spandrel is not installed.
    """
    from spandrel import MAIN_REGISTRY, ArchSupport

    if ARCHITECTURE not in MAIN_REGISTRY:
        others = tuple(support.architecture.id for support in MAIN_REGISTRY)
        MAIN_REGISTRY.add(ArchSupport.from_architecture(_architecture(), before=others))


def _architecture() -> Architecture[RgbModel]:
    import spandrel

    class Srnas(spandrel.Architecture[RgbModel]):  # type: ignore[misc]  # the library is optional, so untyped here
        """Networks that srnas found, whatever their genotype."""

        def __init__(self) -> None:
            super().__init__(id=ARCHITECTURE, detect=is_portable)

        def load(self, state_dict: dict[str, Tensor]) -> ImageModelDescriptor[RgbModel]:
            """A descriptor of the network that a state dict names; RGB in and out, whatever the network sees."""
            inner = from_portable(state_dict)
            model = RgbModel(inner).eval()
            return spandrel.ImageModelDescriptor(
                model,
                model.state_dict(),
                architecture=self,
                purpose="SR",
                tags=_tags(inner),
                supports_half=True,
                supports_bfloat16=True,
                scale=model.scale,
                input_channels=3,
                output_channels=3,
                size_requirements=spandrel.SizeRequirements(minimum=LEAST_PX),
                tiling=spandrel.ModelTiling.SUPPORTED,
            )

    return Srnas()


def _tags(model: SRModel) -> list[str]:
    thousands = params(model.genotype, scale=model.scale, channels=model.channels) / 1000
    return [f"{thousands:.0f}K", "luma" if model.channels == 1 else "RGB", f"{len(model.genotype.cells)} cells"]
