"""Errands carried out one after the other: each picture read, enlarged, written and told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from search_space.errors import InvalidInput

from ..onnx_models import Upscaler
from .enlarging import bicubic, tile_count, upscale
from .errands import Errand, Plan, require_savable, save
from .pictures import open_picture, side_by_side, size_of

Step = Callable[[str, int], None]
"""``step(text, total)`` is called after each tile; ``total`` is how many calls there will be."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A picture that was written.

    Attributes:
        errand: Which.
        width: Of the result, in pixels.
        height: Likewise.
        tiles: Parts that it was computed in.
        seconds: For reading, computing and writing.
        notes: What was lost, for a person.
    """

    errand: Errand
    width: int
    height: int
    tiles: int
    seconds: float
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        notes = "".join(f"; {note}" for note in self.notes)
        return f"{self.errand.target} ({self.width} x {self.height}, {self.seconds:.1f} s{notes})"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        files = {"image": str(self.errand.source), "output": str(self.errand.target)}
        figures = {"width": self.width, "height": self.height, "tiles": self.tiles, "seconds": round(self.seconds, 3)}
        return files | figures | {"notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file that nothing was made of.

    Attributes:
        source: Which.
        reason: Why not.
    """

    source: Path
    reason: str

    def __str__(self) -> str:
        return f"skipped {self.source}: {self.reason}"

    def to_json(self) -> dict[str, str]:
        """As JSON values."""
        return {"image": str(self.source), "reason": self.reason}


def go(
    upscaler: Upscaler,
    plan: Plan,
    *,
    clock: Callable[[], float],
    step: Step,
    tile_px: int | None = None,
    compared_as: str | None = None,
) -> Iterator[Done | Skipped]:
    """Carry out a plan, telling of each file when it is done.

    Args:
        upscaler: The network.
        plan: What is to be done.
        clock: Seconds that only grow.
        step: Told of each tile.
        tile_px: Side of a tile; see `upscale`.
        compared_as: Put bicubic beside each result, and this label over it.

    Raises:
        InvalidInput: A picture that was named cannot be read, which is found before anything is written where its
            header shows it, or cannot be enlarged.
        OSError: A file cannot be written.
    """
    yield from (Skipped(source=path, reason="no picture") for path in plan.others)
    yield from (Skipped(source=errand.source, reason=f"{errand.target} is there already") for errand in plan.kept)
    counts: dict[Errand, int] = {}
    for errand in plan.errands:
        try:
            counts[errand] = tile_count(upscaler, *size_of(errand.source), tile_px)
        except InvalidInput as error:
            yield _skipped(errand, error)
    total = sum(counts.values())
    for errand, count in counts.items():
        begun = clock()
        try:
            picture = open_picture(errand.source)
            if compared_as is None:
                require_savable(picture.image, errand.target)
            told = partial(step, errand.source.name, total)
            result = upscale(upscaler, picture.image, tile_px=tile_px, step=told)
        except InvalidInput as error:
            yield _skipped(errand, error)
            continue
        width, height = result.size
        if compared_as is not None:
            smooth = bicubic(picture.image, upscaler.scale)
            result = side_by_side([("bicubic", smooth), (compared_as, result)])
        save(result, errand.target)
        yield Done(errand=errand, width=width, height=height, tiles=count, seconds=clock() - begun, notes=picture.notes)


def _skipped(errand: Errand, error: InvalidInput) -> Skipped:
    """What a folder's file comes to that cannot be used; one that was named is the caller's mistake."""
    if errand.named:
        raise error
    return Skipped(source=errand.source, reason=error.problems[0].allowed)
