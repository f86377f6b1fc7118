"""How busy a search keeps its workers: read off a finished one, or simulated with trainings that only wait.

    python -m benchmarks.utilisation read SEARCH [--url http://127.0.0.1:8000] [--json FILE]
    python -m benchmarks.utilisation simulate [--workers 2 32] [--modes generational steady] [--json FILE]

`read` asks a running service. Wall time runs from the first ask to the last outcome, so that the figure holds what a
user waits for: dispatch, the database, idle workers at the end of a generation. Outcomes that were known cost nothing
and are not counted.

`simulate` runs searches on Ray workers of its own (`simulation.py`), through the real controller and a SQLite database
in a temporary folder: the longest training takes ten times as long as the shortest. What stands between trainings is
told for each of them, to be held against the minutes that real ones take.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from benchmarks.reporting import Machine, table, write_json

if TYPE_CHECKING:
    from api.schemas import CandidateView
    from benchmarks.simulation import Simulated

MODES = ("generational", "steady")


@dataclass(frozen=True, kw_only=True)
class Utilisation:
    """How one search used its workers.

    Attributes:
        trainings: Outcomes that a worker produced.
        workers: Workers that produced any.
        wall_s: From the first ask to the last outcome.
        train_s: Seconds of training, summed.
        validate_s: Seconds of validation, summed.
        training_share: train_s / (workers x wall_s).
        busy_share: (train_s + validate_s) / (workers x wall_s).
        device: Where it ran.
    """

    trainings: int
    workers: int
    wall_s: float
    train_s: float
    validate_s: float
    training_share: float
    busy_share: float
    device: str


def measure(candidates: Sequence[CandidateView]) -> tuple[Utilisation, dict[str, float]]:
    """The figures of a search, and the busy seconds of each worker."""
    trained = [c for c in candidates if c.evaluation is not None and not c.cached and c.told_at is not None]
    if not trained:
        raise SystemExit("the search has no outcomes of its own to measure")
    busy_s: dict[str, float] = defaultdict(float)
    train_s = validate_s = 0.0
    for candidate in trained:
        assert candidate.evaluation is not None
        train_s += candidate.evaluation.train_s or 0.0
        validate_s += candidate.evaluation.validate_s or 0.0
        busy_s[candidate.evaluation.worker] += (candidate.evaluation.train_s or 0) + (
            candidate.evaluation.validate_s or 0
        )
    first = min(candidate.asked_at for candidate in trained)
    last = max(candidate.told_at for candidate in trained if candidate.told_at is not None)
    wall_s, workers = (last - first).total_seconds(), len(busy_s)
    devices = {c.evaluation.device for c in trained if c.evaluation is not None and c.evaluation.device}
    figures = Utilisation(
        trainings=len(trained),
        workers=workers,
        wall_s=wall_s,
        train_s=train_s,
        validate_s=validate_s,
        training_share=train_s / (workers * wall_s),
        busy_share=(train_s + validate_s) / (workers * wall_s),
        device=", ".join(sorted(devices)),
    )
    return figures, dict(busy_s)


def shown(figures: Utilisation, busy_s: Mapping[str, float]) -> str:
    """What was read, for a person."""
    rows = [
        ["training", f"{figures.train_s:.1f}", f"{figures.training_share:.1%}"],
        ["training and validation", f"{figures.train_s + figures.validate_s:.1f}", f"{figures.busy_share:.1%}"],
        *(
            [f"of them {worker}", f"{seconds:.1f}", f"{seconds / figures.wall_s:.1%}"]
            for worker, seconds in sorted(busy_s.items())
        ),
    ]
    head = f"{figures.trainings} trainings on {figures.workers} workers ({figures.device}) in {figures.wall_s:.1f} s"
    return f"{head}\n\n{table(['', 'seconds', 'of its workers x wall'], rows)}"


def simulated(found: Sequence[Simulated]) -> str:
    """What was simulated, for a person."""
    head = ["engine", "workers", "trainings", "shortest to longest, mean (s)", "wall (s)", "steady state", "with tail"]
    head += ["idle a training (ms)", "controller, of wall", "controller a training (ms)"]
    rows = []
    for one in found:
        busy = one.busy
        lengths = f"{busy.shortest_s:.2f} to {busy.longest_s:.2f}, {busy.mean_s:.2f}"
        shares = [f"{busy.wall_s:.0f}", f"{busy.steady_share:.1%}", f"{busy.whole_share:.1%}", f"{busy.gap_ms:.0f}"]
        costs = [f"{one.controller_share:.1%}", f"{one.controller_ms:.0f}"]
        rows.append([one.mode, str(one.workers), str(busy.jobs), lengths, *shares, *costs])
    return f"{table(head, rows)}\n\n{LEGEND}"


LEGEND = """Busy seconds over workers x wall. Steady state: from when every worker had work to the last ask. Controller:
CPU time of its process, the engine's model, the database and Ray's client in it."""


def read(chosen: argparse.Namespace) -> None:
    """Measure one search and print a table."""
    from api.client import Client

    with Client(chosen.url) as client:
        candidates = [client.candidate(c.id) for c in client.candidates(chosen.search)]
    figures, busy_s = measure(candidates)
    write_json(chosen.json, asdict(figures) | {"busy_s": busy_s})
    print(shown(figures, busy_s))


def simulate(chosen: argparse.Namespace) -> None:
    """Run every simulation and print a table."""
    from benchmarks import simulation

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    machine, found = Machine.here(), []
    for workers in chosen.workers:
        for mode in chosen.modes:
            with tempfile.TemporaryDirectory() as home:
                sizes = {"evaluations": chosen.evaluations, "population": chosen.population, "seconds": chosen.seconds}
                found.append(simulation.simulate(mode, workers, **sizes, home=Path(home)))
    write_json(chosen.json, {"machine": asdict(machine), "simulated": [asdict(one) for one in found]})
    print(f"{machine}\n\n{simulated(found)}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the verb says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    reading = verbs.add_parser("read", help="measure a search that has ended")
    reading.add_argument("search", help="its id")
    reading.add_argument("--url", default="http://127.0.0.1:8000", help="the service (default: %(default)s)")
    reading.set_defaults(run=read)
    simulating = verbs.add_parser("simulate", help="run searches whose trainings only wait")
    simulating.add_argument("--workers", type=int, nargs="+", default=[2, 32], help="Ray workers (default: 2 32)")
    simulating.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), help="engines (default: both)")
    simulating.add_argument("--evaluations", type=int, default=256, help="budget of each (default: %(default)s)")
    simulating.add_argument("--population", type=int, default=64, help="of the engines (default: %(default)s)")
    simulating.add_argument(
        "--seconds", type=float, default=60.0, help="about how long each shall take (default: %(default)g)"
    )
    simulating.set_defaults(run=simulate)
    for verb in (reading, simulating):
        verb.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here too")
    chosen = parser.parse_args(arguments)
    chosen.run(chosen)


if __name__ == "__main__":
    main()
