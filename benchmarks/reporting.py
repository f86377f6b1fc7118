"""What every timing says of where it was taken, and how it is shown: a Markdown table, and the same figures as JSON.

Needs torch and the standard library alone, so that it runs on a bare GPU machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

PHOTOS = Path(__file__).resolve().parents[1] / "examples" / "photos"
"""The photographs that the repository carries."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where figures were taken.

    Attributes:
        processor: The processor's name, as the system has it.
        cores: Cores that this process may use.
        torch: Version of torch.
        threads: Threads of torch that were tried, one number each.
        device: Name of the device that trained; the processor's for a CPU.
        load: The machine's load average over the last minute, before anything was measured.
    """

    processor: str
    cores: int
    torch: str
    threads: tuple[int, ...]
    device: str
    load: float

    @classmethod
    def here(cls, device: str = "cpu", *, threads: Sequence[int] = ()) -> Machine:
        """Look at this machine; torch has the threads that it is set up with unless others are named."""
        processor = _processor()
        on_gpu = torch.device(device).type == "cuda"
        return cls(
            processor=processor,
            cores=cores(),
            torch=torch.__version__,
            threads=tuple(threads) or (torch.get_num_threads(),),
            device=torch.cuda.get_device_name(device) if on_gpu else processor,
            load=os.getloadavg()[0],
        )

    def __str__(self) -> str:
        """One line for the head of a report."""
        device = "" if self.device == self.processor else f"{self.device}; "
        plural = "" if self.threads == (1,) else "s"
        software = f"torch {self.torch} with {' and '.join(map(str, self.threads))} thread{plural}"
        return f"{device}{self.processor}, {self.cores} cores, {software}; load average at start {self.load:.2f}"


def device_option(parser: argparse.ArgumentParser) -> None:
    """Let a program be told where to run; a device that is not there is an error of its arguments."""

    def there(device: str) -> str:
        if device == "cuda" and not torch.cuda.is_available():
            raise argparse.ArgumentTypeError("torch sees no GPU here")
        return device

    parser.add_argument("--device", type=there, choices=("cpu", "cuda"), default="cpu", help="(default: %(default)s)")


def cores() -> int:
    """The cores that this process may use, where the system says so; those of the machine elsewhere."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = sorted({line.partition(":")[2].strip() for line in lines if line.startswith("model name")})
    return ", ".join(names) or platform.processor() or platform.machine()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others, figures, to the right.

    >>> print(table(["arm", "ms"], [["ours", "1.5"]]))
    | arm | ms |
    |---|---:|
    | ours | 1.5 |
    """
    ruler = "|---" + "|---:" * (len(head) - 1) + "|"
    return "\n".join([_line(head), ruler, *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_json(path: Path | None, document: Any) -> None:
    """Keep the figures beside what is printed; nothing without a path."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
