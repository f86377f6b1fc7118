"""The losses of a training: on their way from the device, judged in tens, and summed up as a curve."""

from __future__ import annotations

import math
from array import array
from collections import deque
from itertools import pairwise

import torch
from torch import Tensor

from .recipe import Recipe

CHECK_EVERY = 10
WORST_LOSS = 1.0
CURVE_POINTS = 20


class Diverged(Exception):
    """The loss left every bound; the message says where."""


class Transfer:
    """Values on their way to the host, which does not wait for them until it asks.

    Args:
        values: (n,), on any device.
    """

    def __init__(self, values: Tensor) -> None:
        self._arrived = None
        self._host = values
        if values.is_cuda:
            self._host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._host.copy_(values, non_blocking=True)
            self._arrived = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            self._arrived.record()

    def values(self) -> list[float]:
        """Wait until they are there."""
        if self._arrived is not None:
            self._arrived.synchronize()
        values: list[float] = self._host.tolist()
        return values


class Losses:
    """The loss of each step, judged ten at a time.

    Training has diverged when the mean loss of ten steps is not finite, or when, later than twenty steps after the
    warm-up, it is above 1: images lie in [0, 1], so no image at all is worse.

    Args:
        recipe: Says how long the warm-up is, and when training ends.
        late: Whether ten losses are only judged at the check after their own, or at the end, so that a GPU never
            waits for the host's judgement; it may then take ten steps more than the judgement allows.

    Attributes:
        latest: Mean of the last losses that were judged; None before.
    """

    def __init__(self, recipe: Recipe, *, late: bool = False) -> None:
        self.latest: float | None = None
        self._recipe = recipe
        self._late = late
        self._pending: list[Tensor] = []
        self._on_the_way: deque[Transfer] = deque()
        self._on_host = array("d")
        self._judged = 0

    def add(self, loss: Tensor) -> None:
        """Take in the loss of one step, a scalar on any device."""
        self._pending.append(loss)

    def check(self) -> None:
        """Judge what is due of the losses since the last check, in full tens.

        Raises:
            Diverged: They left their bounds.
        """
        self._send()
        self._land(leave=1 if self._late else 0)
        while len(self._on_host) - self._judged >= CHECK_EVERY:
            self._judge(self._on_host[self._judged : self._judged + CHECK_EVERY])

    def finish(self) -> None:
        """Judge all that is left, after the last step that is taken.

        Before the recipe's end a ten that is not full is left to whoever goes on from here.

        Raises:
            Diverged: They left their bounds.
        """
        self._send()
        self._land()
        ended = len(self._on_host) >= self._recipe.steps
        while (left := len(self._on_host) - self._judged) >= CHECK_EVERY or (ended and left):
            self._judge(self._on_host[self._judged : self._judged + CHECK_EVERY])

    def so_far(self) -> Tensor:
        """Every loss, judged or not: (steps,) in float32, on the host."""
        self._send()
        self._land()
        return torch.tensor(self._on_host.tolist(), dtype=torch.float32)

    def resume(self, losses: Tensor) -> None:
        """Go on from `so_far`; those since the last tenth step are judged together with those that follow."""
        self._on_host = array("d", losses.tolist())
        self._judged = len(losses) - len(losses) % CHECK_EVERY

    def curve(self, since: int = 0) -> tuple[tuple[int, float], ...]:
        """Average the losses of the steps after the first so many, all on the host, into evenly spaced points."""
        losses = self._on_host
        count = len(losses) - since
        points = min(CURVE_POINTS, count)
        ends = [since + count * (point + 1) // points for point in range(points)]
        return tuple((end, sum(losses[start:end]) / (end - start)) for start, end in pairwise([since, *ends]))

    def _judge(self, losses: array[float]) -> None:
        self._judged += len(losses)
        step, recipe = self._judged, self._recipe
        self.latest = sum(losses) / len(losses)
        started = step > recipe.warmup_steps + 2 * CHECK_EVERY or step == recipe.steps
        if not math.isfinite(self.latest) or (started and self.latest > WORST_LOSS):
            raise Diverged(f"the mean loss up to step {step} of {recipe.steps} is {self.latest:g}")

    def _send(self) -> None:
        """Let what is pending set out for the host."""
        if self._pending:
            self._on_the_way.append(Transfer(torch.stack(self._pending)))
            self._pending.clear()

    def _land(self, leave: int = 0) -> None:
        """Take in what set out, but for the newest so many."""
        while len(self._on_the_way) > leave:
            self._on_host.extend(self._on_the_way.popleft().values())
