"""Advances full trainings: claim, decode, submit a stretch, put where it stands on disk, record, submit the next.

What is on disk is written before it is believed: first the file that says where a training stands, then its row, then
the next stretch. Broken off anywhere, nothing is lost but the stretch that was under way.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog

from evaluator.executor import Completion, ExecutorError
from evaluator.outcome import Failure, Success
from evaluator.training_state import UnfitState
from search_space.errors import InvalidInput

from ..aside import Aside
from ..dispatch import Dispatch
from ..intake import BARREN_CLAIMS, OTHER_IMAGES
from ..leases import Leasing
from ..outage import Outage
from ..preparing import PrepareImages, spec_of
from ..records import Training, TrainingStatus
from ..run import Work
from ..store.base import LeaseLost, NotFound, Store, StoreError
from .aftermath import Aftermath
from .files import TrainingFiles, steps_of
from .held import Held, Planned, Ready, Subject
from .planning import Planning
from .stretches import advanced, failed, set_back

logger = structlog.get_logger(__name__)

BARREN = f"{BARREN_CLAIMS} controllers in a row were gone before a stretch of it was safe: it may have ended them"


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What full trainings need besides a store and workers.

    Attributes:
        files: Where they stand, what they came to, and whom they learn from.
        prepare: Decodes the images of a spec.
        checkpoint_s: Seconds of training after which one is safe on disk.
    """

    files: TrainingFiles
    prepare: PrepareImages
    checkpoint_s: float


class Finishing:
    """The full trainings that one controller has claimed.

    Args:
        store: Where trainings are.
        dispatch: Hands their stretches to workers.
        equipment: What else they need.
        leasing: How they are held; none is claimed by a controller of one search.
        loader: Decodes images beside the controller's other duties.
        outage: Whether the store was away: what has lapsed meanwhile is still others'.
        clock: UTC now.
    """

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        equipment: Equipment,
        *,
        leasing: Leasing,
        loader: concurrent.futures.Executor,
        outage: Outage,
        clock: Callable[[], datetime],
    ) -> None:
        self._store, self._dispatch, self._leasing = store, dispatch, leasing
        self._files, self._prepare = equipment.files, equipment.prepare
        self._loader, self._outage, self._clock = loader, outage, clock
        self._planning = Planning(store, equipment.files, equipment.checkpoint_s)
        self._aftermath = Aftermath(store, equipment.files, clock)
        self._swept = False
        self._held: list[Held] = []

    # -- trainings come --------------------------------------------------------------------------------------------

    def step(self, places: int) -> None:
        """Keep the leases, take what is there for so many workers, and make it ready; `StoreUnavailable`."""
        if self._leasing.only is not None:
            return
        if not self._swept:
            self._aftermath.sweep()
            self._swept = True
        for held in list(self._held):
            with self._contained(held, "its lease cannot be renewed"):
                self._renew(held, left=2 / 3)
        if len(self._held) < places and not self._outage.others_pause:
            self._claim()
        for held in list(self._held):
            with self._contained(held, "its images cannot be used"):
                self._make_ready(held)

    def _claim(self) -> None:
        claimed = self._store.claim_training(self._leasing.owner, at=self._clock(), lease_s=self._leasing.lease_s)
        if claimed is None:
            return
        lease, training = claimed
        logger.info("training claimed", training=training.id, token=lease.token, step=training.step)
        held = Held(lease=lease, training=training, coming=Aside(self._loader, partial(self._look_up, training)))
        self._held.append(held)

    def _look_up(self, training: Training) -> Subject:
        """What a training is about; on another thread."""
        spec = self._store.search(training.search_id).spec
        data = self._prepare(spec_of(spec, training))
        return Subject(candidate=self._store.candidate(training.candidate_id), spec=spec, data=data)

    def _make_ready(self, held: Held) -> None:
        """Take in what a training is about, and have the workers read its images, once all that is there."""
        if held.coming is None:
            return
        if held.training.claims > BARREN_CLAIMS:
            self._fail(held, BARREN)
            return
        subject = held.coming.result()
        if subject is None:
            return
        digest = subject.data.digest
        if held.training.data_digest not in (None, digest):
            self._fail(held, OTHER_IMAGES)
            return
        self._dispatch.load(held.id, subject.data)
        held.training = replace(held.training, data_digest=digest)
        held.ready = Ready(candidate=subject.candidate, spec=subject.spec, data_digest=digest)
        held.coming = None

    # -- work ------------------------------------------------------------------------------------------------------

    def fill(self, places: int) -> None:
        """Hand free workers to the trainings that wait for one, so many at most; `StoreUnavailable`."""
        for held in list(self._held):
            if self._dispatch.full or sum(other.ticket is not None for other in self._held) >= places:
                return
            if held.ready is not None and held.ticket is None:
                with self._contained(held, "its next stretch cannot be started"):
                    self._submit(held, held.ready)

    def _submit(self, held: Held, ready: Ready) -> None:
        """Have the next stretch trained."""
        planned = self._planning.next(held.training, ready, self._dispatch.devices)
        self._believe(held, planned.standing)
        work = Work(candidate=ready.candidate, job=planned.job)
        held.planned, held.ticket = planned, self._dispatch.submit_stretch(held.id, work)
        logger.info("stretch submitted", step=held.training.step, until=planned.until, ticket=held.ticket)

    def _believe(self, held: Held, standing: Training) -> None:
        """Take in where the file says that a training stands: the row may be older, or tell of what is lost."""
        row = held.training.step
        if standing.step != row:
            logger.warning("training stands elsewhere", row=row, file=standing.step)
        if standing.step < row:
            standing = set_back(held.training, standing.step, self._leasing.owner)
            self._keep(held, standing)
        held.training = standing

    # -- recording -------------------------------------------------------------------------------------------------

    def record(self) -> None:
        """Record the stretches that have come back; `StoreUnavailable`, after which it may be called again."""
        for held in list(self._held):
            if held.ticket is not None and held.completion is None:
                held.completion = self._dispatch.take_stretch(held.ticket)
            if held.completion is not None and held.planned is not None:
                with self._contained(held, "its stretch cannot be recorded"):
                    self._record_one(held, held.planned, held.completion)
        self._aftermath.step()

    def _record_one(self, held: Held, planned: Planned, completion: Completion) -> None:
        self._renew(held, left=0.0)  # whoever slept through the loss of a lease writes no file
        outcome = completion.outcome
        if isinstance(outcome, Success):
            self._record_success(held, planned, advanced(held.training, completion, outcome, planned.until), outcome)
        elif _is_unfit(outcome):
            logger.warning("training begins anew", reason=outcome.message)
            self._files.drop_state(held.id)
            self._keep(held, set_back(held.training, 0, completion.worker, outcome.message))
            self._settle(held)
        else:
            self._end(held, failed(held.training, completion, outcome))

    def _record_success(self, held: Held, planned: Planned, reached: Training, outcome: Success) -> None:
        if reached.step >= reached.steps:
            weights = self._files.keep_model(held.id, outcome.weights)
            self._files.mark(held.id)  # by which whoever comes next sees that something is left, if we are gone
            self._end(held, replace(reached, status=TrainingStatus.COMPLETED, weights=weights))
            return
        if steps_of(outcome.state, planned.lineage) != planned.until:  # no good one is written over
            raise ValueError(f"the stretch up to step {planned.until} left no state to go on from")
        self._files.keep_state(held.id, outcome.state)
        self._keep(held, reached)
        logger.info("stretch recorded", step=reached.step, psnr_db=outcome.scores.psnr_db)
        self._settle(held)

    def _settle(self, held: Held) -> None:
        """A stretch was recorded: the training waits for a worker again, behind the others."""
        held.planned = held.ticket = held.completion = None
        self._held.remove(held)
        self._held.append(held)

    def _keep(self, held: Held, training: Training) -> None:
        """Write how far a training is, and extend the lease; `LeaseLost`, `NotFound`."""
        lease_s = self._leasing.lease_s
        held.lease = self._store.keep_training(held.lease, training, at=self._clock(), lease_s=lease_s)
        held.training = training

    def _renew(self, held: Held, left: float) -> None:
        """Extend a lease of which no more than some share is left."""
        left_s = (held.lease.expires_at - self._clock()).total_seconds()
        if left_s <= left * self._leasing.lease_s:
            self._keep(held, held.training)

    # -- trainings go ----------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Record what has come back, and queue every training again; `StoreUnavailable`."""
        self.record()
        for held in list(self._held):
            self._store.release_training(held.lease)
            self._forget(held)

    def _fail(self, held: Held, reason: str) -> None:
        self._end(held, replace(held.training, status=TrainingStatus.FAILED, reason=reason))

    def _end(self, held: Held, ended: Training) -> None:
        """Write that a training has ended, and let go of it."""
        try:
            self._keep(held, ended)
        except (LeaseLost, NotFound):
            self._lost(held)
            return
        logger.info("training ended", training=held.id, status=str(ended.status), reason=ended.reason)
        self._forget(held)
        self._aftermath.add(ended)

    def _lost(self, held: Held) -> None:
        """Let go of a training that is somebody else's now, or was ended: by a person, or by us without our knowing."""
        logger.warning("lease lost", training=held.id)
        self._forget(held)
        with suppress(StoreError):
            stored = self._store.training(held.id)
            if stored.status.ended:
                self._aftermath.add(stored)

    def _forget(self, held: Held) -> None:
        if held.ticket is not None:
            self._dispatch.drop_stretch(held.ticket)
        self._dispatch.unload(held.id)
        self._held.remove(held)

    @contextmanager
    def _contained(self, held: Held, what: str) -> Iterator[None]:
        """Act for one training: whatever trouble it has of its own ends it alone; those of all are raised."""
        try:
            with structlog.contextvars.bound_contextvars(training=held.id):
                yield
        except (LeaseLost, NotFound):
            self._lost(held)
        except (StoreError, ExecutorError):
            raise
        except Exception as error:
            known = isinstance(error, InvalidInput | OSError)
            logger.error("training failed", training=held.id, reason=str(error), exc_info=not known)
            self._fail(held, f"{what}: {error}" if known else f"{what}: {error!r}")


def _is_unfit(outcome: Failure) -> bool:
    """Whether a stretch failed by the state that it was to go on from, and so would succeed without it."""
    return outcome.kind == "error" and outcome.message.startswith(f"{UnfitState.__name__}:")
