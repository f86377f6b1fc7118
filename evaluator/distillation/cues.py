"""How far a student is from its teacher, patch by patch and cue by cue: image, cells, bands of frequencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.fft import rfft2

from ..finishing import Distillation
from ..metrics.bands import BANDS
from ..model import BicubicUpscale, SRModel
from .seeing import View

Compare = Callable[[Tensor, Tensor], Tensor]
"""From what the student and the teacher made of N patches, N x ... each, to N figures; 0 is agreement."""

EPSILON = 1e-6


def distance(seen: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference of each of N: (N, ...) and (N, ...) -> (N,)."""
    return (seen - wanted).abs().flatten(1).mean(dim=1)


def angle(seen: Tensor, wanted: Tensor) -> Tensor:
    """One minus the cosine similarity of each of N, times the mean magnitude of what is wanted: in units of `distance`.

    Looser than a distance: a student of low precision need not hit the teacher's values, only their direction.
    """
    cosine = nn.functional.cosine_similarity(seen.flatten(1), wanted.flatten(1), eps=EPSILON)
    return wanted.abs().flatten(1).mean(dim=1) * (1 - cosine)


class Cues(nn.Module):
    """Knowledge distillation (Hinton et al., arXiv 1503.02531) in the three cues that `Distillation` weighs.

    * output: the teacher's image in place of its softened classes, less the bicubic upscaling, which both share and
      which would leave no angle between them.
    * features: cells of the student against those of the teacher at the same relative depth, each through a linear 1x1
      adapter of its own. FitNets (Romero et al., arXiv 1412.6550) hint at one layer and before the training; here all
      cells are compared all along, relative to the teacher's mean magnitude, and times that of its detail, so that all
      cues have the unit of an image.
    * bands: the spectra of those images in `BANDS` rings, each as important as another, so that the weak high
      frequencies count. Ours: complex coefficients, phases included, unlike `metrics.bands`; the corners of the
      spectrum belong to the outermost ring.

    The adapters are the only weights here; they start from the generator alone.

    Args:
        distil: Which cues there are: those of weight above 0.
        student: Only its widths are looked at.
        teacher: Likewise.
        side: Of an HR patch in pixels.
        generator: On the CPU, draws the adapters.
        device: Of the patches.

    Attributes:
        base: The cues' weights, K of `Distillation`'s, in the order output, features, bands.
        uses_cells: Whether cells are compared.
    """

    base: Tensor

    def __init__(
        self,
        distil: Distillation,
        student: SRModel,
        teacher: SRModel,
        *,
        side: int,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        super().__init__()
        weights = {"output": distil.output, "features": distil.features, "bands": distil.bands}
        self._kinds = [kind for kind, weight in weights.items() if weight]
        self.register_buffer("base", torch.tensor([weights[kind] for kind in self._kinds]), persistent=False)
        self.uses_cells = "features" in self._kinds
        self._compare: Compare = angle if distil.quantise else distance
        self._upscale = BicubicUpscale(student.scale, student.channels)
        widths = [[cell.channels for cell in model.genotype.cells] for model in (student, teacher)]
        self._partners = partners(*map(len, widths))
        pairs = zip(widths[0], (widths[1][place] for place in self._partners), strict=True)
        self.adapters = nn.ModuleList(_adapter(*pair, generator) for pair in pairs if self.uses_cells)
        self._rings = [ring.to(device) for ring in rings(side)]
        self.to(device)

    def forward(self, lr: Tensor, student: View, teacher: View) -> Tensor:
        """Every cue of every patch: N x K, at least 0."""
        upscaled = self._upscale(lr)
        details = student.image - upscaled, teacher.image - upscaled
        found = []
        for kind in self._kinds:
            if kind == "output":
                found.append(self._compare(*details))
            elif kind == "features":
                unit = details[1].abs().mean(dim=(1, 2, 3))
                found.append(unit * self._features(student.cells, teacher.cells))
            else:
                found.append(self._bands(*details))
        return torch.stack(found, dim=1)

    def disagreement(self, lr: Tensor, seen: Tensor, wanted: Tensor) -> Tensor:
        """How far one image of each patch is from another, as the output cue compares them: N."""
        upscaled = self._upscale(lr)
        return self._compare(seen - upscaled, wanted - upscaled)

    def _features(self, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        compared = []
        for cell, adapter, place in zip(student, self.adapters, self._partners, strict=True):
            unit = teacher[place].abs().mean(dim=(1, 2, 3), keepdim=True) + EPSILON
            compared.append(self._compare(adapter(cell) / unit, teacher[place] / unit))
        return torch.stack(compared).mean(dim=0)

    def _bands(self, student: Tensor, teacher: Tensor) -> Tensor:
        seen, wanted = _spectrum(student), _spectrum(teacher)
        compared = [self._compare(seen.index_select(2, ring), wanted.index_select(2, ring)) for ring in self._rings]
        return torch.stack(compared).mean(dim=0)


def partners(student: int, teacher: int) -> list[int]:
    """The teacher's cell that each of the student's is compared with: at the same relative depth, last with last.

    >>> partners(2, 4)
    [1, 3]
    """
    return [-(-(place + 1) * teacher // student) - 1 for place in range(student)]


def rings(side: int) -> list[Tensor]:
    """The places in a flat half spectrum, side x (side // 2 + 1), of each of `BANDS` equally wide rings; int64.

    Every place belongs to one ring. A ring that has none, as in patches of very few pixels, is left out.
    """
    rows = (torch.arange(side) + side // 2) % side - side // 2
    radius = torch.hypot(rows[:, None].double(), torch.arange(side // 2 + 1).double())
    ring = (radius * BANDS / (side / 2)).long().clamp(max=BANDS - 1).flatten()
    places = [(ring == band).nonzero()[:, 0] for band in range(BANDS)]
    return [place for place in places if len(place)]


def _spectrum(images: Tensor) -> Tensor:
    """N x C x K x 2: real and imaginary parts, scaled so that they have the images' energy."""
    return torch.view_as_real(rfft2(images, norm="ortho").flatten(2))


def _adapter(student: int, teacher: int, generator: torch.Generator) -> nn.Conv2d:
    """A linear 1x1 convolution that keeps magnitudes, drawn from the generator."""
    adapter: nn.Conv2d = nn.utils.skip_init(nn.Conv2d, student, teacher, 1, bias=False)  # type: ignore[no-untyped-call]  # without annotations
    with torch.no_grad():
        adapter.weight.copy_(student**-0.5 * torch.randn(adapter.weight.shape, generator=generator))
    return adapter
