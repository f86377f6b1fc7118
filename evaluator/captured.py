"""A training step recorded once and replayed: one launch of a CUDA graph instead of hundreds of kernels'.

Knows nothing of what a step does. Nothing here runs without a GPU but the order of events, which takes the recording
as a function.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from .trainer import Work

log = logging.getLogger(__name__)

WARM_UP = 3
"""Steps before the recording, in which libraries choose algorithms, autograd its buffers and Adam its state."""


def cuda_graph(work: Work) -> Work:
    """Record work as one CUDA graph; it is not done meanwhile.

    To be called in a stream other than the default one, the stream in which the work was done before.

    Returns:
        What does the recorded work with the tensors that it read and wrote, in the current stream; its result is a
        copy that the next call leaves alone. The graph and its memory go when it goes.

    Raises:
        RuntimeError: The work has something in it that cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    stream = torch.cuda.current_stream()
    # The outer of the two is for a recording that fails, which leaves its own stream behind as the current one.
    with torch.cuda.stream(stream), torch.cuda.graph(graph, stream=stream):
        result = work()

    def replay() -> torch.Tensor:
        graph.replay()
        return result.clone()

    return replay


class Capture:
    """Does a step's work: in the first steps as it is, in all others as the replay of a recording.

    A training is the same with and without: the warm-up that a recording needs is made of real steps, recording does
    nothing, and where it fails the work goes on as it is, with a warning in the log.

    Args:
        record: Makes a replay of work without doing it. The work reads and writes tensors that stay where they are.
    """

    def __init__(self, record: Callable[[Work], Work] = cuda_graph) -> None:
        self._record = record
        self._warm_up_left = WARM_UP
        self._replay: Work | None = None

    def __call__(self, work: Work) -> torch.Tensor:
        """Do the work once; it is the same at every call."""
        if self._warm_up_left == 0:
            self._replay = self._recorded(work)
        self._warm_up_left -= 1
        return work() if self._replay is None else self._replay()

    def _recorded(self, work: Work) -> Work | None:
        try:
            return self._record(work)
        except RuntimeError as error:
            log.warning("training goes on without a CUDA graph: reason=%s", error)
            return None


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """On a GPU, queue everything in a stream of its own for a while, in order with what is before and after it."""
    if device.type != "cuda":
        yield
        return
    outer = torch.cuda.current_stream(device)
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch ships it without annotations
    stream.wait_stream(outer)
    try:
        with torch.cuda.stream(stream):
            yield
    finally:
        outer.wait_stream(stream)
