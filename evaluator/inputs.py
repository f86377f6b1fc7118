"""What the host tells the device before a step: a handful of random numbers and the learning rate."""

from __future__ import annotations

import torch
from torch import Tensor

RING = 32
"""Steps that a host may be ahead of its GPU."""


class StepInputs:
    """One small vector on a device that is refilled before each step and never moves.

    To a GPU it goes from a ring of page-locked vectors without waiting for the copy. A vector of the ring is only
    written again when the step that read it last has copied it, so a host is at most `RING` steps ahead.

    Args:
        batch: Patches in a step, N.
        device: Where the step runs.

    Attributes:
        uniform: 4 x N in float64 on [0, 1), on the device: what `ResidentImages.cut` reads.
        learning_rate: A float64 scalar on the device.
    """

    def __init__(self, batch: int, device: torch.device) -> None:
        self._vector = torch.zeros(4 * batch + 1, dtype=torch.float64, device=device)
        self.uniform = self._vector[:-1].view(4, batch)
        self.learning_rate = self._vector[-1]
        self._ring: list[Tensor] = []
        self._copied: list[torch.cuda.Event] = []
        if device.type == "cuda":
            shape = (RING, len(self._vector))
            self._ring = list(torch.zeros(shape, dtype=torch.float64, pin_memory=True).unbind())
            # A thread that spun while it waits would take a core from the other trainings of the machine.
            self._copied = [torch.cuda.Event(blocking=True) for _ in range(RING)]  # type: ignore[no-untyped-call]
        self._fills = 0

    def fill(self, generator: torch.Generator, learning_rate: float) -> None:
        """Draw the next step's numbers and send them, with its learning rate, in the current stream.

        Args:
            generator: On the CPU; advanced by 4 x N numbers, as by `ResidentImages.sample`.
            learning_rate: Of the step.
        """
        if not self._ring:
            self._write(self._vector, generator, learning_rate)
            return
        slot = self._fills % RING
        self._copied[slot].synchronize()
        self._write(self._ring[slot], generator, learning_rate)
        self._vector.copy_(self._ring[slot], non_blocking=True)
        self._copied[slot].record()
        self._fills += 1

    def _write(self, vector: Tensor, generator: torch.Generator, learning_rate: float) -> None:
        torch.rand((4, len(self.uniform[0])), generator=generator, out=vector[:-1].view(4, -1))
        vector[-1] = learning_rate
