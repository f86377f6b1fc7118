"""What a model scores on benchmark sets, beside bicubic and published networks, as one strict document."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from search_space.published import PUBLISHED, PublishedNetwork

from ..fields import Document, Version
from ..statistics.documents import Figure

SIMILAR = 2.0
"""Networks are of one size whose parameters or multiply-adds differ by no more than this factor."""


class BenchmarkSet(Document):
    """A set of images as it was scored."""

    name: str = Field(description="What rows call it: the name of its folder.")
    images: int = Field(description="How many images.")
    digest: str = Field(description="Of their pixels at both resolutions.")
    lr: str = Field(description="Where the LR images are from: `as given`, or made from HR, and how.")


class SetScore(Document):
    """The mean figures of one network on one set under one protocol."""

    network: Literal["model", "bicubic"] = Field(description="Whose: the model's, or what it has to beat.")
    set: str = Field(description="Which set.")
    protocol: str = Field(description="Identifier of the protocol of PSNR and SSIM.")
    psnr_db: Figure = Field(description="Mean PSNR in dB.")
    ssim: Figure = Field(description="Mean SSIM.")
    fsds_db: Figure = Field(description="Mean FSDS in dB; it depends on no protocol, nor does the next.")
    fsds_si_db: Figure = Field(description="Mean shift-averaged FSDS in dB.")
    capped: dict[str, int] = Field(
        default_factory=dict, description="By figure, of how many images it was infinite and counted as the cap."
    )


class Latency(Document):
    """How long one image takes on one device."""

    place: Literal["cpu", "cuda"] = Field(description="What kind of device.")
    device: str = Field(description="Its name.")
    runtime: str = Field(description="What ran the network, with its version.")
    timed: str = Field(description="The luma network, the RGB network, or the file as it is.")
    output: str = Field(description="Width and height of the picture that it made.")
    warm_up: int = Field(description="Runs before, which do not count.")
    repeats: int = Field(description="Runs that count.")
    median_ms: float = Field(description="Median of their milliseconds.")
    lower_ms: float = Field(description="First quartile.")
    upper_ms: float = Field(description="Third quartile.")


class ReportedFigures(Document):
    """A score as its authors print it."""

    set: str = Field(description="Which set.")
    protocol: str = Field(description="How they measured.")
    psnr_db: float = Field(description="Mean PSNR in dB.")
    ssim: float = Field(description="Mean SSIM.")


class Published(Document):
    """A published network of about the model's size: what its authors report, which nobody measured here."""

    title: str = Field(description="Its name in print.")
    params: int = Field(description="Parameters as printed.")
    mult_adds: int = Field(description="Multiply-adds as printed, for an output of 1280x720.")
    scores: tuple[ReportedFigures, ...] = Field(description="Scores as printed.")
    source: str = Field(description="Where.")

    @classmethod
    def of(cls, network: PublishedNetwork) -> Published:
        """The document of an entry of `PUBLISHED`."""
        scores = (
            ReportedFigures(set=one.dataset, protocol=one.protocol, psnr_db=one.psnr_db, ssim=one.ssim)
            for one in network.scores
        )
        return cls(
            title=network.title,
            params=network.reported_params,
            mult_adds=network.reported_mult_adds,
            scores=tuple(scores),
            source=network.source,
        )


class BenchmarkDocument(Document):
    """What one model scores, with everything that its figures need to be believed."""

    version: Version = 1
    name: str = Field(description="What rows call the model.")
    genotype: str | None = Field(description="What it is; null for a network of another make.")
    scale: int = Field(description="Upscaling factor.")
    channels: int = Field(description="1 for luma, 3 for RGB.")
    params: int | None = Field(description="Learned parameters; null where nobody knows them.")
    mult_adds: int | None = Field(description="Multiply-adds for 230,400 LR pixels, what wraps the network included.")
    sets: tuple[BenchmarkSet, ...] = Field(description="The images.")
    scores: tuple[SetScore, ...] = Field(description="For each protocol and set, the model's and bicubic's.")
    latencies: tuple[Latency, ...] = Field(description="On each device that was at hand; empty if not asked for.")
    published: tuple[Published, ...] = Field(description="Networks to set it beside, of the same scale.")
    device: str = Field(description="What computed the scores.")
    versions: dict[str, str] = Field(description="Of the libraries and the code that computed them.")
    notes: tuple[str, ...] = Field(description="What the protocols are, and what was done to the images.")


def of_its_size(params: int | None, mult_adds: int | None, scale: int) -> tuple[Published, ...]:
    """The published networks of one scale to set a network beside, the cheapest first.

    Args:
        params: The network's parameters; None where nobody knows them.
        mult_adds: Its multiply-adds.
        scale: Its upscaling factor.

    Returns:
        Those whose parameters or multiply-adds are within `SIMILAR` of its own; if there are none, the one whose
        multiply-adds are nearest; all of them for a network of unknown size; none where none has this scale.
    """
    networks = sorted(
        (network for network in PUBLISHED.values() if network.scale == scale), key=lambda n: n.reported_mult_adds
    )
    if params is None or mult_adds is None:
        return tuple(map(Published.of, networks))

    def ratios(network: PublishedNetwork) -> tuple[float, float]:
        pairs = (network.reported_mult_adds, mult_adds), (network.reported_params, params)
        return tuple(max(a, b) / min(a, b) for a, b in pairs)  # type: ignore[return-value]  # two pairs

    close = [network for network in networks if min(ratios(network)) <= SIMILAR]
    return tuple(map(Published.of, close or sorted(networks, key=lambda n: ratios(n)[0])[:1]))
