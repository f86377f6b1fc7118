"""A torch device around one evaluation: what it is called, how it is set up, what memory it gave, how it is left."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .provenance import cpu_name

OUT_OF_MEMORY = (
    "DefaultCPUAllocator",
    "error: out of memory",  # CUDA's, from outside torch's allocator
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""What errors that have no type of their own say where memory ran out."""


def device_name(device: str, threads: int) -> str:
    """The name that scores made on a torch device carry; of a CPU with so many threads."""
    return torch.cuda.get_device_name(device) if _is_gpu(device) else cpu_name(threads)


def memory_bytes(device: str) -> int:
    """Memory of a GPU, free and used; 0 for a CPU."""
    return int(torch.cuda.get_device_properties(device).total_memory) if _is_gpu(device) else 0


def peak_memory_bytes(device: str) -> int:
    """Largest memory that torch has taken of a GPU since `prepared`; 0 for a CPU.

    It is what other processes could not have, so what torch keeps for its next tensors counts.
    """
    return int(torch.cuda.max_memory_reserved(device)) if _is_gpu(device) else 0


@contextmanager
def prepared(device: str, threads: int | None = None) -> Iterator[None]:
    """Set torch up for one evaluation, and leave it and the device's memory as they were.

    What the evaluation left in memory has to be unreachable by the end.

    Args:
        device: Name of the torch device.
        threads: Threads of torch meanwhile; as many as it has when None.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    if _is_gpu(device):
        # Before there is a context there is nothing that could be reset.
        torch.cuda.init()  # type: ignore[no-untyped-call]  # torch ships it without annotations
        torch.cuda.reset_peak_memory_stats(device)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if _is_gpu(device):
            gc.collect()  # torch's first training leaves cycles behind
        release(device)


def release(device: str) -> None:
    """Give a GPU's memory back that nothing refers to any more, so that other processes can have it."""
    if _is_gpu(device):
        torch.cuda.empty_cache()


def ran_out_of_memory(error: Exception) -> bool:
    """Whether an error without a type of its own says that memory ran out, of a device or of the host."""
    return any(text in str(error) for text in OUT_OF_MEMORY)


def probe(device: str) -> None:
    """Wait for all that a GPU was given to do; does nothing on a CPU.

    Raises:
        RuntimeError: The context of this process is broken, by an illegal access or an error of the hardware: that
            stays until the process ends.
    """
    if _is_gpu(device):
        torch.cuda.synchronize(device)


def _is_gpu(device: str) -> bool:
    return torch.device(device).type == "cuda" and torch.cuda.is_available()
