"""How well latency is predicted, and how badly params and mult-adds stand in for it, on networks held out.

    python benchmarks/latency.py [--held-out 40] [--size 640x360] [--device cpu] [--output latency]

Profiles this device as `srnas profile-device` does, then compares the networks that it left out. Run it on an otherwise
idle machine: whatever else runs is measured too. With --output it writes PATH.json and PATH.md as well.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from evaluator.latency.measure import draw_weights, open_runtime
from evaluator.latency.profile import DeviceProfile
from evaluator.latency.profiling import EFFORT, Comparison, Effort, Task, make_profile
from nas.cli_latency import read_size
from nas.ranking import agreement
from search_space import cost
from search_space.spaces import get_space

TARGET_ERROR, TARGET_TAU = 0.10, 0.85
Row = dict[str, Any]


def measure(task: Task, device: str, effort: Effort, seed: int) -> tuple[DeviceProfile, list[Comparison], float]:
    """Profile a device; the networks held out, and the seconds that all took."""
    started = time.monotonic()
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Progress(*columns, TimeRemainingColumn()) as bar:
        lane = bar.add_task("operators", total=1.0)
        profile, found = make_profile(
            open_runtime(device),
            task,
            name="benchmark",
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            draw=draw_weights,
            rng=np.random.default_rng(seed),
            effort=effort,
            on_progress=lambda text, share: bar.update(lane, description=text, completed=share),
        )
    return profile, found, time.monotonic() - started


def rows_of(found: Sequence[Comparison], task: Task) -> list[Row]:
    """One row a network, the fastest first; mult-adds are those of the image that was timed."""
    built = {"scale": task.scale, "channels": task.channels}
    pixels = task.target.lr_width * task.target.lr_height
    rows = [
        {
            "genotype": str(item.genotype),
            "params": cost.params(item.genotype, **built),
            "mult_adds": cost.mult_adds(item.genotype, **built, lr_pixels=pixels),
            "measured_ms": item.measured_ms,
            "predicted_ms": item.predicted_ms,
            "error": item.predicted_ms / item.measured_ms - 1,
        }
        for item in found
    ]
    return sorted(rows, key=lambda row: row["measured_ms"])


def taus(rows: Sequence[Row]) -> dict[str, Row]:
    """Kendall's tau of the measured latency with each figure that might stand in for it, and its interval."""
    measured = [row["measured_ms"] for row in rows]
    stand_ins = ("predicted_ms", "mult_adds", "params")
    return {name: asdict(agreement([row[name] for row in rows], measured)) for name in stand_ins}


def spread(rows: Sequence[Row]) -> tuple[float, float]:
    """Least and most mult-adds per second, in G: what no count of them can know."""
    rates = [row["mult_adds"] / row["measured_ms"] / 1e6 for row in rows]
    return min(rates), max(rates)


def to_markdown(document: Row) -> str:
    """The figures as a page."""
    profile, held_out = document["profile"], document["profile"]["held_out"]
    target = "x".join(map(str, profile["target"].values()))
    slow, fast = spread(document["networks"])
    orders = document["tau"].items()
    met = held_out["mean_error"] <= TARGET_ERROR and document["tau"]["predicted_ms"]["tau"] >= TARGET_TAU
    lines = [
        f"{profile['device']}, {profile['runtime']}, space {profile['space']}, x{profile['scale']} at {target}; "
        f"{document['took_s'] / 60:.1f} minutes, load average {document['load']:.2f} at the end.",
        "",
        f"{held_out['networks']} networks held out: mean error {held_out['mean_error']:.1%}, worst "
        f"{held_out['worst_error']:.1%} (target: at most {TARGET_ERROR:.0%} and tau {TARGET_TAU}; "
        f"{'met' if met else 'missed'}). They compute {slow:.1f} to {fast:.1f} G mult-adds a second.",
        "",
        "| orders networks by | Kendall tau with measured ms | 95 % interval |",
        "|---|---|---|",
        *(f"| {name} | {row['tau']:.3f} | {row['low']:.2f} to {row['high']:.2f} |" for name, row in orders),
        "",
        "| measured ms | predicted ms | error | params | mult-adds | genotype |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row['measured_ms']:.1f} | {row['predicted_ms']:.1f} | {row['error']:+.1%} | {row['params']:,} | "
            f"{row['mult_adds'] / 1e9:.1f} G | `{row['genotype'].replace('|', ' ')}` |"
            for row in document["networks"]
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print a page, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", type=int, default=EFFORT.held_out, help="networks to compare, at least 4")
    parser.add_argument("--traced", type=int, default=EFFORT.traced, help="networks timed operator by operator")
    parser.add_argument("--calibration", type=int, default=EFFORT.calibration, help="networks to calibrate with")
    parser.add_argument("--size", type=read_size, default="640x360", help="WIDTHxHEIGHT (default: %(default)s)")
    parser.add_argument("--space", default="falsr", help="search space (default: %(default)s)")
    parser.add_argument("--scale", type=int, default=2, help="upscaling factor (default: %(default)s)")
    parser.add_argument("--channels", type=int, default=1, help="1 or 3 (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="draws the networks (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="write PATH.json and PATH.md too", metavar="PATH")
    chosen = parser.parse_args()
    task = Task(space=get_space(chosen.space), target=chosen.size, scale=chosen.scale, channels=chosen.channels)
    effort = Effort(traced=chosen.traced, calibration=chosen.calibration, held_out=max(4, chosen.held_out))
    profile, found, took_s = measure(task, chosen.device, effort, chosen.seed)
    rows = rows_of(found, task)
    document = {
        "took_s": round(took_s, 1),
        "load": round(os.getloadavg()[0], 2),
        "tau": taus(rows),
        "profile": profile.to_json(),
        "networks": rows,
    }
    page = to_markdown(document)
    print(page, end="")
    if chosen.output is not None:
        chosen.output.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        chosen.output.with_suffix(".md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
