"""An estimate for a checked spec, by what a store remembers and what an installation has."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ..records import Worker
from ..settings import Settings
from ..spec import SearchSpec
from ..store.base import Store
from .documents import Estimate
from .forecast import Circumstances, Forecast
from .speed import Speed, allows, recorded, speed_of


def estimated(
    spec: SearchSpec, scoring_pixels: float, store: Store, settings: Settings, workers: Sequence[Worker]
) -> Estimate:
    """What a search will take. Reads a bounded part of the store, and writes nothing.

    Args:
        spec: A checked spec.
        scoring_pixels: LR pixels of patches whose training takes as long as scoring a candidate does.
        store: Where earlier searches are.
        settings: How many workers there should be, and where files lie.
        workers: Those that are up.
    """
    fitting = [worker for worker in workers if allows(spec, worker.device)]
    here = Circumstances(
        workers=len(fitting) or settings.worker_count,
        counted=bool(fitting),
        states_bytes=int(settings.states_gib * 2**30),
        free_bytes=free_bytes(settings.home),
    )
    forecast = Forecast(spec, scoring_pixels, here)
    seen = recorded(store)
    speed = speed_of(spec, forecast.mult_adds, seen, {worker.device for worker in fitting})
    return forecast.estimate(speed, _basis(spec, speed, any_seen=bool(seen)))


def free_bytes(folder: Path) -> int | None:
    """Room on the disk on which a folder lies or will lie; None where the system does not say."""
    try:
        return shutil.disk_usage(next(path for path in (folder, *folder.resolve().parents) if path.exists())).free
    except OSError:
        return None


def _basis(spec: SearchSpec, speed: Speed | None, *, any_seen: bool) -> str:
    if speed is not None:
        return f"from {speed.count} trainings recorded here, of networks nearest in size, on {speed.device}"
    where = f"on {spec.recipe.device} " if any_seen else ""
    return f"nothing has been trained {where}here yet: how long it takes is not known"
