"""Statistics as people read them: headings and cells for terminals and pages alike, and a few lines for a hurry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..figures import confirmed, heading, shown
from ..objectives import METRICS
from .documents import OperatorStatistics, RungStatistics, Statistics, Tau


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table before anybody draws it.

    Attributes:
        title: What stands above it.
        headings: One for each column; the first column holds names, the others figures.
        rows: As many cells each.
        note: What stands below it; empty for nothing.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def grids(found: Statistics) -> list[Grid]:
    """The tables that have something to say."""
    every = operator_grid(found), rung_grid(found), arm_grid(found), prediction_grid(found), seed_grid(found)
    return [grid for grid in (*every, budget_grid(found)) if grid.rows]


def operator_grid(found: Statistics) -> Grid:
    """What became of the candidates of each operator."""
    return Grid(
        title="operators",
        headings=("operator", "proposed", "told", "failed", "feasible", "survived", "share", "on the front"),
        rows=[_operator(one) for one in found.operators],
    )


def _operator(one: OperatorStatistics) -> list[str]:
    counts = one.proposed, one.told, one.failed, one.feasible, one.survived
    return [one.operator, *map(str, counts), percent(one.survival), str(one.front)]


def rung_grid(found: Statistics) -> Grid:
    """What short trainings say of longer ones; no rows where there is one rung."""
    several = found.rungs if len(found.rungs) > 1 else ()
    return Grid(
        title="rungs",
        headings=(
            *("rung", "steps", "asked", "told", "failed", "promoted", "best psnr (dB)"),
            *("tau with the next [95 %]", "over the latest"),
        ),
        rows=[_rung(one) for one in several],
        note=f"compared by {found.ranked_by}; new networks start at rung {found.lowest_rung}",
    )


def _rung(one: RungStatistics) -> list[str]:
    counts = one.rung, one.steps, one.asked, one.told, one.failed, one.promoted
    return [*map(str, counts), shown("psnr_db", one.best_psnr_db), tau_text(one.overall), tau_text(one.latest)]


def arm_grid(found: Statistics) -> Grid:
    """What the networks of each arm brought; no rows where a model was never asked."""
    model = found.surrogate
    return Grid(
        title="surrogate",
        headings=("arm", "networks", "survived", "raised the hypervolume", "share", "gain per network"),
        rows=[
            [arm.arm, str(arm.told), str(arm.survived), str(arm.entered), percent(arm.entering), number(arm.mean_gain)]
            for arm in (model.arms if model.enabled else ())
        ],
        note="; ".join(_on_the_model(found)),
    )


def _on_the_model(found: Statistics) -> Iterator[str]:
    model = found.surrogate
    if model.gain is not None:
        yield f"a screened network adds {model.gain:.2f} times what one of the control arm adds"
    yield "the model picks networks now" if model.speaks else "the model is silent now"


def prediction_grid(found: Statistics) -> Grid:
    """How well the model ranked networks that it had not seen."""
    return Grid(
        title="predictions of networks that the model had not seen",
        headings=("metric", "tau [95 %]", "over the latest"),
        rows=[[one.metric, tau_text(one.overall), tau_text(one.latest)] for one in found.surrogate.predictions],
        note=f"below a tau of {found.surrogate.min_tau:g} over the latest the model is silent",
    )


def seed_grid(found: Statistics) -> Grid:
    """What other seeds say of the members of the front."""
    every = (metric.column for metric in METRICS.values())
    columns = [name for name in every if any(name in member.mean for member in found.seeds.members)]
    return Grid(
        title="seeds of the front's members",
        headings=("candidate", "seeds", "first psnr (dB)", *(f"mean {heading(name)}" for name in columns)),
        rows=[
            [
                member.candidate,
                str(member.seeds),
                shown("psnr_db", member.first.get("psnr_db")),
                *(confirmed(name, member.mean.get(name), member.spread.get(name)) for name in columns),
            ]
            for member in found.seeds.members
        ],
        note=f"noise of a seed over {found.seeds.networks} networks: {noise_text(found)}",
    )


def budget_grid(found: Statistics) -> Grid:
    """What is spent of each part that has a limit, and of the others."""
    return Grid(
        title="budget",
        headings=("part", "spent", "limit", "share"),
        rows=[
            [part.part, number(part.spent), "none" if part.limit is None else number(part.limit), percent(part.share)]
            for part in found.budget.parts
        ],
        note="; ".join(_on_the_budget(found)),
    )


def _on_the_budget(found: Statistics) -> Iterator[str]:
    budget = found.budget
    if budget.validation_share is not None:
        yield f"validation took {percent(budget.validation_share)} of the time"
    if budget.ends_at is not None:
        yield f"at this pace it ends at {budget.ends_at:%Y-%m-%d %H:%M} UTC"


def in_short(found: Statistics) -> list[tuple[str, str]]:
    """The statistics in a few lines, each with its label."""
    lines = [("operators", "; ".join(_best_operators(found)))]
    if len(found.rungs) > 1:
        taus = (f"tau {tau_text(one.overall)} from {one.steps} steps" for one in found.rungs[:-1])
        lines.append(
            ("rungs", f"{', '.join(taus)}; new networks start at {found.rungs[found.lowest_rung].steps} steps")
        )
    if any(arm.arm != "none" for arm in found.surrogate.arms):
        taus = (f"{one.metric} tau {tau_text(one.overall)}" for one in found.surrogate.predictions)
        lines.append(("surrogate", "; ".join([*_on_the_model(found), *taus])))
    if found.seeds.networks:
        lines.append(("seed noise", f"{noise_text(found)}, over {found.seeds.networks} networks"))
    if found.budget.validation_share is not None:
        lines.append(("validation", f"{percent(found.budget.validation_share)} of the time"))
    return [(label, text) for label, text in lines if text]


def _best_operators(found: Statistics) -> Iterator[str]:
    useful = sorted((one for one in found.operators if one.front or one.survived), key=lambda one: -one.front)
    for one in useful[:4]:
        yield f"{one.operator} {one.survived} of {one.told} survived, {one.front} on the front"


def noise_text(found: Statistics) -> str:
    """What a change of seed does to each metric."""
    units = {metric.column: metric.unit for metric in METRICS.values()}
    parts = (f"{_name(name)} ± {noise:.2g} {units[name]}".rstrip() for name, noise in _known(found.seeds.noise))
    return ", ".join(parts) or "–"


def _known(figures: dict[str, float | None]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in figures.items() if value is not None]


def _name(column: str) -> str:
    return next(metric.name for metric in METRICS.values() if metric.column == column)


def tau_text(tau: Tau | None) -> str:
    """A tau with its interval and how many networks it is taken over.

    >>> tau_text(Tau(tau=0.5, low=0.25, high=0.75, pairs=20))
    '0.50 [0.25, 0.75] of 20'
    """
    if tau is None or tau.tau is None:
        return "–"
    interval = "" if tau.low is None or tau.high is None else f" [{tau.low:.2f}, {tau.high:.2f}]"
    return f"{tau.tau:.2f}{interval} of {tau.pairs}"


def percent(share: float | None) -> str:
    """A share in per cent; a dash where there is none."""
    return "–" if share is None else f"{share:.0%}"


def number(value: float | None) -> str:
    """A whole number with its thousands apart, another with four digits; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.4g}"
