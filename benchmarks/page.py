"""What the page of a large search costs a browser beside that of a small one, and how it answers while outcomes come.

    python -m benchmarks.page
    python -m benchmarks.page --candidates 2000 --repeats 3 --seconds 5 --searches 0

Databases are filled, `srnas api` is started on each as a process of its own, and a Chromium without a window opens the
pages in turn, each time with an empty cache. The searches have three objectives and two rungs. Then candidates are told
while somebody clicks and presses keys. At the end the list of many searches is asked for, without a browser.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser

from benchmarks.asking import Connection, serving, telling
from benchmarks.browsing import OTHER, PARTS, Opening, Watch, chromium, visiting
from benchmarks.filling import copy, fill
from benchmarks.pairing import Spread
from benchmarks.reporting import Machine, table, write_json

SMALL, LARGE = "00000001", "00000002"
ASKED = {"objectives": ["ssim", "mult_adds", "fsds"], "recipe": {"rungs": 2}}
WORK = {
    "beyond_s": "beyond the transfer, until the front is drawn (s)",
    "long_s": "tasks of more than 50 ms (s)",
    "busy_s": "main thread busy (s)",
    "script_s": "scripts (s)",
    "layout_s": "layout and styles (s)",
    "drawn_s": "from the click to the drawn front (s)",
}
ANSWERS = {
    "longest_ms": "longest task (ms)",
    "long_share": "share of the time in tasks of more than 50 ms",
    "frame_p95_ms": "gap between frames, p95 (ms)",
    "frame_longest_ms": "longest gap between frames (ms)",
    "input_ms": "longest wait of a click or a key (ms)",
    "heap_mib": "growth of the heap (MiB)",
    "requests_per_s": "requests/s",
    "kib_per_s": "KiB/s",
}
Openings = Mapping[str, Sequence[Opening]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill, measure, print."""
    options = _options(arguments)
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="srnas-page-")))
        machine, browser = Machine.here(), stack.enter_context(chromium())
        version = f"Chromium {browser.version}"
        print(f"{machine}; {version}\n", flush=True)
        found |= _pages(browser, home, options)
        if options.searches:
            found["list"] = _list(home, options)
    named = {name: value for name, value in vars(options).items() if name != "json"}
    write_json(options.json, {"machine": asdict(machine), "browser": version, "options": named, "found": found})


# -- pages of two searches ---------------------------------------------------------------------------------------------


def _pages(browser: Browser, home: Path, options: argparse.Namespace) -> dict[str, Any]:
    url = f"sqlite:///{home / 'pages.sqlite'}"
    sizes = {SMALL: options.few, LARGE: options.candidates}
    for seed, (search_id, count) in enumerate(sizes.items(), start=1):
        fill(url, search_id, count, seed=seed, asked=ASKED)
    names = {search_id: f"{count:,}" for search_id, count in sizes.items()}
    with serving(url, home) as port:
        with closing(Connection(port)) as connection:
            first_s = {search_id: connection.get(f"/searches/{search_id}") for search_id in sizes}
        print("the first look after the start: " + _phrase(names, first_s, "s") + "\n", flush=True)
        openings = _open_in_turn(browser, port, options.repeats)
        print(_opening_tables(names, openings), flush=True)
        watches = {
            search_id: _watch(browser, port, url, search_id, seed, options)
            for seed, search_id in enumerate(sizes, start=3)
        }
        print(_watch_table(names, watches, options), flush=True)
    return {
        "first_s": first_s,
        "openings": {search_id: [asdict(one) for one in own] for search_id, own in openings.items()},
        "watches": {search_id: asdict(own) for search_id, own in watches.items()},
    }


def _open_in_turn(browser: Browser, port: int, repeats: int) -> Openings:
    """Each page so often, every other round beginning with the other one; a round before that does not count."""
    openings: dict[str, list[Opening]] = {SMALL: [], LARGE: []}
    for number in range(repeats + 1):
        for search_id in (SMALL, LARGE) if number % 2 else (LARGE, SMALL):
            with visiting(browser, _address(port, search_id)) as visit:
                opening = visit.open()
            if number:
                openings[search_id].append(opening)
    return openings


def _watch(browser: Browser, port: int, url: str, search_id: str, seed: int, options: argparse.Namespace) -> Watch:
    with visiting(browser, _address(port, search_id)) as visit:
        visit.open()
        with telling(url, search_id, every_s=1 / options.rate, seed=seed):
            return visit.watch(options.seconds)


def _address(port: int, search_id: str) -> str:
    return f"http://localhost:{port}/searches/{search_id}"


def _opening_tables(names: Mapping[str, str], openings: Openings) -> str:
    last = {search_id: own[-1] for search_id, own in openings.items()}
    sent = [
        [what, *(str(getattr(last[search_id], field)) for search_id in names)]
        for what, field in (("candidates sent", "points"), ("on the front", "members"), ("nodes", "nodes"))
    ]
    sent += [
        [f"{part}: {unit}", *(f"{_median(openings[search_id], field, part):.1f}" for search_id in names)]
        for part in (*PARTS, OTHER)
        for unit, field in (("KiB", "kib"), ("ms", "transfer_ms"))
    ]
    head = ["opened, empty cache", *(f"{count} candidates" for count in names.values())]
    work = [[label, *_compared(openings, field)] for field, label in WORK.items()]
    return f"{table(head, sent)}\n\n{table([*head, 'difference (95 %)'], work)}\n"


def _compared(openings: Openings, field: str) -> list[str]:
    """Medians, and the difference in each round: its median, and where the true one lies."""
    small, large = ([getattr(one, field) for one in openings[search_id]] for search_id in (SMALL, LARGE))
    differences = [more - less for less, more in zip(small, large, strict=True)]
    return [f"{median(small):.2f}", f"{median(large):.2f}", str(Spread.of(differences))]


def _median(openings: Sequence[Opening], field: str, part: str) -> float:
    return median(getattr(one, field)[part] for one in openings)


def _watch_table(names: Mapping[str, str], watches: Mapping[str, Watch], options: argparse.Namespace) -> str:
    rows = []
    for field, label in ANSWERS.items():
        small, large = (getattr(watches[search_id], field) for search_id in (SMALL, LARGE))
        rows.append([label, f"{small:.2f}", f"{large:.2f}", f"{large / small:.1f}" if small > 0 else "–"])
    head = [f"{options.rate:g} outcomes a second for {options.seconds:g} s", *names.values(), "ratio"]
    return f"{table(head, rows)}\n"


def _phrase(names: Mapping[str, str], values: Mapping[str, float], unit: str) -> str:
    return ", ".join(f"{values[search_id]:.2f} {unit} with {count} candidates" for search_id, count in names.items())


# -- the list of many --------------------------------------------------------------------------------------------------


def _list(home: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of the list of searches: the first look after the start, later ones, and where nothing has changed."""
    url = f"sqlite:///{home / 'list.sqlite'}"
    copy(url, fill(url, SMALL, options.each), [f"{number:08x}" for number in range(2, options.searches + 1)])
    (home / "list").mkdir()
    with serving(url, home / "list") as port, closing(Connection(port)) as connection:
        found = {"first look after the start": connection.get("/")}
        tag = connection.tag("/")
        found["again"] = median(connection.get("/") for _ in range(options.repeats))
        held = (connection.get("/", if_none_match=tag, status=304) for _ in range(options.repeats))
        found["not changed"] = median(held)
    rows = [[what, f"{1000 * seconds:.1f}"] for what, seconds in found.items()]
    print(table([f"list of {options.searches} searches of {options.each:,} candidates", "ms"], rows), flush=True)
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shown = "{} (default: %(default)s)".format
    parser.add_argument("--candidates", type=int, default=50_000, help=shown("candidates of the large search"))
    parser.add_argument("--few", type=int, default=50, help=shown("candidates of the small one"))
    parser.add_argument("--repeats", type=int, default=15, help=shown("times that each page is opened"))
    parser.add_argument("--seconds", type=float, default=20.0, help=shown("for which a page is watched"))
    parser.add_argument("--rate", type=float, default=5.0, help=shown("outcomes a second meanwhile"))
    parser.add_argument("--searches", type=int, default=200, help=shown("searches of the list, 0 for no list"))
    parser.add_argument("--each", type=int, default=5_000, help=shown("candidates of each of them"))
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
