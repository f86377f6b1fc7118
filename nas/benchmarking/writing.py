"""A race as tables and documents: the same rows for a terminal and for Markdown, and everything in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .landscape import Landscape
from .race import Plan, Run
from .summary import Duel, Line, duels, summarise, usual_marks

POINTS = 50
"""Points of each curve that are kept in a document."""

Rows = list[list[str]]
"""Cells of a table; the first row is its head."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """A race and what it shows.

    Attributes:
        plan: What was raced.
        landscape: On what.
        runs: Every run.
        lines: Hypervolumes of each entrant.
        duels: How soon each got to where the rivals were.
    """

    plan: Plan
    landscape: Landscape
    runs: Sequence[Run]
    lines: Sequence[Line]
    duels: Sequence[Duel]


def result_of(plan: Plan, landscape: Landscape, runs: Sequence[Run]) -> Result:
    """Summarise a race."""
    marks = usual_marks(runs)
    return Result(plan=plan, landscape=landscape, runs=runs, lines=summarise(runs), duels=duels(runs, marks))


def hypervolume_rows(result: Result) -> Rows:
    """Hypervolume at every checkpoint, mean and half its interval; then costs of the engine itself."""
    checkpoints = [point.evaluations for point in result.lines[0].checkpoints]
    exact = bool(result.landscape.exact_front)
    head = ["engine", "in flight", *(f"after {count}" for count in checkpoints), "ms an evaluation", "repeated"]
    rows = [[*head, *(["front found after"] if exact else [])]]
    for line in result.lines:
        reached = [_about(point.mean, point.reach) for point in line.checkpoints]
        found = "–" if line.front_after is None else f"{line.front_after:.0f}"
        rows.append(
            [line.entrant, str(line.in_flight), *reached, f"{line.cpu_ms:.2f}", f"{line.duplicates:.1%}"]
            + ([f"{found} ({line.front_found}/{line.seeds})"] if exact else [])
        )
    return rows


def duel_rows(result: Result) -> Rows:
    """Evaluations to where each rival got, and how many times as fast that is."""
    marks = list(dict.fromkeys((duel.rival, duel.after) for duel in result.duels))
    rows = [["engine", "in flight", *(f"{rival} after {after}" for rival, after in marks)]]
    found = {(duel.entrant, duel.in_flight, duel.rival, duel.after): duel for duel in result.duels}
    for line in result.lines:
        cells = (found[line.entrant, line.in_flight, *mark] for mark in marks)
        rows.append([line.entrant, str(line.in_flight), *map(_duel, cells)])
    return rows


def landscape_rows(landscape: Landscape) -> Rows:
    """How well each family of models foretells rows held out; empty but for the head where nothing is modelled."""
    rows = [["objective", "model", "RMSE", "R2", "Kendall's tau", "used"]]
    for objective, families in landscape.report.quality.items():
        for name, quality in families.items():
            tau = quality.tau
            spread = "" if tau.low is None else f" [{tau.low:.2f}, {tau.high:.2f}]"
            shown = "–" if tau.tau is None else f"{tau.tau:.2f}{spread}"
            used = "yes" if landscape.report.family[objective] == name else ""
            rows.append([objective, name, f"{quality.rmse:.4g}", f"{quality.r2 or 0:.2f}", shown, used])
    return rows


def notes(result: Result) -> list[str]:
    """What the figures are of, a sentence each."""
    plan, landscape, report = result.plan, result.landscape, result.landscape.report
    names = ", ".join(f"{o.metric} ({o.sense})" for o in landscape.objectives)
    reference = ", ".join(f"{value:.6g}" for value in landscape.reference)
    truth = "a look-up" if report.complete else "a model of the trained objectives"
    stds = ", ".join(f"{std:.3g} of {name}" for name, std in report.noise.items() if std)
    source = f"measured on {report.noise_rows} rows of several seeds" if report.noise_rows else "as told"
    noise = f"standard deviation {stds} ({source})" if stds else "none"
    found = [
        f"Table {report.table}: {report.rows} rows; the truth is {truth}. Objectives: {names}; reference point"
        f" {reference}.",
        f"{plan.seeds} seeds, {plan.evaluations} evaluations each. Noise of one training: {noise}.",
        "Hypervolume is of the truth, without noise, of what was evaluated: mean over seeds ± half its 95 % interval.",
    ]
    if any(report.rough.values()):
        added = ", ".join(f"{std:.3g} of {name}" for name, std in report.rough.items() if std)
        found.append(f"What the models leave unexplained was given to genotypes at random: {added}.")
    return found


def to_markdown(result: Result, *, picture: str = "", level: int = 2) -> str:
    """The whole race as Markdown: notes, a picture if its path is given, and tables under headings of a level."""
    mark = "#" * level
    parts = [" ".join(notes(result))]
    if picture:
        parts.append(f"![Hypervolume against evaluations]({picture})")
    parts += [f"{mark} Hypervolume", _markdown(hypervolume_rows(result))]
    if result.duels:
        parts += [
            f"{mark} Evaluations to where a rival got",
            "Median over seeds of evaluations to the rival's median hypervolume; in brackets how many times as fast "
            "that is, with its 95 % interval by bootstrap over seeds.",
            _markdown(duel_rows(result)),
        ]
    if result.landscape.report.quality:
        parts += [f"{mark} Models of the landscape", "On rows held out.", _markdown(landscape_rows(result.landscape))]
    return "\n\n".join(parts) + "\n"


def to_json(result: Result) -> dict[str, Any]:
    """The whole race as a JSON document; of each run, its hypervolume at up to `POINTS` evenly spaced evaluations."""
    landscape, plan = result.landscape, result.plan
    return {
        "objectives": [{"name": o.metric, "sense": str(o.sense)} for o in landscape.objectives],
        "reference": list(landscape.reference),
        "landscape": asdict(landscape.report),
        "rungs": {"steps": list(landscape.rungs.steps), "tau_to_full": _taus(landscape)},
        "evaluations": plan.evaluations,
        "seeds": plan.seeds,
        "lines": [asdict(line) for line in result.lines],
        "duels": [asdict(duel) for duel in result.duels],
        "runs": [_run(run) for run in result.runs],
    }


def _taus(landscape: Landscape) -> Mapping[str, Sequence[float | None]]:
    return {str(steps): list(taus) for steps, taus in (landscape.rungs.taus or {}).items()}


def _run(run: Run) -> dict[str, Any]:
    budget = len(run.hypervolume)
    kept = np.unique(np.linspace(1, budget, min(POINTS, budget)).round().astype(int))
    return {
        "engine": run.entrant,
        "in_flight": run.in_flight,
        "seed": run.seed,
        "evaluations": run.evaluations,
        "repeated": run.duplicates,
        "by_rung": {str(rung): count for rung, count in run.rungs.items()},
        "ms_an_evaluation": round(run.cpu_ms, 3),
        "front_after": run.front_after,
        "after": kept.tolist(),
        "hypervolume": [round(float(value), 6) for value in run.hypervolume[kept - 1]],
    }


def _about(mean: float, reach: float | None) -> str:
    return f"{mean:.4f}" if reach is None else f"{mean:.4f} ± {reach:.4f}"


def _duel(duel: Duel) -> str:
    if duel.needed is None:
        return "–"
    if duel.high is None:
        return f"{duel.needed:.0f} ({duel.faster:.2f}x)"
    return f"{duel.needed:.0f} ({duel.faster:.2f}x, {duel.low or 0:.2f} to {duel.high:.2f})"


def _markdown(rows: Rows) -> str:
    head, *body = rows
    rules = ["---" if i == 0 else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rules, *body))
