"""A full training whose controllers are killed, in processes of their own with worker processes: the same model."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest

from evaluator.data.sets import EvaluationData
from evaluator.evaluate import evaluate
from evaluator.executor import Job
from evaluator.finishing import FinishingRecipe, Stretch
from evaluator.outcome import Success
from evaluator.testing import TINY_GENOTYPE, TINY_RECIPE
from nas.preparing import images, spec_of
from nas.records import SearchState, Training, TrainingId, TrainingStatus
from nas.service import utc_now
from nas.settings import read_settings
from nas.store.base import Store
from nas.store.opening import open_store
from nas.testing.builders import (
    make_candidate,
    make_evaluation,
    make_progress,
    make_search,
    make_tiny_spec,
    make_training,
    told,
)

STEPS = 300
STRETCH_S = 0.3
WARM = "weights/warm.safetensors"
SPEC = make_tiny_spec(dataset={"train": "photos", "train_limit": 3, "validation_limit": 1, "validation_crop": 16})
RECIPE = FinishingRecipe.from_json({"name": "quick", "steps": STEPS, "batch": 2, "patch": 8}).for_search(SPEC.recipe)


def live(home: str, photos: str) -> None:
    """What a process does that may be killed."""
    from nas.worker import run_controller  # heavy, and these processes alone need it

    settings = read_settings(
        home=home,
        images_root=photos,
        executor="processes",
        workers=1,
        checkpoint_s=STRETCH_S,
        lease_s=1.0,
        poll_s=0.02,
    )
    run_controller(settings, stop=lambda: False)


class Scene:
    """A home with a training that was asked for, and controllers that live and die.

    Args:
        home: Where everything lies.
        photos: Photographs to train on.
    """

    def __init__(self, home: Path, photos: Path) -> None:
        self.home, self.roots = home, home / "images"
        (self.roots / "photos").mkdir(parents=True)
        for path in sorted(photos.glob("*.png"))[:4]:
            copyfile(path, self.roots / "photos" / path.name)
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload([__name__, "nas.worker"])  # so that each of them begins in a moment
        self.store = open_store(f"sqlite:///{home / 'srnas.sqlite'}")
        self.training_id = self._ask(self.store)

    def _ask(self, store: Store) -> TrainingId:
        """Have a search that has ended, with one candidate, and ask for that one's training."""
        store.add_search(make_search(spec=SPEC, created_at=utc_now()))
        lease = store.claim_search("earlier", at=utc_now(), lease_s=60)
        assert lease is not None
        candidate = make_candidate(genotype=TINY_GENOTYPE)
        evaluation = make_evaluation(candidate, weights=WARM)
        store.record_ask(lease, candidate)
        store.record_tell(lease, told(candidate, evaluation), evaluation, make_progress())
        store.end_search(lease, SearchState.COMPLETED, at=utc_now(), reason="")
        dataset = SPEC.dataset.model_dump()
        return store.add_training(make_training(recipe=RECIPE, dataset=dataset, seed=7, created_at=utc_now())).id

    @property
    def training(self) -> Training:
        return self.store.training(self.training_id)

    @property
    def data(self) -> EvaluationData:
        return images(spec_of(SPEC, self.training), self.roots.joinpath)

    def job(self, stretch: Stretch | None = None) -> Job:
        """A partial training as the search's, or one stretch."""
        return Job(
            genotype=TINY_GENOTYPE,
            recipe=TINY_RECIPE if stretch is None else RECIPE.training,
            scale=2,
            channels=1,
            seed=7,
            data_digest=self.data.digest,
            timeout_s=600,
            stretch=stretch,
        )

    def let_live(self, until: Callable[[], bool], *, then_s: float = 0.0, looked_every_s: float = 0.02) -> None:
        """Run a controller until something holds, and some seconds more; then kill it."""
        process = self._processes.Process(target=live, args=(str(self.home), str(self.roots)))
        process.start()
        while process.is_alive() and not until():
            process.join(timeout=looked_every_s)
        process.join(timeout=then_s)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL


@pytest.mark.slow
def test_a_training_whose_controllers_are_killed_comes_to_the_same_weights(tmp_path: Path, sample_dir: Path) -> None:
    scene = Scene(tmp_path, sample_dir)
    searched = evaluate(scene.job(), scene.data, threads=1)
    assert isinstance(searched, Success)
    (tmp_path / WARM).parent.mkdir()
    (tmp_path / WARM).write_bytes(searched.weights)
    whole = evaluate(scene.job(Stretch(until=STEPS, warm=searched.weights)), scene.data, threads=1)
    assert isinstance(whole, Success)

    state = tmp_path / "trainings" / scene.training_id / "state"
    scene.let_live(state.exists, looked_every_s=0.001)  # a stretch is on disk, its row may not be
    stood = scene.training.step
    scene.let_live(lambda: scene.training.step > stood, then_s=STRETCH_S / 2)  # in the middle of the next
    assert 0 < scene.training.step < STEPS
    scene.let_live(lambda: scene.training.status.ended)

    training = scene.training
    assert training.status is TrainingStatus.COMPLETED
    assert training.weights is not None
    assert (tmp_path / training.weights).read_bytes() == whole.weights
    assert training.final is not None
    assert training.final.psnr_db == whole.scores.psnr_db
    assert len(training.points) > 2
