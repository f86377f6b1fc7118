"""What a request costs beside an empty one through the same stack, with a search of many candidates in the database.

    python -m benchmarks.api --candidates 100000 --database sqlite
    python -m benchmarks.api --candidates 100000 --database postgresql
    python -m benchmarks.api --writers 64

A database is filled, `srnas api` is started on it as a process of its own, and one client with one connection asks for
one thing after the other in turn. The empty endpoint is /health/live: it goes through every guard and every layer, and
answers with a document of 40 bytes. Times are the client's, from the first byte sent to the last one read.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from itertools import count, permutations
from pathlib import Path

from benchmarks.asking import EMPTY, Connection, Figures, at_once, figures, postgresql, serving, telling
from benchmarks.filling import fill
from benchmarks.pairing import Lap, take_turns
from benchmarks.reporting import PHOTOS, Machine, table, write_json
from nas.objectives import METRICS

SEARCH = "00000001"
PATH = f"/v1/searches/{SEARCH}"
SPEC = {"dataset": {"train": PHOTOS.name}, "objectives": ["psnr", "mult_adds"], "budget": {"evaluations": 10}}
CREATE = "create a search"


def main() -> None:
    """Fill, measure, print."""
    options = _options()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="srnas-api-")))
        url = f"sqlite:///{home / 'srnas.sqlite'}"
        if options.database == "postgresql":
            url = stack.enter_context(postgresql())
        machine = Machine.here()
        print(f"{machine}\n{options.database}, {options.candidates:,} candidates\n", flush=True)
        fill(url, SEARCH, options.candidates)
        port = stack.enter_context(serving(url, home))
        if options.writers:
            found = at_once(port, options.writers, options.rounds, SPEC)
            print(found)
            document = asdict(found)
        else:
            document = _measure(port, url, options.rounds)
    write_json(options.json, {"machine": asdict(machine), "options": _plain(vars(options)), "found": document})


def _measure(port: int, url: str, rounds: int) -> dict[str, object]:
    connection = Connection(port)
    first_s = connection.get(f"{PATH}/front")
    print(f"the first front after the start: {first_s:.1f} s\n", flush=True)
    quick = take_turns(_quick(connection), rounds, warm_up=5)
    slow = take_turns(_slow(connection), max(1, rounds // 4))
    with telling(url, SEARCH):
        moving = take_turns(_moving(Connection(port)), rounds, warm_up=5)  # idle connections are closed
    parts = {"nothing changes": quick, "what is made anew": slow, "one candidate is told every 50 ms": moving}
    found = {title: figures(laps) for title, laps in parts.items()}
    for title, lines in found.items():
        print(f"{title}\n\n{_table(lines)}\n", flush=True)
    return {"first_front_s": first_s, **{title: [asdict(one) for one in lines] for title, lines in found.items()}}


def _quick(connection: Connection) -> Mapping[str, Lap]:
    tag = connection.tag(f"{PATH}/front")
    pages = count(0, 100)
    return {
        EMPTY: lambda: connection.get("/health/live"),
        "front": lambda: connection.get(f"{PATH}/front"),
        "front, compressed": lambda: connection.get(f"{PATH}/front", accept_encoding="gzip"),
        "front, not changed": lambda: connection.get(f"{PATH}/front", if_none_match=tag, status=304),
        "front as CSV": lambda: connection.get(f"{PATH}/front?format=csv"),
        "other objectives, again": lambda: connection.get(f"{PATH}/front?objectives=psnr,params"),
        "cloud of 5,000": lambda: connection.get(f"{PATH}/cloud"),
        "history": lambda: connection.get(f"{PATH}/history"),
        "search": lambda: connection.get(PATH),
        "searches": lambda: connection.get("/v1/searches?limit=50"),
        "page of 100 candidates": lambda: connection.get(f"{PATH}/candidates?after={next(pages)}"),
    }


def _slow(connection: Connection) -> Mapping[str, Lap]:
    choices = _choices()
    return {
        EMPTY: lambda: connection.get("/health/live"),
        "other objectives, the first time": lambda: connection.get(f"{PATH}/front?objectives={next(choices)}"),
        "page of an operator": lambda: connection.get(f"{PATH}/candidates?operator=kernel&after=10000"),
        "statistics": lambda: connection.get(f"{PATH}/statistics"),
        CREATE: lambda: connection.post("/v1/searches", SPEC),
    }


def _moving(connection: Connection) -> Mapping[str, Lap]:
    return {
        EMPTY: lambda: connection.get("/health/live"),
        "front": lambda: connection.get(f"{PATH}/front"),
        "cloud of 5,000": lambda: connection.get(f"{PATH}/cloud"),
        "other objectives": lambda: connection.get(f"{PATH}/front?objectives=psnr,params"),
    }


def _choices() -> Iterator[str]:
    """Objectives that were not asked for before: every ordered choice of two metrics, of three, and so on."""
    for size in range(2, len(METRICS) + 1):
        yield from map(",".join, permutations(METRICS, size))


def _table(lines: Sequence[Figures]) -> str:
    head = ["request", "p50 (ms)", "p99 (ms)", "times the empty one: median of pairs", "p50", "p99"]
    return table(head, [one.cells() for one in lines])


def _plain(options: Mapping[str, object]) -> dict[str, object]:
    return json.loads(json.dumps(dict(options), default=str))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shown: Callable[[str], str] = "{} (default: %(default)s)".format
    parser.add_argument("--candidates", type=int, default=100_000, help=shown("candidates of the search"))
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help=shown("kind"))
    parser.add_argument("--rounds", type=int, default=400, help=shown("requests of each kind"))
    parser.add_argument("--writers", type=int, default=0, help=shown("measure so many clients that write at once"))
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
