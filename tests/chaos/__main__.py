"""Chaos for as long as one likes: rounds of searches through kills, each with a seed of its own.

    python -m tests.chaos [--minutes 10] [--kills 60] [--seed 0] [--images-root examples]

A round ends with a table; the first that finds something amiss ends all of it, names its seed, and keeps its folder.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
from pathlib import Path

import structlog

from tests.chaos.chaos import run
from tests.chaos.processes import ROOT

SECONDS_PER_KILL, SECONDS_AT_LEAST = 20.0, 300.0
"""How long a round may take; several times what it does."""


def main() -> int:
    """Run rounds until the time is over; the exit status."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--minutes", type=float, default=10.0, help="start rounds for so long (%(default)g)")
    options.add_argument("--kills", type=int, default=60, help="kills in a round (%(default)s)")
    options.add_argument("--seed", type=int, help="of the first round; the others follow on")
    options.add_argument("--images-root", type=Path, default=ROOT / "examples", help="has a folder 'photos'")
    asked = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    until_s, rounds, kills = time.monotonic() + 60 * asked.minutes, 0, 0
    while not rounds or time.monotonic() < until_s:
        say(f"round {rounds + 1}: --seed {seed} --kills {asked.kills}")
        timeout_s = max(SECONDS_AT_LEAST, SECONDS_PER_KILL * asked.kills)
        try:
            report = run(
                seed=seed, kills=asked.kills, images_root=asked.images_root.resolve(), timeout_s=timeout_s, say=say
            )
        except (AssertionError, TimeoutError):
            say(f"failed: run it again with --seed {seed} --kills {asked.kills}")
            raise
        say(str(report))
        seed, rounds, kills = seed + 1, rounds + 1, kills + report.kills
    say(f"{rounds} rounds, {kills} kills: nothing was lost, and nothing trained in vain")
    return 0


def say(text: str) -> None:
    """Tell it at once, whoever reads."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
