"""Specs to begin with, by name, each without its images. Knows what each is for, and checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A spec to begin with.

    Attributes:
        name: What it is asked for by.
        title: What people call it.
        purpose: What it is for, what it takes, and what to change.
        document: The spec without its `dataset`; what it does not name has its default.
    """

    name: str
    title: str
    purpose: str
    document: Mapping[str, Any]

    def for_images(self, train: str) -> dict[str, Any]:
        """The spec for the images of a dataset, ready to be submitted.

        >>> PRESETS["first-look"].for_images("photos")["dataset"]
        {'train': 'photos'}
        """
        return {"name": self.title, "dataset": {"train": train}, **self.document}


_EVERY = (
    Preset(
        name="first-look",
        title="First look",
        purpose="See a search from submission to front and exports, in minutes on a laptop's CPU. Light networks of "
        "the published space are trained for so few steps that their ranking means little: believe no figure of it.",
        document={
            "objectives": ["psnr", "mult_adds"],
            "constraints": [{"metric": "mult_adds", "max": 8e9}],
            "recipe": {"steps": 150},
            "population": 8,
            "budget": {"evaluations": 16},
            "front_seeds": 1,
        },
    ),
    Preset(
        name="faithful-falsr",
        title="Faithful FALSR",
        purpose="The search of FALSR (arXiv 1901.07261) as near as can be: its generations of 64, its 10,000 networks, "
        "its mutations, its bare networks without image residual, its training; it is reported to have taken eight "
        "V100 three days. Its objectives are the paper's, of which mult_adds and params are one and the same: you are "
        "warned of that. The bounds that the paper searched within are not published: mult_adds is bounded a little "
        "above FALSR-A, and a least PSNR, which depends on the photographs, is yours to add.",
        document={
            "objectives": ["psnr", "mult_adds", "params"],
            "constraints": [{"metric": "mult_adds", "max": 240e9}],
            "recipe": "paper",
            "engine": "falsr",
            "population": 64,
            "budget": {"evaluations": 10_000},
            "front_seeds": 1,
            "evaluation_timeout_s": 14_400,
        },
    ),
    Preset(
        name="balanced",
        title="Balanced",
        purpose="What to run for a result: quality by PSNR and by the spectrum against cost, among networks up to the "
        "size of FALSR-C. It takes about a night on eight CPU cores; it ends by itself once nothing is gained any "
        "more, and after three days at the latest. Then finish the front.",
        document={
            "objectives": ["psnr", "fsds", "mult_adds"],
            "constraints": [{"metric": "mult_adds", "max": 100e9}],
            "recipe": {"steps": 600},
            "population": 64,
            "budget": {"evaluations": 3000, "patience": 400, "wall_time_s": 259_200},
        },
    ),
    Preset(
        name="latency",
        title="Low latency",
        purpose="Networks that are fast on the very machines that train them: latency_ms is measured there, for an "
        "image of 640x360, and you are warned of what that means. To be fast elsewhere, run srnas profile-device there "
        "and set latency.mode to predicted. Bring the bound of latency_ms to what you need; that of mult_adds keeps "
        "networks from being trained that could hardly meet it.",
        document={
            "objectives": ["psnr", "latency_ms"],
            "constraints": [{"metric": "latency_ms", "max": 1000}, {"metric": "mult_adds", "max": 60e9}],
            "latency": {"mode": "measured"},
            "recipe": {"steps": 600},
            "budget": {"evaluations": 1000, "patience": 200},
        },
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _EVERY})
"""Every preset by its name, in the order in which they are offered."""
