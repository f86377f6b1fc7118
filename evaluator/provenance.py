"""Digests and names that stand with every score: which code, which machine."""

from __future__ import annotations

import platform
from functools import cache
from hashlib import blake2b
from pathlib import Path

PACKAGES = ("search_space", "evaluator")


@cache
def code_digest() -> str:
    """32 hexadecimal characters over the sources of the packages that decide a score.

    Two processes with equal digests build, train and score alike; a worker whose digest differs from its
    controller's must not be believed.
    """
    digest = blake2b(digest_size=16)
    root = Path(__file__).resolve().parents[1]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def cpu_name(threads: int) -> str:
    """The name that scores made on this machine's processor carry: "cpu (1 thread, x86_64, AMD EPYC 9354)"."""
    parts = (f"{threads} thread{'s' if threads != 1 else ''}", platform.machine(), processor_name())
    return f"cpu ({', '.join(filter(None, parts))})"


def is_cpu(name: str) -> bool:
    """Whether a name that scores carry is that of a processor, and not of a GPU."""
    return name.startswith("cpu")


@cache
def processor_name() -> str:
    """This machine's processor by its maker's name; empty where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor()
