"""What a latency is the latency of: the size of the image. A value; the device is whoever measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LatencyTarget:
    """The input that a network is timed on.

    Attributes:
        lr_width: Width of the LR image in pixels.
        lr_height: Its height.
    """

    lr_width: int = 640
    lr_height: int = 360

    def __post_init__(self) -> None:
        if not (8 <= self.lr_width <= 8192 and 8 <= self.lr_height <= 8192):
            raise ValueError(f"a latency target of {self.lr_width} x {self.lr_height}: sides lie in 8..8192")

    def __str__(self) -> str:
        """Its text form, `640x360`."""
        return f"{self.lr_width}x{self.lr_height}"
