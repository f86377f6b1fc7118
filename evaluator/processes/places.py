"""Where worker processes of this machine stand, and the environment that each is started in. Starts nothing."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..pool.crew import Place

HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""Lets glibc ask for huge pages: up to a tenth of a small network's step on a CPU. It is read at a program's start."""


@dataclass(frozen=True)
class Post:
    """A place, and the GPU that a process there may see.

    Attributes:
        place: Where.
        gpu: What CUDA_VISIBLE_DEVICES calls it; None on a CPU.
    """

    place: Place
    gpu: str | None = None


def cpu_posts(workers: int, threads: int) -> list[Post]:
    """So many workers, `worker-1` and on."""
    node = platform.node()
    places = (Place(name=f"worker-{k + 1}", node=node, device="cpu", threads=threads) for k in range(workers))
    return [Post(place) for place in places]


def gpu_posts(gpus: Sequence[str], workers_per_gpu: int, threads: int) -> list[Post]:
    """So many workers on each GPU, `gpu-0.1` and on: the first of every GPU, then the second, and so on."""
    node = platform.node()
    return [
        Post(
            Place(name=f"gpu-{gpu}.{k + 1}", node=node, device="cuda", threads=threads, shared=f"{node}/gpu-{gpu}"), gpu
        )
        for k in range(workers_per_gpu)
        for gpu in gpus
    ]


def visible_gpus(environ: Mapping[str, str]) -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them. Makes no context on any."""
    import torch

    count = torch.cuda.device_count()
    named = environ.get("CUDA_VISIBLE_DEVICES")
    return [str(number) for number in range(count)] if named is None else named.split(",")[:count]


def worker_environment(post: Post, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process at a post: its GPU and no other, its threads, and the modules of this process."""
    worker = dict(environ)
    worker["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    worker["OMP_NUM_THREADS"] = str(post.place.threads)
    if post.gpu is not None:
        worker["CUDA_VISIBLE_DEVICES"] = post.gpu
    if sys.platform == "linux":
        worker["GLIBC_TUNABLES"] = ":".join(filter(None, [environ.get("GLIBC_TUNABLES"), HUGE_PAGES]))
    return worker
