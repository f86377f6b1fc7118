"""The page of a candidate: its network, what it scored and learnt, whom it comes from, and what can be made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from evaluator.finishing import FINISHING_RECIPES
from evaluator.outcome import HINTS
from nas.fronts import Front
from nas.records import Candidate, CandidateState, Training, TrainingStatus
from nas.service import Service
from search_space.drawing import draw
from search_space.genotype import Genotype
from search_space.ops import OPERATORS

from ..access import Viewer
from ..deps import ServiceDep
from ..schemas.trainings import PURPOSES, TrainedView
from .curves import Chart, bars, curve
from .figures import figure_rows
from .files import form_rows, may_change, pictures_of
from .kin import children, parents
from .rendering import page
from .views import may_submit
from .wording import span

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class GeneRow:
    """The genes of one cell, and from where it reads."""

    name: str
    genes: tuple[str, ...]
    reads: str


@dataclass(frozen=True, kw_only=True)
class TrainingRow:
    """A full training of a candidate as it stands.

    Attributes:
        id: Its id, and its model's once it is completed.
        recipe: By which it is trained.
        status: Where it stands.
        reason: Why it ended before its end.
        percent: Of its steps, 0 to 100.
        done: How much that is, in words.
        psnr: What it had reached at its last point.
        left: What it will take yet; empty where nobody can tell.
        href: Its model; empty before there is one.
    """

    id: str
    recipe: str
    status: TrainingStatus
    reason: str
    percent: int
    done: str
    psnr: str
    left: str
    href: str


@dataclass(frozen=True)
class RecipeChoice:
    """A recipe that the network may be finished by, with its own number of steps."""

    name: str
    purpose: str
    steps: int
    expected: str


@router.get("/candidates/{candidate_id}")
def show_candidate(candidate_id: str, request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show one candidate."""
    candidate = service.candidate(candidate_id)
    search, front = service.search(candidate.search_id), service.front(candidate.search_id)
    outcome = candidate.evaluation
    own = [artifact for artifact in service.artifacts(candidate.id) if artifact.training_id is None]
    trainings = service.trainings.of_candidate(candidate.id)
    return page(
        request,
        "candidate.html",
        candidate=candidate,
        search=search,
        search_name=search.spec.name or f"Search {search.id}",
        drawing=drawing(candidate.genotype, candidate.id),
        genes=gene_rows(candidate.genotype),
        standing=standing(candidate, front),
        figures=figure_rows(candidate, search, front, service),
        hint=_hint(candidate),
        charts=charts(candidate),
        parents=parents(candidate, service),
        children=children(candidate, service),
        trainings=[training_row(training, service) for training in trainings],
        going_on=candidate.told_ordinal is None or any(not training.status.ended for training in trainings),
        recipes=recipe_choices(service.trainings.estimates(candidate.id)),
        finishable=candidate.state is CandidateState.SCORED,
        kept=outcome is not None and outcome.weights is not None,
        forms=form_rows(own),
        pictures=pictures_of(own),
        may_change=may_change(who, search),
        may_submit=may_submit(who),
    )


def drawing(genotype: Genotype, title: str) -> Markup:
    """A network's drawing, which escapes what it is given, at its natural size: wide ones are scrolled."""
    width = max(640, 128 * (len(genotype.cells) + 2))
    return Markup(draw(genotype, title=title, width=width))


def gene_rows(genotype: Genotype) -> tuple[GeneRow, ...]:
    """The genes, cell by cell, between the features and the tail."""
    rows = [GeneRow("features", ("convolution", "3×3", f"{genotype.features}", "1", "–"), "the picture")]
    for number, (cell, reads) in enumerate(zip(genotype.cells, genotype.inputs, strict=False), start=1):
        genes = (
            OPERATORS[cell.operator].title,
            f"{cell.kernel}×{cell.kernel}",
            f"{cell.channels}",
            f"{cell.repeats}",
            "yes" if cell.residual else "no",
        )
        rows.append(GeneRow(f"cell {number}", genes, _sources(reads)))
    tail = ("fuse, add, upscale", "3×3", f"{genotype.features}", "1", "–")
    return (*rows, GeneRow("tail", tail, _sources(genotype.inputs[-1])))


def _sources(blocks: Iterable[int]) -> str:
    return ", ".join(f"cell {block}" if block else "features" for block in blocks)


def standing(candidate: Candidate, front: Front) -> str:
    """Whether a candidate is on the front of its search, in words."""
    axes = ", ".join(objective.metric for objective in front.objectives)
    digests = [member.genotype.digest for member in front.members]
    if candidate.genotype.digest in digests:
        place = digests.index(candidate.genotype.digest) + 1
        first = front.objectives[0].metric
        return f"on the front over {axes}: number {place} of {len(digests)} by {first}"
    if candidate.told_ordinal is None:
        return "being trained"
    if candidate.state is not CandidateState.SCORED:
        return "without scores"
    return f"not on the front over {axes}" if candidate.feasible else "violates a constraint of its search"


def _hint(candidate: Candidate) -> str:
    kind = None if candidate.evaluation is None else candidate.evaluation.failure_kind
    return next((text for known, text in HINTS.items() if known == kind), "")


def charts(candidate: Candidate) -> list[Chart]:
    """How a candidate was trained, and what it learnt of each band of frequencies, as far as that is known."""
    outcome = candidate.evaluation
    if outcome is None:
        return []
    shares = outcome.bands.correspondence if outcome.bands else ()
    drawn = (
        curve("Loss over the training", outcome.loss_curve, x_name="step", y_name="mean loss"),
        bars("Correspondence by band", shares, x_name="band of frequencies, lowest first", y_name="share learnt"),
    )
    return [chart for chart in drawn if chart is not None]


# -- full trainings ----------------------------------------------------------------------------------------------------


def training_row(training: Training, service: Service) -> TrainingRow:
    """A full training as it stands now."""
    reached = TrainedView.of(training, service.worker_at(training))
    left = reached.seconds_left
    return TrainingRow(
        id=training.id,
        recipe=training.recipe.name,
        status=training.status,
        reason=training.reason,
        percent=int(100 * reached.fraction),
        done=f"{reached.step:,} of {reached.steps:,} steps",
        psnr="–" if reached.psnr_db is None else f"{reached.psnr_db:.2f} dB",
        left="" if left is None else span(left),
        href=f"/models/{training.id}" if training.status is TrainingStatus.COMPLETED else "",
    )


def recipe_choices(expected: Mapping[str, float | None]) -> list[RecipeChoice]:
    """The named recipes, the shortest first, with the time that each will take."""
    return [
        RecipeChoice(name, PURPOSES.get(name, ""), recipe.training.steps, _about(expected.get(name)))
        for name, recipe in FINISHING_RECIPES.items()
    ]


def _about(seconds: float | None) -> str:
    return "time not known" if seconds is None else f"about {span(seconds)}"
