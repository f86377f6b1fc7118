"""From the wire back to a record: a front that a service sent, for whoever writes fronts in other forms."""

from __future__ import annotations

from datetime import datetime

from nas.objectives import Objective
from nas.records import Candidate, CandidateId, Evaluation, Search, SearchId
from nas.service import Front
from search_space.genotype import Genotype

from .schemas import CandidateSummary, FrontView, SearchView


def front_of(view: FrontView, search: SearchView) -> Front:
    """The front that a service sent.

    What is not sent with a front, such as seeds and loss curves, is empty.

    Args:
        view: The front.
        search: The search that it belongs to.
    """
    return Front(
        search=Search(
            id=SearchId(search.id),
            spec=search.spec,
            state=search.state,
            created_at=search.created_at,
            reason=search.reason,
            baseline=_figures(search.baseline),
            reference_point=_figures(search.reference_point),
        ),
        objectives=tuple(Objective(objective.metric, objective.sense) for objective in view.objectives),
        members=tuple(_candidate(member, search.created_at) for member in view.members),
        scored=view.scored,
        feasible_only=view.feasible_only,
        hypervolume=view.hypervolume,
    )


def _candidate(member: CandidateSummary, at: datetime) -> Candidate:
    scores = _figures(member.scores)
    params, mult_adds = int(scores["params"]), int(scores["mult_adds"])
    return Candidate(
        id=CandidateId(member.id),
        search_id=SearchId(member.search_id),
        ordinal=member.ordinal,
        tells_before=0,
        genotype=Genotype.parse(member.genotype),
        state=member.state,
        params=params,
        mult_adds=mult_adds,
        evaluation_key="",
        operator=member.operator,
        asked_at=at,
        cached=member.cached,
        violation=member.violation,
        evaluation=Evaluation(
            key="",
            genotype_digest=member.digest,
            recipe_digest="",
            data_digest="",
            code_digest="",
            seed=0,
            device="",
            created_at=at,
            psnr_db=scores.get("psnr_db"),
            ssim=scores.get("ssim"),
            fsds_db=scores.get("fsds_db"),
            params=params,
            mult_adds=mult_adds,
        ),
    )


def _figures(values: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in values.items() if value is not None}
