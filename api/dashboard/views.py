"""What pages say of searches and finished models, in words. Asks the service, and knows no HTML and no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from nas.figures import giga
from nas.pace import fraction, seconds_left
from nas.records import (
    ACTIONS,
    BENCHMARK,
    Action,
    Artifact,
    ArtifactState,
    Role,
    Search,
    SearchState,
)
from nas.service import Service
from nas.trainings import Model

from ..access import Principal
from .benchmark import Missing, missing
from .files import may_change
from .wording import size, span, why

BUTTONS: Mapping[Action, str] = {
    Action.PAUSE: "Pause",
    Action.RESUME: "Resume",
    Action.EXTEND: "Extend",
    Action.CHANGE: "Workers",
    Action.CANCEL: "Cancel",
}
"""What a button on the page does, and says, in the order of the buttons."""

WIDTH, HEIGHT, DRAWN = 96, 24, 48
"""Of a sparkline: its box, and about how many points it has."""


@dataclass(frozen=True, kw_only=True)
class SearchRow:
    """A search as a row of the page.

    Attributes:
        id: Its id.
        name: What it is called.
        href: Its own page.
        state: Where it stands.
        reason: Why it ended or stands still.
        percent: Of its budget, from 0 to 100.
        done: How much of the budget that is, in words.
        best: Best PSNR.
        gain: How far that is from bicubic's; empty where either is not known.
        spark: Points of the line of its hypervolume; empty before two outcomes.
        owner: Whose it is.
        created_at: When it was submitted.
        age: How long ago that was.
        left: What it will take yet; empty where nobody can tell.
        buttons: What whoever looks may do with it now, each with its word.
        may_change: Whether whoever looks may have anything made of it.
        clone: Where another one like it is begun; empty for whoever may not submit.
    """

    id: str
    name: str
    href: str
    state: SearchState
    reason: str
    percent: int
    done: str
    best: str
    gain: str
    spark: str
    owner: str
    created_at: datetime
    age: str
    left: str
    buttons: tuple[tuple[Action, str], ...]
    may_change: bool
    clone: str


def search_row(search: Search, service: Service, who: Principal) -> SearchRow:
    """A search as somebody sees it now."""
    now, reached = service.now(), search.progress
    left, bicubic = seconds_left(search, now), search.baseline.get("psnr_db")
    return SearchRow(
        id=search.id,
        name=called(search),
        href=f"/searches/{search.id}",
        state=search.state,
        reason=why(search.state, search.reason),
        percent=int(100 * fraction(search, now)),
        done=_done(reached.evaluated, search.spec.budget.evaluations),
        best="–" if reached.best_psnr_db is None else f"{reached.best_psnr_db:.2f} dB",
        gain=_gain(reached.best_psnr_db, bicubic),
        spark=_spark_of(search, service),
        owner=search.owner or "–",
        created_at=search.created_at,
        age=span((now - search.created_at).total_seconds()),
        left="" if left is None else span(left),
        buttons=_buttons(search, who),
        may_change=may_change(who, search),
        clone=f"/searches/new?from={search.id}" if may_submit(who) else "",
    )


def called(search: Search) -> str:
    """What a search is called."""
    return search.spec.name or f"Search {search.id}"


def _done(evaluated: int, budget: int) -> str:
    """How much of the budget is spent; what goes beyond it are trainings that confirm the front.

    >>> _done(7, 40), _done(48, 40)
    ('7 of 40', '40 of 40, 8 to confirm')
    """
    beyond = f", {evaluated - budget:,} to confirm" if evaluated > budget else ""
    return f"{min(evaluated, budget):,} of {budget:,}{beyond}"


def _gain(psnr_db: float | None, bicubic_psnr_db: float | None) -> str:
    """How far a PSNR is from bicubic's.

    >>> _gain(28.0, 27.25), _gain(27.0, 27.25), _gain(28.0, None)
    ('+0.75', '−0.25', '')
    """
    if psnr_db is None or bicubic_psnr_db is None:
        return ""
    return f"{psnr_db - bicubic_psnr_db:+.2f}".replace("-", "−")


def _buttons(search: Search, who: Principal) -> tuple[tuple[Action, str], ...]:
    allowed = BUTTONS.items() if may_change(who, search) else ()
    return tuple((action, word) for action, word in allowed if search.state in ACTIONS[action])


def _spark_of(search: Search, service: Service) -> str:
    """The line of a search's hypervolume, from a few of its candidates: a list reads no whole search for it."""
    reached = search.progress
    if reached.evaluated < 2:
        return ""

    def drawn() -> str:
        seen = [
            (candidate.told_ordinal + 1, candidate.hypervolume)
            for candidate in service.spread(search.id, DRAWN)
            if candidate.told_ordinal is not None and candidate.hypervolume is not None
        ]
        last = reached.evaluated, reached.hypervolume
        return sparkline([*sorted(one for one in seen if one[0] < last[0]), last])

    return service.standing(search.id).piece(("sparkline", reached.evaluated, reached.hypervolume), drawn)


def sparkline(course: Sequence[tuple[int, float]]) -> str:
    """The points of an SVG line: hypervolume against evaluations, from 0 at the bottom to its last value at the top.

    Args:
        course: Outcomes and the hypervolume after them, some points of it in order.

    Returns:
        A line in a box of `WIDTH` by `HEIGHT`; empty where there is nothing to draw.
    """
    most = max((height for _, height in course), default=0.0)
    if len(course) < 2 or most <= 0 or course[-1][0] <= course[0][0]:
        return ""
    begin, end = course[0][0], course[-1][0]
    return " ".join(
        f"{1 + (WIDTH - 2) * (at - begin) / (end - begin):.1f},{HEIGHT - 1 - (HEIGHT - 2) * height / most:.1f}"
        for at, height in course
    )


# -- finished models ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class File:
    """A file to fetch: what it is called, where it is, and how large."""

    name: str
    href: str
    size: str


@dataclass(frozen=True, kw_only=True)
class ModelRow:
    """A finished model as a row of the page.

    Attributes:
        id: Its id.
        name: What its search is called.
        candidate: Whose network of that search it is.
        task: Scale and colours.
        params: Learned parameters.
        mult_adds: Multiply-adds at 230,400 LR pixels.
        recipe: By which it was trained.
        steps: For how many steps.
        psnr: Its final PSNR.
        ssim: Its final SSIM.
        gain: How far the PSNR is from bicubic's; empty where that is not known.
        benchmark: Why it has no benchmark; without words where it has one.
        benchmark_href: The rows that a paper would print of it; empty before there are any.
        card: Its model card; empty before there is one.
        files: What can be fetched now.
        age: How long ago it was completed.
    """

    id: str
    name: str
    candidate: str
    task: str
    params: str
    mult_adds: str
    recipe: str
    steps: str
    psnr: str
    ssim: str
    gain: str
    benchmark: Missing
    benchmark_href: str
    card: str
    files: tuple[File, ...]
    age: str


def model_row(model: Model, service: Service) -> ModelRow:
    """A finished model as it stands now."""
    training, candidate, spec = model.training, model.candidate, model.search.spec
    final, artifacts = training.final, service.model_artifacts(training.id)
    ready = [artifact for artifact in artifacts if artifact.state is ArtifactState.READY]
    benchmark = _latest(artifacts, BENCHMARK)
    card = _latest(ready, "card")
    finished = training.finished_at or training.created_at
    return ModelRow(
        id=training.id,
        name=spec.name or f"Search {model.search.id}",
        candidate=candidate.id,
        task=f"×{spec.scale} {'luma' if spec.channels == 1 else 'RGB'}",
        params=f"{candidate.params:,}",
        mult_adds=giga(candidate.mult_adds),
        recipe=training.recipe.name,
        steps=f"{training.steps:,}",
        psnr="–" if final is None else f"{final.psnr_db:.2f} dB",
        ssim="–" if final is None else f"{final.ssim:.4f}",
        gain="" if final is None else _gain(final.psnr_db, model.bicubic_psnr_db),
        benchmark=missing(artifacts),
        benchmark_href=f"/v1/models/{training.id}/benchmark?format=md" if _is_ready(benchmark) else "",
        card="" if card is None else _file(card).href,
        files=tuple(_file(artifact) for artifact in ready if artifact.format not in (BENCHMARK, "card")),
        age=span((service.now() - finished).total_seconds()),
    )


def _latest(artifacts: Sequence[Artifact], form: str) -> Artifact | None:
    return next((artifact for artifact in reversed(artifacts) if artifact.format == form), None)


def _is_ready(artifact: Artifact | None) -> bool:
    return artifact is not None and artifact.state is ArtifactState.READY


def _file(artifact: Artifact) -> File:
    return File(name=artifact.format, href=f"/v1/artifacts/{artifact.id}/file", size=size(artifact.size_bytes or 0))


def may_submit(who: Principal) -> bool:
    """Whether somebody may submit searches."""
    return who.role.includes(Role.SUBMITTER)
