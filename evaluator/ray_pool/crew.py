"""The crew whose workers are Ray actors, each tied to one node of a cluster. Holds no truth about jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import ray

from ..data.sets import EvaluationData
from ..executor import ExecutorError
from ..pool.crew import Member, Place
from ..worker import Worker
from .actor import MakeWorker, start
from .member import RayMember
from .seats import Claim, Seating
from .session import join_or_start, nodes

log = logging.getLogger(__name__)


class RayCrew:
    """Workers on the nodes of a Ray cluster; see `Crew` for what it guarantees.

    Args:
        claim: What workers are asked for.
        address: A cluster to join, e.g. "10.0.0.1:6379"; see `RayExecutor`.
        worker: Makes what evaluates in each process.
        clock: Seconds, from any origin.
        sleep: Waits for so many seconds, when there is nobody to wait for.

    Raises:
        ExecutorError: Ray cannot be reached; or a number of workers was asked for, and there is room for none, or, in
            a Ray that was started here and will not grow, for fewer.
    """

    def __init__(
        self,
        claim: Claim,
        *,
        address: str | None = None,
        worker: MakeWorker = Worker,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._claim = claim
        self._worker = worker
        self._clock = clock
        self._sleep = sleep
        self._seating = Seating(claim)
        self._images: dict[str, Any] = {}
        self._owns_ray = join_or_start(address)
        try:
            self._refuse_missing(len(self.places()))
        except BaseException:
            self.close()
            raise

    def places(self) -> Sequence[Place]:
        """Where workers may run, by the nodes that Ray says are up; to ask takes a millisecond or so."""
        self._seating.follow(nodes())
        return [seat.place for seat in self._seating.seats.values()]

    def hire(self, place: Place) -> Member:
        """Have Ray start an actor at a place."""
        actor = start(self._seating.seats[place.name], cpus=self._claim.cpus, gpus=self._claim.gpus, make=self._worker)
        return RayMember(actor, self._images, self._clock)

    def wait(self, members: Sequence[Member], timeout_s: float) -> None:
        """Wait for the greeting or the outcome of one of them."""
        pending = [member.pending for member in members if isinstance(member, RayMember) and member.pending is not None]
        if pending:
            ray.wait(pending, num_returns=1, timeout=timeout_s)
        else:
            self._sleep(timeout_s)

    def load(self, data: EvaluationData) -> None:
        """Put images into the object store: each node fetches them once, and its workers read them there."""
        self._images[data.digest] = ray.put(data)

    def unload(self, digest: str) -> None:
        """Drop the last reference to images; workers keep the sets that they used last."""
        self._images.pop(digest, None)

    def close(self) -> None:
        """Forget the images; shut Ray down if it was started here."""
        self._images.clear()
        if self._owns_ray:
            ray.shutdown()

    def _refuse_missing(self, room: int) -> None:
        """Refuse to ask for more than there is: Ray would wait for it for ever, in silence."""
        claim, wanted = self._claim, self._claim.workers
        if wanted is None or room >= wanted:
            return
        message = f"{wanted} workers of {claim.cpus:g} CPU and {claim.gpus:g} GPU: Ray has room for {room} now"
        if self._owns_ray or room == 0:
            raise ExecutorError(
                message,
                retryable=False,
                hint="start fewer workers, give each a smaller share of a CPU or GPU, or join a larger cluster",
            )
        log.warning("fewer workers than asked for: %s", message)
