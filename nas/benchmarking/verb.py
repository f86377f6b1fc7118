"""The verb `bench-search`: engines side by side on a table of scores. What is heavy loads when it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table as Grid

from search_space.errors import InvalidInput, Problem

from ..console import err, out, print_json
from ..display import counting_bar

ENGINES = "random,optuna,pymoo,pymoo-categorical,srnas-plain,srnas-plain+stratified,srnas"
EPILOG = (
    "Engines: random, optuna, pymoo (integers), pymoo-categorical; of ours srnas (as a search runs it), srnas-plain "
    "(without its aids) and srnas-falsr, each with changes after plus signs: stratified, surrogate, no-surrogate, "
    "one-point, roulette, reinforced, ordered, rungs=4, or any option of an engine, as surrogate_children=400.\n\n"
    "Example: srnas bench-search benchmarks/tables/falsr.json --evaluations 300 --seeds 3 --in-flight 1,8"
)


def bench_search(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="A JSON file of genotypes and their scores.")],
    engines: Annotated[str, typer.Option(help="Who races, commas between; see below.")] = ENGINES,
    evaluations: Annotated[int, typer.Option(min=1, help="Budget of every run, in full trainings.")] = 1000,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of every engine.")] = 10,
    in_flight: Annotated[str, typer.Option(help="Evaluations out at once; several with commas.")] = "1",
    objectives: Annotated[
        str, typer.Option(help="Columns to optimise; if none, psnr and mult_adds where the table has both, else all.")
    ] = "",
    landscape: Annotated[
        str, typer.Option(help="Model of what the table does not hold: best, blend, trees or smooth.")
    ] = "best",
    noise: Annotated[
        float | None,
        typer.Option(min=0, help="Deviation of one training's scores; by default what rows of several seeds show."),
    ] = None,
    rough: Annotated[
        bool, typer.Option("--rough", help="Give what the model leaves unexplained back to genotypes at random.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one for each CPU.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write PATH.md, PATH.json, PATH.svg and PATH.png too.", metavar="PATH")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
) -> None:
    """Race engines for the best front on tabulated scores, without training anything.

    Prints the hypervolume that each reaches, and after how many evaluations it gets to where the others were.
    """
    from .contest import Contest, hold, write
    from .table import read_table
    from .writing import duel_rows, hypervolume_rows, landscape_rows, notes, to_json

    contest = Contest(
        engines=_names(engines),
        evaluations=evaluations,
        seeds=seeds,
        in_flight=_numbers(in_flight),
        objectives=_names(objectives),
        family=landscape,
        noise=noise,
        rough=rough,
        workers=workers or os.cpu_count() or 1,
    )
    with counting_bar(err) as step:
        result = hold(read_table(table), contest, step)
    if output is not None:
        for path in write(result, output):
            err.print(f"wrote {path}", soft_wrap=True)
    if as_json:
        print_json(to_json(result))
        return
    for note in notes(result):
        out.print(note, soft_wrap=True)
    for title, rows in (
        ("hypervolume", hypervolume_rows(result)),
        ("evaluations to where a rival got, and how many times as fast", duel_rows(result)),
        ("models of the landscape, on rows held out", landscape_rows(result.landscape)),
    ):
        if len(rows) > 1:
            out.print(_grid(title, rows))


def _grid(title: str, rows: list[list[str]]) -> Grid:
    grid = Grid(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for i, heading in enumerate(rows[0]):
        grid.add_column(heading, justify="left" if i == 0 else "right")
    for row in rows[1:]:
        grid.add_row(*row)
    return grid


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(text: str) -> tuple[int, ...]:
    names = _names(text)
    if not names or len(set(names)) < len(names) or not all(name.isdecimal() and int(name) for name in names):
        raise InvalidInput([Problem("--in-flight", text, "different whole numbers from 1, commas between")])
    return tuple(map(int, names))
