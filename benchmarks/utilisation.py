"""How busy a search kept its workers: training time / (workers x wall time), read off a finished search over REST.

    python benchmarks/utilisation.py SEARCH [--url http://127.0.0.1:8000] [--json]

Wall time runs from the first ask to the last outcome, so that the figure holds what a user waits for: dispatch, the
database, idle workers at the end of a generation. Cached outcomes cost nothing and are not counted.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import asdict, dataclass

from api.client import Client
from api.schemas import CandidateView


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


def measure(candidates: list[CandidateView]) -> tuple[Utilisation, dict[str, float]]:
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


def main() -> None:
    """Measure one search and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("search", help="id of a search that has ended")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the service (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    with Client(arguments.url) as client:
        candidates = [client.candidate(c.id) for c in client.candidates(arguments.search)]
    figures, busy_s = measure(candidates)
    if arguments.json:
        print(json.dumps(asdict(figures) | {"busy_s": busy_s}, indent=2))
        return
    print(f"{figures.trainings} trainings on {figures.workers} workers ({figures.device}) in {figures.wall_s:.1f} s")
    print(f"training            {figures.train_s:10.1f} s   {figures.training_share:7.1%} of workers x wall")
    print(f"training+validation {figures.train_s + figures.validate_s:10.1f} s   {figures.busy_share:7.1%}")
    for worker, seconds in sorted(busy_s.items()):
        print(f"  {worker:18}{seconds:10.1f} s   {seconds / figures.wall_s:7.1%} of wall")


if __name__ == "__main__":
    main()
