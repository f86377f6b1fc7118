"""The verb `profile-device`: a device is measured once, and searches predict latency. The heavy load when called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from evaluator.latency.profile import DeviceProfile, profile_path, write_profile
from evaluator.latency.profiling import EFFORT, Comparison, Effort, Task, make_profile
from evaluator.latency.profiling import Progress as Report
from evaluator.latency_target import LatencyTarget
from search_space.errors import InvalidInput, Problem
from search_space.spaces import get_space

from .cli_options import Home, Json
from .console import err, out, print_json
from .settings import read_settings

EPILOG = (
    "What is timed is a network as it is deployed, one image at a time: on a CPU by onnxruntime on one thread, on a "
    "GPU by torch. Leave the machine alone meanwhile: whatever else runs is measured too.\n\n"
    "The profile is a file in the home, devices/NAME.json. A search predicts with it once its spec has latency_ms "
    'among its objectives or constraints and "latency": {"profile": "NAME"}.\n\n'
    "Example: srnas profile-device --size 640x360 --name laptop"
)
QUICK = Effort(traced=12, calibration=6)


class DeviceKind(StrEnum):
    """Where networks are timed."""

    CPU = "cpu"
    CUDA = "cuda"


def profile_device(
    space: Annotated[str, typer.Option(help="Search space whose networks will be predicted.")] = "falsr",
    size: Annotated[str, typer.Option(help="Size of the small image, WIDTHxHEIGHT.")] = "640x360",
    scale: Annotated[int, typer.Option(help="Upscaling factor: 2, 3 or 4.")] = 2,
    channels: Annotated[int, typer.Option(help="1 for luma, 3 for RGB.")] = 1,
    device: Annotated[DeviceKind, typer.Option(help="Where networks are timed.")] = DeviceKind.CPU,
    name: Annotated[str, typer.Option(help="What to call the profile; by default after device, size and scale.")] = "",
    held_out: Annotated[int, typer.Option(min=0, help="Networks to compare predictions with.")] = 40,
    quick: Annotated[bool, typer.Option("--quick", help="Time half as many networks, for a rougher profile.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Draws the networks.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Time the operators of a search space on this device, and say how well they predict whole networks."""
    task = Task(space=get_space(space), target=read_size(size), scale=scale, channels=channels)
    called = name or f"{device}-{task.target}-x{scale}{'-rgb' if channels == 3 else ''}"
    folder = read_settings(home=home).home
    profile_path(folder, called)  # refuses a bad name before minutes of work

    from evaluator.latency.measure import draw_weights, open_runtime

    effort = replace(QUICK if quick else EFFORT, held_out=held_out)
    with _bar(err) as show:
        profile, found = make_profile(
            open_runtime(device.value),
            task,
            name=called,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            draw=draw_weights,
            rng=np.random.default_rng(seed),
            effort=effort,
            on_progress=show,
        )
    path = write_profile(folder, profile)
    if as_json:
        print_json(to_json(profile, found, path))
        return
    _print_profile(profile, path)


def read_size(text: str) -> LatencyTarget:
    """The size of an image out of `640x360`.

    Raises:
        InvalidInput: It is none, or a side lies outside 8..8192.
    """
    match = re.fullmatch(r"([0-9]{1,4})x([0-9]{1,4})", text)
    try:
        width, height = map(int, match.groups() if match else ())
        return LatencyTarget(lr_width=width, lr_height=height)
    except ValueError as error:
        raise InvalidInput([Problem("--size", text, "WIDTHxHEIGHT, each from 8 to 8192, e.g. 640x360")]) from error


def to_json(profile: DeviceProfile, found: list[Comparison], path: Path) -> dict[str, Any]:
    """What the verb prints with --json: the profile, where it lies, and every network that was held out."""
    networks = [
        {"genotype": str(item.genotype), "measured_ms": item.measured_ms, "predicted_ms": item.predicted_ms}
        for item in found
    ]
    return {"path": str(path), "digest": profile.digest, "profile": profile.to_json(), "held_out": networks}


@contextmanager
def _bar(console: Console) -> Iterator[Report]:
    """A bar over the work with the time that is left, gone when all is done; none where no terminal is."""
    columns = TextColumn("timing {task.description}", markup=False), BarColumn(), TaskProgressColumn()
    times = TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()
    with Progress(*columns, *times, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("operators", total=1.0)
        yield lambda text, share: bar.update(task, description=text, completed=share)


def _print_profile(profile: DeviceProfile, path: Path) -> None:
    held_out, calibration = profile.held_out, profile.calibration
    lines = {
        "device": f"{profile.device}, {profile.runtime}",
        "networks": f"space {profile.space}, x{profile.scale}, {'luma' if profile.channels == 1 else 'RGB'}, "
        f"image {profile.target}",
        "operators": f"{len(profile.table.prices)} priced, by {_samples(profile)} timed runs",
        "calibration": f"{calibration.gain:.3f} x their sum + {calibration.offset_ms:.2f} ms "
        f"({calibration.networks} networks)",
    }
    if held_out is not None:
        tau = "-" if held_out.tau is None else f"{held_out.tau:.3f}"
        lines["held out"] = (
            f"mean error {held_out.mean_error:.1%}, worst {held_out.worst_error:.1%}, Kendall tau {tau} "
            f"({held_out.networks} networks)"
        )
    lines["profile"] = str(path)
    lines["in a spec"] = spec_snippet(profile)
    out.print(_summary(profile))
    for label, text in lines.items():
        out.print(f"{label:<11} {text}", soft_wrap=True)


def spec_snippet(profile: DeviceProfile) -> str:
    """What makes a search predict with a profile."""
    target = profile.target
    latency = {"mode": "predicted", "profile": profile.name, "width": target.lr_width, "height": target.lr_height}
    return f'"objectives": ["psnr", "latency_ms"], "latency": {json.dumps(latency)}'


def _samples(profile: DeviceProfile) -> int:
    return sum(price.samples for price in profile.table.prices.values())


def _summary(profile: DeviceProfile) -> Table:
    """What operators cost that read the space's widest cells, and write as much."""
    width = max(get_space(profile.space).channels)
    grid = Table(title=f"milliseconds at {width} channels", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    grid.add_column("operator")
    grid.add_column("ms", justify="right")
    rows = [
        (price.ms(width), str(operator))
        for operator, price in profile.table.prices.items()
        if operator.out_channels in (0, width) and not operator.upscaled and operator.kind not in ("map", "rest")
    ]
    for ms, text in sorted(rows, reverse=True):
        grid.add_row(text, f"{ms:.2f}")
    return grid
