"""Search engines side by side, as `docs/reference/search-benchmark.md` reports them.

    python benchmarks/search.py [SECTION ...] [--seeds 10] [--evaluations 2000] [--workers N]

Sections, all of them by default: `rivals` (ours beside others, with 1, 8 and 32 in flight), `variants` (what each part
of ours is worth), `robust` (other models of the landscape), `rungs` (by training steps) and `tiny` (a space whose exact
front is known). A section that is run again replaces its figures; the page is put together from all there are.
`srnas bench-search` runs any one contest of your own.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nas.benchmarking.contest import Contest, hold
from nas.benchmarking.plotting import draw
from nas.benchmarking.table import Table, read_table, tabulate
from nas.benchmarking.writing import to_json, to_markdown
from nas.console import err
from nas.display import counting_bar
from nas.engine.testing import TWO_OBJECTIVES, synthetic_scores
from search_space.spaces import get_space

OUTPUT = Path("docs/reference/search-benchmark")
RIVALS = ("random", "optuna", "pymoo", "pymoo-categorical")
OURS = ("srnas-plain", "srnas-plain+stratified", "srnas")
VARIANTS = (
    *OURS,
    "srnas+roulette",
    "srnas+reinforced",
    "srnas+one-point",
    "srnas+ordered",
    "srnas-plain+one-point",
    "srnas-plain+roulette",
    "srnas-plain+reinforced",
    "srnas-falsr",
)
RUNGS = ("srnas", "srnas+rungs=2", "srnas+rungs=3", "srnas+rungs=4")

Found = list[tuple[str, dict[str, Any], str]]
"""Title, figures and Markdown of each contest of a section."""


def _quarter(contest: Contest) -> int:
    return max(1, contest.evaluations // 4)


def rivals(table: Table, base: Contest) -> Found:
    """Ours beside others, with 8 evaluations out at once, and the picture; then with one and 32, for a quarter."""
    contest = replace(base, engines=(*RIVALS, *OURS), in_flight=(8,))
    others = replace(contest, in_flight=(1, 32), evaluations=_quarter(base))
    return [
        _held("Ours beside others", table, contest, picture=True),
        _held("With one and 32 evaluations out at once", table, others),
    ]


def variants(table: Table, base: Contest) -> Found:
    """What each part of ours is worth."""
    contest = replace(base, engines=VARIANTS, in_flight=(8,), evaluations=_quarter(base))
    return [_held("What each part is worth", table, contest)]


def robust(table: Table, base: Contest) -> Found:
    """The same on other landscapes: each family of models alone, and with what they leave unexplained given back."""
    contest = replace(
        base, engines=(*RIVALS, "srnas-plain+stratified", "srnas"), in_flight=(8,), evaluations=_quarter(base)
    )
    return [
        _held("On trees alone", table, replace(contest, family="trees")),
        _held("On smooth models alone", table, replace(contest, family="smooth")),
        _held("On a rough landscape", table, replace(contest, rough=True)),
    ]


def rungs(table: Table, base: Contest) -> Found:
    """Full training for all, against short trainings first: an evaluation is a full training's worth of steps."""
    contest = replace(base, engines=RUNGS, in_flight=(8,), evaluations=_quarter(base))
    return [_held("By training steps", table, contest)]


def tiny(_table: Table, base: Contest) -> Found:
    """A made-up score on a space of 1,152 networks, whose front is known exactly."""
    space = get_space("tiny")
    table = tabulate(space, TWO_OBJECTIVES, ((genotype, synthetic_scores(genotype)) for genotype in space.enumerate()))
    contest = replace(base, engines=(*RIVALS, *OURS), in_flight=(1,), evaluations=space.distinct_size, noise=0.0)
    return [_held("A space whose front is known", table, contest)]


SECTIONS: dict[str, Callable[[Table, Contest], Found]] = {
    "rivals": rivals,
    "variants": variants,
    "robust": robust,
    "rungs": rungs,
    "tiny": tiny,
}


def _held(title: str, table: Table, contest: Contest, *, picture: bool = False) -> tuple[str, dict[str, Any], str]:
    with counting_bar(err) as step:
        result = hold(table, contest, lambda text, total: step(f"{title}: {text}", total))
    pictures = [OUTPUT.with_suffix(end) for end in (".svg", ".png")] if picture else []
    if picture:
        OUTPUT.parent.mkdir(parents=True, exist_ok=True)
        draw(result.runs, pictures)
    page = to_markdown(result, picture=pictures[0].name if pictures else "", level=3)
    return title, to_json(result), page


def write(found: dict[str, Found]) -> None:
    """Put new sections beside those that were written before, and the page together anew."""
    document = OUTPUT.with_suffix(".json")
    document.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(document.read_text(encoding="utf-8")) if document.exists() else {}
    known |= {
        name: [{"title": title, "figures": figures, "page": page} for title, figures, page in contests]
        for name, contests in found.items()
    }
    ordered = {name: known[name] for name in SECTIONS if name in known}
    document.write_text(json.dumps(ordered) + "\n", encoding="utf-8")
    parts = [f"## {contest['title']}\n\n{contest['page']}" for contests in ordered.values() for contest in contests]
    head = "# Search engines side by side\n\nMade by `python benchmarks/search.py`; figures in "
    head += f"[{document.name}]({document.name}). All entrants have a population of 64.\n\n"
    OUTPUT.with_suffix(".md").write_text(head + "\n".join(parts), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the sections that are named, and write each as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)} (default: all)")
    parser.add_argument(
        "--table", type=Path, default=Path("benchmarks/tables/falsr.json"), help="(default: %(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=10, help="runs of every engine (default: %(default)s)")
    parser.add_argument("--evaluations", type=int, default=2000, help="of every run (default: %(default)s)")
    parser.add_argument("--noise", type=float, help="deviation of one training (default: what the table shows)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.sections if name not in SECTIONS]
    if unknown:
        parser.error(f"no such section: {', '.join(unknown)}")
    base = Contest(
        engines=(), seeds=chosen.seeds, evaluations=chosen.evaluations, noise=chosen.noise, workers=chosen.workers
    )
    table = read_table(chosen.table)
    for name in chosen.sections or SECTIONS:
        write({name: SECTIONS[name](table, base)})
        print(f"{name}: see {OUTPUT.with_suffix('.md')}")


if __name__ == "__main__":
    main()
