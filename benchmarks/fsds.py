"""How fast FSDS and FSDS-SI are beside a plain transcription of the published definition, in one run.

    python benchmarks/fsds.py [--size 512] [--rounds 40] [--threads 1 2] [--json]

Each round times the transcription and then both of ours on the same images; ratios are medians over rounds of times in
the same round, so that a busy machine slows all three alike. A CUDA device is measured too where there is one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from evaluator.metrics.fsds import fsds, fsds_si

WARM_UP = 3


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One setting, measured.

    Attributes:
        device: Where it ran; for a CPU with the number of threads.
        dtype: Type computed in.
        transcription_ms: Median time of the plain transcription.
        fsds_ms: Median time of `fsds`.
        fsds_si_ms: Median time of `fsds_si`.
        fsds_ratio: Median of transcription over `fsds`, round by round.
        fsds_si_ratio: Median of transcription over `fsds_si`, round by round.
    """

    device: str
    dtype: str
    transcription_ms: float
    fsds_ms: float
    fsds_si_ms: float
    fsds_ratio: float
    fsds_si_ratio: float


def transcription(prediction: Tensor, target: Tensor) -> Tensor:
    """FSDS of two C x H x W images of even height, read off the definition line by line."""
    p_maps, t_maps = _maps(prediction), _maps(target)
    error = sum(((p - t).abs() ** 2).sum() for p, t in zip(p_maps, t_maps, strict=True))
    power = sum((t.abs() ** 2).sum() for t in t_maps)
    return -10 * torch.log10(torch.as_tensor(error / power))


def _maps(image: Tensor) -> tuple[Tensor, Tensor]:
    spectrum = torch.fft.rfft2((image - image.mean()) / image.std())
    half = spectrum.shape[-2] // 2
    positive = spectrum[:, :half].cumsum(-2).cumsum(-1)
    negative = spectrum[:, half:].flip(-2).cumsum(-2).cumsum(-1)
    return positive, negative


def measure(label: str, device: torch.device, dtype: torch.dtype, *, size: int, rounds: int) -> Timing:
    """Time the three in turn on noise and a noisier copy of it."""
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(3, size, size, generator=generator, dtype=dtype)
    prediction = target + 0.05 * torch.randn(3, size, size, generator=generator, dtype=dtype)
    images = prediction.to(device), target.to(device)
    contenders: dict[str, Callable[[], Tensor]] = {
        "transcription": partial(transcription, *images),
        "fsds": partial(fsds, *images, dtype=dtype),
        "fsds_si": partial(fsds_si, *images, dtype=dtype),
    }
    torch.testing.assert_close(contenders["fsds"](), contenders["transcription"](), rtol=1e-4, atol=0)
    laps = [{name: _seconds(run, device) for name, run in contenders.items()} for _ in range(WARM_UP + rounds)]
    laps = laps[WARM_UP:]
    return Timing(
        device=label,
        dtype=str(dtype).removeprefix("torch."),
        transcription_ms=1000 * median(lap["transcription"] for lap in laps),
        fsds_ms=1000 * median(lap["fsds"] for lap in laps),
        fsds_si_ms=1000 * median(lap["fsds_si"] for lap in laps),
        fsds_ratio=median(lap["transcription"] / lap["fsds"] for lap in laps),
        fsds_si_ratio=median(lap["transcription"] / lap["fsds_si"] for lap in laps),
    )


def _seconds(run: Callable[[], Tensor], device: torch.device) -> float:
    _wait(device)
    start = perf_counter()
    run()
    _wait(device)
    return perf_counter() - start


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_all(threads: Sequence[int], *, size: int, rounds: int) -> list[Timing]:
    """Every setting: each number of threads in both precisions, then the GPU where there is one."""
    timings = []
    for count in threads:
        torch.set_num_threads(count)
        label = f"CPU, {count} thread{'s' if count > 1 else ''}"
        for dtype in (torch.float32, torch.float64):
            timings.append(measure(label, torch.device("cpu"), dtype, size=size, rounds=rounds))
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        for dtype in (torch.float32, torch.float64):
            timings.append(measure(name, torch.device("cuda"), dtype, size=size, rounds=rounds))
    return timings


def main() -> None:
    """Measure and print a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of the images (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=40, help="rounds that count (default: %(default)s)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="CPU threads (default: 1 2)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    timings = measure_all(chosen.threads, size=chosen.size, rounds=chosen.rounds)
    if chosen.json:
        print(json.dumps([asdict(timing) for timing in timings], indent=2))
        return
    print("| device | type | transcription | fsds | fsds_si | fsds is faster by | fsds_si by |")
    print("|---|---|---|---|---|---|---|")
    for timing in timings:
        times = (timing.transcription_ms, timing.fsds_ms, timing.fsds_si_ms)
        shown = " | ".join(f"{time:.1f} ms" for time in times)
        print(f"| {timing.device} | {timing.dtype} | {shown} | {timing.fsds_ratio:.2f} | {timing.fsds_si_ratio:.2f} |")


if __name__ == "__main__":
    main()
