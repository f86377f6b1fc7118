"""What a search's candidates are seen against: published networks, with what their authors print of them.

Costs are this search's own arithmetic, exact. Printed scores are nobody's here: of other images than most searches
score on, often under another protocol, and after trainings that were hundreds of times as long.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from evaluator.cost import costs
from search_space.errors import InvalidInput
from search_space.published import PUBLISHED, PublishedNetwork, ReportedScore

from .latency import known_latency
from .spec import SearchSpec


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """A published network as a search would see it.

    Attributes:
        network: Which.
        figures: By column, as the search counts them: its costs, and its latency where the search predicts that.
        comparable: The printed scores that compare with those of the search, by the images' names.
    """

    network: PublishedNetwork
    figures: dict[str, float]
    comparable: frozenset[str]


def landmarks(spec: SearchSpec) -> tuple[Landmark, ...]:
    """The published networks of a search's scale."""
    return tuple(_landmark(spec, network) for network in PUBLISHED.values() if network.scale == spec.scale)


def _landmark(spec: SearchSpec, network: PublishedNetwork) -> Landmark:
    cost = costs(network.genotype, spec.recipe, scale=spec.scale, channels=spec.channels)
    figures: dict[str, float] = {"params": cost.params, "mult_adds": cost.mult_adds}
    with suppress(InvalidInput):  # the search's profile has no price for one of its parts
        latency_ms = known_latency(spec, network.genotype)
        figures |= {} if latency_ms is None else {"latency_ms": latency_ms}
    same = frozenset(score.dataset for score in network.scores if _compares(spec, score))
    return Landmark(network=network, figures=figures, comparable=same)


def _compares(spec: SearchSpec, score: ReportedScore) -> bool:
    """Whether a printed score is of the images that a search scores on, all of them whole, under its protocol."""
    images = spec.dataset
    whole = images.validation_limit is None and images.validation_crop is None
    name = PurePosixPath(images.validation or "").name
    return whole and score.protocol == spec.recipe.protocol and name.casefold() == score.dataset.casefold()
