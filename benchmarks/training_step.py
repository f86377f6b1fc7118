"""How fast a training step is, beside a plain loop on the same network, and how much of the machine it uses.

    python benchmarks/training_step.py [--threads 1 2] [--rounds 8] [--device cuda] [--profile] [--json FILE]

Networks of about 20K, 120K, 400K and 1M parameters of the FALSR space, on luma at x2. The arms take turns, a few steps
each, so that a busy machine hits all of them; ratios are medians over rounds, with a 95 % interval.

==================  ====================================================================================
plain               `plain.py`: DataLoader, files decoded for every patch, Adam as it comes, float32
plain, no loading   the same with batches that lie ready on the device: the step alone
float32             ours in float32: patches from shared pixels, channels last, fused Adam
auto                ours in what the device has in hardware, as a recipe has it unless it says otherwise
auto, no graph      (CUDA) the same without capturing the step as a graph
==================  ====================================================================================

The share of the peak is the network's arithmetic (`peak.py`) over what the best dense 3x3 convolution reaches here in
the precision of the arm.

Where srnas is not installed, set PYTHONPATH to the repository: torch, numpy and Pillow do.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import torch

from benchmarks.operators import by_kind, marked
from benchmarks.pairing import Spread, faster_by, take_turns
from benchmarks.peak import Peak, measure_peak, step_flops
from benchmarks.plain_patches import largest_first, write_pngs
from benchmarks.reporting import PHOTOS, Machine, cores, device_option, table, write_json
from benchmarks.step_arms import CHANNELS, PLAIN, SCALE, STEP, Bench, arms, trainer
from evaluator.captured import side_stream
from evaluator.data.folders import scan
from evaluator.data.images import load
from evaluator.precision import Computed, resolve
from evaluator.recipe import Recipe
from search_space.cost import params
from search_space.genotype import Genotype

NETWORKS: Mapping[str, Genotype] = {
    name: Genotype.parse(text)
    for name, text in {
        "20K": "f32|g4-k3-f16-n4:0|g4-k1-f16-n2-r:1|g4-k3-f16-n4:2|g4-k1-f16-n1:3|g4-k3-f16-n4:4|g4-k1-f16-n2:0,5"
        "|g4-k3-f16-n4:6|tail:5,7",
        "120K": "f32|g2-k1-f16-n4:0|conv-k3-f32-n2:0,1|g4-k1-f32-n2:0,2|g4-k1-f16-n4-r:0,1,3|ib-k1-f64-n1:0,1,2,4"
        "|g2-k3-f32-n1:0,2,4,5|g2-k3-f16-n1:0,3,4,5,6|tail:0,2,3,4,7",
        "400K": "f32|conv-k3-f48-n1:0|ib-k3-f64-n1:0,1|g2-k1-f64-n4-r:0,2|g2-k3-f16-n4-r:0,1,2,3|conv-k1-f32-n2:3,4"
        "|conv-k3-f64-n1:1,2,3,4,5|conv-k1-f48-n4-r:0,3,4,6|tail:0,2,4,5,7",
        "1M": "f32|ib-k3-f64-n4-r:0|conv-k3-f16-n1:1|g2-k1-f64-n2:1,2|g4-k1-f16-n1:2,3|ib-k3-f48-n2-r:1,4"
        "|ib-k3-f64-n1:3,4,5|g2-k1-f16-n1:1,2,3,4,5,6|tail:1,2,3,4,7",
    }.items()
}
"""Drawn from the space and kept, by about how many parameters they have."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One arm on one network.

    Attributes:
        network: Name of the network.
        params: Its parameters.
        threads: Threads of torch.
        arm: Name of the arm.
        precision: What it computes in.
        step_ms: Median milliseconds of a step.
        patches_per_s: Patches trained on in a second, at that pace.
        gflops_per_s: Arithmetic of the network in a second, at that pace.
        peak_share: The same over the peak in that precision.
        faster_by: How many times faster than the plain loop, round by round.
        step_faster_by: How many times faster than the plain loop without loading.
    """

    network: str
    params: int
    threads: int
    arm: str
    precision: Computed
    step_ms: float
    patches_per_s: float
    gflops_per_s: float
    peak_share: float
    faster_by: Spread
    step_faster_by: Spread


def measure(bench: Bench, network: str, peaks: Mapping[Computed, Peak], rounds: int) -> list[Timing]:
    """Every arm on one network, in turn."""
    genotype = NETWORKS[network]
    found = arms(bench, genotype)
    taken = take_turns({arm: lap for arm, (_, lap) in found.items()}, rounds)
    flops = step_flops(genotype, bench.recipe, scale=SCALE, channels=CHANNELS)
    timings = []
    for arm, (precision, _) in found.items():
        step_s = median(lap[arm] for lap in taken)
        timings.append(
            Timing(
                network=network,
                params=params(genotype, scale=SCALE, channels=CHANNELS),
                threads=torch.get_num_threads(),
                arm=arm,
                precision=precision,
                step_ms=1000 * step_s,
                patches_per_s=bench.recipe.batch / step_s,
                gflops_per_s=flops / step_s / 1e9,
                peak_share=flops / step_s / peaks[precision].flops_per_s,
                faster_by=faster_by(taken, arm, PLAIN),
                step_faster_by=faster_by(taken, arm, STEP),
            )
        )
    return timings


def profiled(bench: Bench, network: str, precision: Computed) -> dict[str, float]:
    """Milliseconds of each kind of work in one of our steps, none of them captured."""
    with side_stream(bench.device):
        training, images = trainer(bench, NETWORKS[network], precision, graph=False)
        images.cut = marked(images.cut)  # type: ignore[method-assign]  # for the profile alone
        for _ in range(bench.steps):
            training.step()
        return by_kind(training.step, bench.steps, bench.device)


def timings_table(timings: Sequence[Timing]) -> str:
    """A line for each arm."""
    head = ["network", "threads", "arm", "computes in", "ms a step", "steps/s", "patches/s", "GFLOP/s", "of the peak"]
    head += ["faster than plain", "than its step alone"]
    rows = []
    for one in timings:
        who = [f"{one.network} ({one.params:,})", str(one.threads), one.arm, one.precision]
        pace = [f"{one.step_ms:.1f}", f"{1000 / one.step_ms:.2f}", f"{one.patches_per_s:.0f}"]
        use = [f"{one.gflops_per_s:.0f}", f"{one.peak_share:.0%}"]
        rows.append([*who, *pace, *use, str(one.faster_by), str(one.step_faster_by)])
    return table(head, rows)


def profiles_table(profiles: Mapping[str, Mapping[str, float]]) -> str:
    """A column for each network: milliseconds a step, and their share."""
    kinds = sorted({kind for found in profiles.values() for kind in found})
    totals = {network: sum(found.values()) for network, found in profiles.items()}
    kinds.sort(key=lambda kind: -sum(found.get(kind, 0.0) for found in profiles.values()))
    cells = {kind: [_cell(found.get(kind, 0.0), totals[n]) for n, found in profiles.items()] for kind in kinds}
    rows = [[kind, *cells[kind]] for kind in kinds]
    return table(["ms a step", *profiles], [*rows, ["all", *(f"{total:.1f}" for total in totals.values())]])


def _cell(ms: float, total_ms: float) -> str:
    return f"{ms:.1f} ({ms / total_ms:.0%})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, or profile, and print tables."""
    chosen = _arguments(arguments)
    with tempfile.TemporaryDirectory() as folder:
        images = load(scan(chosen.images, scale=SCALE), scale=SCALE, channels=CHANNELS)
        bench = Bench(
            images=images,
            files=write_pngs(largest_first(images), Path(folder)),
            recipe=replace(Recipe(), steps=10_000_000, batch=chosen.batch, patch=chosen.patch),
            device=torch.device(chosen.device),
            steps=chosen.steps,
            workers=chosen.loaders,
        )
        (profile if chosen.profile else time_all)(bench, chosen)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    device_option(parser)
    parser.add_argument("--threads", type=int, nargs="+", help="of torch (default: one, then all cores; of a GPU one)")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="(default: all)")
    parser.add_argument("--rounds", type=int, default=8, help="rounds that count (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="steps of each arm in a round (default: 4; 50 on a GPU)")
    parser.add_argument("--batch", type=int, default=16, help="patches a step (default: FALSR's %(default)s)")
    parser.add_argument("--patch", type=int, default=24, help="their side in LR pixels (default: %(default)s)")
    parser.add_argument("--loaders", type=int, default=2, help="DataLoader's processes, 0 for none (default: 2)")
    parser.add_argument("--images", type=Path, default=PHOTOS, help="photographs (default: those of the repository)")
    parser.add_argument("--profile", action="store_true", help="say where the time of our step goes, and time nothing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures here too")
    chosen = parser.parse_args(arguments)
    on_gpu = chosen.device == "cuda"
    chosen.threads = chosen.threads or ([1] if on_gpu else sorted({1, cores()}))
    chosen.steps = chosen.steps or (50 if on_gpu else 4)
    return chosen


def time_all(bench: Bench, chosen: argparse.Namespace) -> None:
    """Time every network with every number of threads."""
    machine, peaks = Machine.here(chosen.device, threads=chosen.threads), []
    timings: list[Timing] = []
    print(f"{machine}\n")
    for threads in chosen.threads:
        torch.set_num_threads(threads)
        found = {p: measure_peak(bench.device, p) for p in precisions(bench.device)}
        peaks.append({"threads": threads, "peaks": [asdict(peak) for peak in found.values()]})
        print(f"Peak with {threads} threads: {', '.join(map(str, found.values()))}\n")
        for network in chosen.networks:
            timings += measure(bench, network, found, chosen.rounds)
    write_json(chosen.json, {"machine": asdict(machine), "peaks": peaks, "timings": [asdict(one) for one in timings]})
    print(timings_table(timings))


def precisions(device: torch.device) -> list[Computed]:
    """What the arms of a device compute in, each once."""
    return list(dict.fromkeys(["float32", resolve("tf32", device), resolve("auto", device)]))


def profile(bench: Bench, chosen: argparse.Namespace) -> None:
    """Profile every network with every number of threads, as a recipe has it."""
    machine, document = Machine.here(chosen.device, threads=chosen.threads), []
    print(machine)
    for threads in chosen.threads:
        torch.set_num_threads(threads)
        for precision in dict.fromkeys(["float32", resolve("auto", bench.device)]):
            found = {network: profiled(bench, network, precision) for network in chosen.networks}
            document.append({"threads": threads, "precision": precision, "ms": found})
            print(f"\n{precision}, {threads} threads\n\n{profiles_table(found)}")
    write_json(chosen.json, {"machine": asdict(machine), "profiles": document})


if __name__ == "__main__":
    main()
