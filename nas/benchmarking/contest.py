"""A whole contest: from a table and who races to figures, pages and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .entrants import read_entrants
from .landscape import build_landscape
from .plotting import draw
from .race import Plan, race
from .table import Table
from .writing import Result, result_of, to_json, to_markdown

USUAL = ("psnr", "mult_adds")
"""Objectives where a table has them both and none are named."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is asked for.

    Attributes:
        engines: Names of who races.
        evaluations: Budget of every run, in full trainings.
        seeds: Runs of every engine.
        in_flight: Evaluations out at once.
        objectives: Columns to optimise; empty for the usual two, or all where a table has not both.
        family: Model of what the table does not hold.
        noise: Standard deviation of one training; None for what the table shows.
        rough: Whether what the models leave unexplained is given back at random.
        workers: Processes.
    """

    engines: Sequence[str]
    evaluations: int
    seeds: int
    in_flight: tuple[int, ...] = (1,)
    objectives: Sequence[str] = ()
    family: str = "best"
    noise: float | None = None
    rough: bool = False
    workers: int = 1


def hold(table: Table, contest: Contest, step: Callable[[str, int], None] = lambda *_: None) -> Result:
    """Hold a contest; the result depends on neither the workers nor their timing, but for processor times.

    Args:
        table: What was evaluated.
        contest: What is asked for.
        step: Is told what is being done, and how many steps there are in all, at each of them.

    Raises:
        InvalidInput: With everything that is wrong with what is asked for.
    """
    known = [objective.metric for objective in table.objectives]
    usual = USUAL if set(USUAL) <= set(known) else known
    narrow = table.only(contest.objectives or usual)
    fits = 0 if table.complete else 2 * sum(not narrow.computes(objective) for objective in narrow.objectives)
    steps = fits + len(contest.engines) * contest.seeds * len(contest.in_flight)
    entrants = read_entrants(contest.engines, narrow)
    landscape = build_landscape(
        narrow,
        family=contest.family,
        noise=contest.noise,
        rough=contest.rough,
        step=lambda text: step(f"fitting {text}", steps),
    )
    plan = Plan(
        entrants=tuple(entrants),
        evaluations=contest.evaluations,
        seeds=contest.seeds,
        in_flight=contest.in_flight,
    )
    runs = race(plan, landscape, workers=contest.workers, step=lambda text, _: step(text, steps))
    return result_of(plan, landscape, runs)


def write(result: Result, output: Path, *, title: str = "Search engines side by side") -> list[Path]:
    """Write a race as a page, a document and two pictures, beside each other; return their paths."""
    page, document, *pictures = (output.with_name(f"{output.name}{end}") for end in (".md", ".json", ".svg", ".png"))
    output.parent.mkdir(parents=True, exist_ok=True)
    draw(result.runs, pictures)
    page.write_text(f"# {title}\n\n{to_markdown(result, picture=pictures[0].name)}", encoding="utf-8")
    document.write_text(json.dumps(to_json(result)) + "\n", encoding="utf-8")
    return [page, document, *pictures]
