"""Networks that others published: what they are, and what their authors report of them. No weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .errors import InvalidInput, Problem
from .genotype import Genotype

FALSR_SOURCE = "Chu et al., arXiv 1901.07261, and the table of github.com/xiaomi-automl/FALSR"
MOREMNAS_SOURCE = "Chu et al., arXiv 1901.01074, and the table of github.com/xiaomi-automl/MoreMNAS"


@dataclass(frozen=True, kw_only=True)
class ReportedScore:
    """One score as its authors print it.

    Attributes:
        dataset: The images: Set5, Set14, B100 or Urban100.
        psnr_db: Mean peak signal-to-noise ratio.
        ssim: Mean structural similarity.
        protocol: How it was measured; scores under another protocol do not compare.
    """

    dataset: str
    psnr_db: float
    ssim: float
    protocol: str


@dataclass(frozen=True, kw_only=True)
class PublishedNetwork:
    """A network from the literature.

    The printed costs are rounded, and those of FALSR differ a little from the released graphs: FALSR-C's
    graph has one more skip of 64 channels into the tail. `cost` counts the graphs exactly.

    Attributes:
        name: Its name in `PUBLISHED`.
        title: Its name in print.
        genotype: What it is, read off the released graph.
        scale: Upscaling factor it was trained for.
        reported_params: Parameters as printed.
        reported_mult_adds: Mult-adds as printed, for an output of 1280x720.
        scores: Scores as printed.
        source: Where it is printed.
    """

    name: str
    title: str
    genotype: Genotype
    scale: int
    reported_params: int
    reported_mult_adds: int
    scores: tuple[ReportedScore, ...]
    source: str


def _scores(*psnr_and_ssim: tuple[float, float]) -> tuple[ReportedScore, ...]:
    """Name scores in the order of the printed tables; the authors measure with the `falsr` protocol."""
    datasets = ("Set5", "Set14", "B100", "Urban100")
    return tuple(
        ReportedScore(dataset=dataset, psnr_db=psnr_db, ssim=ssim, protocol="falsr")
        for dataset, (psnr_db, ssim) in zip(datasets, psnr_and_ssim, strict=True)
    )


_NETWORKS = (
    PublishedNetwork(
        name="falsr-a",
        title="FALSR-A",
        genotype=Genotype.parse(
            "f32|conv-k3-f64-n4-r:0|conv-k1-f48-n1:1|conv-k3-f64-n4-r:2|conv-k3-f64-n4-r:2,3"
            "|conv-k3-f64-n4-r:0,2,4|conv-k1-f64-n4:5|conv-k3-f64-n4-r:0,2,5,6|tail:0,1,2,3,4,5,6,7"
        ),
        scale=2,
        reported_params=1_021_000,
        reported_mult_adds=234_700_000_000,
        scores=_scores((37.82, 0.9595), (33.55, 0.9168), (32.12, 0.8987), (31.93, 0.9256)),
        source=FALSR_SOURCE,
    ),
    PublishedNetwork(
        name="falsr-b",
        title="FALSR-B",
        genotype=Genotype.parse(
            "f32|ib-k3-f16-n1:0|ib-k1-f48-n2-r:0,1|conv-k1-f16-n2-r:0,1,2|ib-k3-f32-n4:3"
            "|conv-k3-f64-n2:2,3,4|g4-k3-f16-n4:2,4,5|conv-k3-f16-n1:0,1,2,6|tail:1,4,6,7"
        ),
        scale=2,
        reported_params=326_000,
        reported_mult_adds=74_700_000_000,
        scores=_scores((37.61, 0.9585), (33.29, 0.9143), (31.97, 0.8967), (31.28, 0.9191)),
        source=FALSR_SOURCE,
    ),
    PublishedNetwork(
        name="falsr-c",
        title="FALSR-C",
        genotype=Genotype.parse(
            "f32|g2-k1-f32-n1:0|conv-k1-f64-n4:0,1|ib-k3-f48-n4:2|g2-k1-f32-n1:1,3"
            "|g4-k1-f32-n1:0,4|conv-k1-f48-n4:0,5|conv-k3-f16-n1:1,6|tail:0,2,6,7"
        ),
        scale=2,
        reported_params=408_000,
        reported_mult_adds=93_700_000_000,
        scores=_scores((37.66, 0.9586), (33.26, 0.9140), (31.96, 0.8965), (31.24, 0.9187)),
        source=FALSR_SOURCE,
    ),
    PublishedNetwork(
        name="moremnas-d",
        title="MoreMNAS-D",
        genotype=Genotype.parse(
            "f32|conv-k1-f48-n1:0|g4-k1-f32-n2-r:1|conv-k1-f48-n1:2|g4-k1-f48-n1:3"
            "|ib-k1-f48-n4-r:4|g4-k1-f16-n1:5|ib-k3-f64-n4:6|tail:7"
        ),
        scale=2,
        reported_params=664_000,
        reported_mult_adds=152_400_000_000,
        scores=_scores((37.57, 0.9584), (33.25, 0.9142), (31.94, 0.8966), (31.25, 0.9191)),
        source=MOREMNAS_SOURCE,
    ),
)

PUBLISHED: Mapping[str, PublishedNetwork] = MappingProxyType({network.name: network for network in _NETWORKS})
"""Every published network by its name."""


def published_genotype(name: str) -> Genotype:
    """Return the genotype of a published network.

    Raises:
        InvalidInput: There is no such name; says which there are.

    Example:
        >>> published_genotype("falsr-b").widths
        (32, 16, 48, 16, 32, 64, 16, 16)
    """
    if name not in PUBLISHED:
        allowed = "one of " + ", ".join(PUBLISHED)
        raise InvalidInput([Problem("name", name, allowed)], f"Ask for {allowed}.")
    return PUBLISHED[name].genotype
