"""Whether the search ranked its networks as full training does. Knows trainings, and no store."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..ranking import LEVEL, Agreement, agreement
from ..records import Candidate, CandidateId, Training

LOW_TAU = 0.5
"""Below it, full training has put many networks into another order."""

FEWEST = 4
"""Networks below which an order says next to nothing, and has no interval."""


@dataclass(frozen=True, kw_only=True)
class Reranked:
    """How the scores of a search compare with those of full trainings.

    Attributes:
        training_ids: Of the trainings that are compared, newest first: one of each network, by the same recipe on the
            same images.
        recipe: Name of that recipe; empty where nothing is completed.
        tau: Kendall's tau-b between the PSNR of the search and the final one.
        warning: What to know before the search's order is believed; empty where nothing speaks against it.
    """

    training_ids: tuple[str, ...] = ()
    recipe: str = ""
    tau: Agreement = field(default_factory=lambda: agreement([], []))
    warning: str = ""


def rerank(trainings: Iterable[Training], candidate_of: Callable[[CandidateId], Candidate]) -> Reranked:
    """Compare the largest group of completed trainings that compare: one recipe, the same images, one rung.

    Of equally large groups, and of a network's trainings, the newest counts.

    Args:
        trainings: Of one search, newest first.
        candidate_of: Finds a candidate.
    """
    groups: defaultdict[tuple[str, str, int], dict[str, tuple[Training, float]]] = defaultdict(dict)
    for training in trainings:
        candidate = candidate_of(training.candidate_id)
        known = candidate.evaluation.psnr_db if candidate.evaluation else None
        if training.final is None or known is None:
            continue
        images = json.dumps(dict(training.dataset), sort_keys=True)
        group = groups[training.recipe.digest, images, candidate.rung]
        group.setdefault(candidate.genotype.digest, (training, known))
    if not groups:
        return Reranked(warning=_warning(agreement([], [])))
    largest = list(max(groups.values(), key=len).values())
    finals = [training.final.psnr_db for training, _ in largest if training.final]
    found = agreement([known for _, known in largest], finals)
    return Reranked(
        training_ids=tuple(training.id for training, _ in largest),
        recipe=largest[0][0].recipe.name,
        tau=found,
        warning=_warning(found),
    )


def _warning(found: Agreement) -> str:
    """What to know before the order of the search is believed."""
    if found.pairs < FEWEST:
        return f"{found.pairs} finished alike: it takes {FEWEST} to see whether the search ranked them rightly"
    if found.tau is None:
        return "their scores are all equal: nothing tells whether the search ranked them rightly"
    if found.tau < LOW_TAU:
        return (
            f"tau {found.tau:.2f} is low: full training ranks these networks differently from the search, so finish "
            "more of its front before you choose, and let it train for longer next time"
        )
    if found.low is not None and found.low < 0:
        return (
            f"tau's {LEVEL:.0%} interval reaches down to {found.low:.2f}: with so few finished, the search's order "
            "may have been right by chance"
        )
    return ""
