"""Full trainings that a controller advances: what is lost when anything breaks off, and what is never wrong."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator import checkpoints, executor, testing
from evaluator.data.sets import EvaluationData
from evaluator.executor import Completion, Job, Setback, Ticket
from evaluator.finishing import DISTILLED_TIMES, FINISHING_RECIPES, Distillation
from evaluator.metadata import Metadata
from evaluator.outcome import Failure, Outcome, Success
from evaluator.recipe import RECIPES
from evaluator.testing import ScriptedExecutor, synthetic, tiny_data, tiny_job
from nas.controller import Controller
from nas.finishing import Equipment, TrainingFiles
from nas.finishing.stretches import MOST_POINTS, advanced, guessed_step_s, standing_at, step_s_of, stop_after, stretch_s
from nas.intake import BARREN_CLAIMS
from nas.leases import Leasing
from nas.records import Search, SearchId, SearchState, Training, TrainingId, TrainingStatus
from nas.store.base import StoreUnavailable
from nas.store.memory import MemoryStore
from nas.testing.builders import (
    START,
    make_candidate,
    make_evaluation,
    make_genotype,
    make_progress,
    make_search,
    make_tiny_spec,
    make_training,
    make_training_point,
    told,
)
from nas.testing.controllers import Held, equipment, make_controller, stretched
from nas.testing.flaky import Fate, FlakyStore

STEPS = 130
STOPS = [50, 80, 110, 130]
"""Where stretches end: the first after 50 steps, for nothing is known; then every 30 s at a step a second."""

WEIGHTS = b"what the search had trained"
LEASE_S = 30.0


class Workers(ScriptedExecutor):
    """Workers that note their stretches, as (start, stop) of steps; they may be told to finish nothing."""

    def __init__(self, capacity: int = 1) -> None:
        super().__init__(self.train, capacity=capacity)
        self.jobs: list[Job] = []
        self.taken: list[int] = []
        self.images: set[str] = set()
        self.stuck = False
        self.outcome: Outcome | None = None

    def train(self, job: Job) -> Outcome:
        if job.stretch is not None:
            self.jobs.append(job)
        outcome = self.outcome or stretched(job)
        if job.stretch is not None:
            self.taken.append(outcome.steps)
        return outcome

    @property
    def stops(self) -> list[int]:
        return [job.stretch.until for job in self.jobs if job.stretch is not None]

    def load(self, data: EvaluationData) -> None:
        super().load(data)
        self.images.add(data.digest)

    def unload(self, digest: str) -> None:
        super().unload(digest)
        self.images.discard(digest)

    def completed(self, timeout_s: float) -> list[Completion]:
        return [] if self.stuck else super().completed(timeout_s)

    @property
    def in_flight(self) -> int:
        return len(self._jobs)


class Lab:
    """A store with a search that has ended, its home, a clock that a test moves, and controllers."""

    def __init__(self, home: Path) -> None:
        self.home, self.store, self.now = home, MemoryStore(), START + timedelta(days=1)
        self.files, self.workers = TrainingFiles(home, home / "models"), Workers()
        self.store.add_search(make_search())
        lease = self.store.claim_search("earlier", at=START, lease_s=60)
        assert lease is not None
        for ordinal in range(4):
            candidate = make_candidate(ordinal=ordinal)
            evaluation = make_evaluation(candidate, weights="weights/a.safetensors")
            self.store.record_ask(lease, candidate)
            self.store.record_tell(lease, told(candidate, evaluation, ordinal), evaluation, make_progress())
        self.store.end_search(lease, SearchState.COMPLETED, at=START, reason="")
        (home / "weights").mkdir(parents=True)
        (home / "weights/a.safetensors").write_bytes(WEIGHTS)

    def clock(self) -> Any:
        return self.now

    def ask(self, name: str = "t0", ordinal: int = 0, **fields: Any) -> TrainingId:
        plain = FINISHING_RECIPES["quick"]
        recipe = fields.pop("recipe", replace(plain, training=replace(plain.training, steps=STEPS)))
        training = make_training(name, f"00000001-{ordinal}", recipe=recipe, **{"digest": name, **fields})
        return self.store.add_training(training).id

    def equipment(self, **parts: Any) -> Equipment:
        return equipment(self.home, **{"checkpoint_s": 30.0, **parts})

    def controller(
        self, store: Any = None, *, owner: str = "ours", only: SearchId | None = None, **parts: Any
    ) -> Controller:
        made = {"executor": self.workers, "finishing": self.equipment(), "clock": self.clock}
        leasing = Leasing(owner=owner, lease_s=LEASE_S, max_active=4, only=only)
        return make_controller(store or self.store, leasing=leasing, **made | parts)

    def step(self, *controllers: Controller, times: int = 1, seconds: float = 1.0) -> None:
        for _ in range(times):
            for controller in controllers:
                controller.step()
            self.now += timedelta(seconds=seconds)

    def run(self, controller: Controller, *names: str, seconds: float = 1.0) -> None:
        for _ in range(800):
            self.step(controller, seconds=seconds)
            if all(self.training(name).status.ended for name in names or ("t0",)):
                return
        pytest.fail("not ended")

    def training(self, name: str = "t0") -> Training:
        return self.store.training(TrainingId(name))

    def model(self, name: str = "t0") -> bytes:
        return (self.home / f"trainings/{name}/model.safetensors").read_bytes()

    def state(self, name: str = "t0") -> Path:
        return self.home / f"trainings/{name}/state"

    @property
    def asked_for(self) -> list[tuple[str, str | None]]:
        found = (self.store.artifacts(make_candidate(ordinal=ordinal).id) for ordinal in range(4))
        return [(artifact.format, artifact.training_id) for artifacts in found for artifact in artifacts]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


@cache
def undisturbed(home: Path) -> Lab:
    lab = Lab(home / "undisturbed")
    lab.ask()
    lab.run(lab.controller())
    return lab


def reached(training: Training) -> tuple[Any, ...]:
    """What does not depend on when it was reached, nor on what broke off."""
    points = [(point.step, point.psnr_db, point.loss) for point in training.points]
    return training.status, training.step, points, training.train_s, training.weights


# -- undisturbed -------------------------------------------------------------------------------------------------------


def test_a_training_is_advanced_stretch_by_stretch_to_its_end(lab: Lab) -> None:
    lab.ask()
    lab.run(lab.controller())
    training = lab.training()
    assert training.status is TrainingStatus.COMPLETED
    assert (training.step, training.train_s, training.weights) == (STEPS, STEPS, "trainings/t0/model.safetensors")
    assert [point.step for point in training.points] == lab.workers.stops == STOPS
    assert lab.workers.taken == [50, 30, 30, 20]
    assert [point.train_s for point in training.points] == STOPS
    assert (training.device, training.data_digest) == ("cpu (synthetic)", tiny_data().digest)
    assert training.final is not None
    assert training.final.psnr_db > training.points[0].psnr_db
    assert lab.model().startswith(b"weights 130 ")


def test_a_finished_model_is_benchmarked_and_exported_unasked_and_its_state_is_dropped(lab: Lab) -> None:
    lab.ask()
    lab.run(lab.controller())
    assert sorted(lab.asked_for) == [("benchmark", "t0"), ("onnx", "t0")]
    assert not lab.state().exists()
    assert lab.workers.images == set()


@pytest.mark.parametrize("steps", [20, STEPS])
def test_a_model_whose_controller_is_killed_at_its_last_stretch_is_benchmarked_and_exported_all_the_same(
    lab: Lab, steps: int
) -> None:
    plain = FINISHING_RECIPES["quick"]
    lab.ask(recipe=replace(plain, training=replace(plain.training, steps=steps)))
    killed = FlakyStore(lab.store, ["before"] * 9, verbs=("add_artifact",))
    lab.run(lab.controller(killed))
    assert lab.asked_for == []
    lab.step(lab.controller(owner="theirs"))
    assert sorted(lab.asked_for) == [("benchmark", "t0"), ("onnx", "t0")]
    assert not lab.state().exists()


def test_every_stretch_begins_with_the_weights_of_the_search_and_goes_on_from_the_one_before(lab: Lab) -> None:
    lab.ask()
    lab.run(lab.controller())
    first, *others = lab.workers.jobs
    assert first.stretch is not None
    assert (first.stretch.warm, first.start, first.scale) == (WEIGHTS, b"", 2)
    assert len({job.lineage for job in lab.workers.jobs}) == 1
    assert all(job.start for job in others)


def test_a_controller_of_one_search_takes_no_training(lab: Lab) -> None:
    lab.ask()
    lab.step(lab.controller(only=SearchId("00000001")), times=5)
    assert lab.training().status is TrainingStatus.QUEUED


def test_workers_show_the_training_that_they_are_at(lab: Lab) -> None:
    lab.ask()
    lab.workers.stuck = True
    lab.step(lab.controller(), times=3)
    (worker,) = lab.store.workers(at=lab.now, lease_s=LEASE_S)
    assert (worker.training_id, worker.candidate_id, worker.ordinal) == ("t0", "00000001-0", 0)
    assert worker.progress is not None


# -- whatever breaks off -----------------------------------------------------------------------------------------------

FATES: st.SearchStrategy[list[Fate]] = st.lists(st.sampled_from(["ok", "ok", "ok", "before", "after"]), max_size=80)


@given(FATES, st.sampled_from([0.5, 4.0, 40.0]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_call_the_store_does_not_answer_no_step_is_lost_or_taken_twice(
    tmp_path_factory: pytest.TempPathFactory, fates: list[Fate], seconds: float
) -> None:
    whole, lab = undisturbed(tmp_path_factory.getbasetemp()), Lab(tmp_path_factory.mktemp("lab"))
    lab.ask()
    controller = lab.controller(FlakyStore(lab.store, fates))
    lab.run(controller, seconds=seconds)
    lab.step(controller, times=5, seconds=60)
    assert reached(lab.training()) == reached(whole.training())
    assert lab.model() == whole.model()
    assert lab.workers.taken == [50, 30, 30, 20]
    assert sorted(lab.asked_for) == [("benchmark", "t0"), ("onnx", "t0")]
    assert not lab.state().exists()


@given(st.lists(st.integers(0, 40), max_size=6), FATES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_controllers_that_are_killed_at_any_call_lose_a_stretch_each_at_most(
    tmp_path_factory: pytest.TempPathFactory, lives: list[int], fates: list[Fate]
) -> None:
    whole, lab = undisturbed(tmp_path_factory.getbasetemp()), Lab(tmp_path_factory.mktemp("lab"))
    lab.ask()
    for number, calls in enumerate(lives):
        lab.workers = Workers()  # the jobs of those before died with their controller
        mortal = FlakyStore(lab.store, [*["ok"] * calls, fates[number] if number < len(fates) else "before"])
        controller = lab.controller(mortal, owner=f"controller {number}")
        for _ in range(60):
            lab.step(controller)
            if mortal.failed:
                break
        lab.now += timedelta(seconds=LEASE_S)
    if not lab.training().status.ended:
        lab.workers = Workers()
        lab.run(lab.controller(owner="the last"))
    lab.step(lab.controller(owner="who tidies up"), times=2)
    training = lab.training()
    assert (training.status, training.step) == (TrainingStatus.COMPLETED, STEPS)
    assert training.final is not None
    assert training.final.psnr_db == whole.training().points[-1].psnr_db
    assert lab.model() == whole.model()
    assert not lab.state().exists()


def test_the_file_is_written_before_the_row_and_believed_before_it(lab: Lab) -> None:
    lab.ask()
    first = lab.controller(FlakyStore(lab.store, ["before"], verbs=("keep_training",)))
    lab.step(first)
    assert (lab.training().step, lab.state().exists()) == (0, True)
    lab.now += timedelta(seconds=LEASE_S)
    lab.run(lab.controller(owner="theirs"))
    assert lab.workers.taken[:2] == [50, 50]  # and nothing of the first stretch again
    assert [point.step for point in lab.training().points] == [100, STEPS]


def test_a_state_that_is_gone_takes_the_row_back_and_the_training_begins_anew(lab: Lab, tmp_path: Path) -> None:
    lab.ask()
    first = lab.controller()
    lab.step(first)
    assert lab.training().step == 50
    first.close()
    lab.state().unlink()
    controller = lab.controller(owner="theirs")
    lab.workers.stuck = True
    lab.step(controller, times=2)
    assert (lab.training().step, lab.training().points, lab.training().train_s) == (0, (), 0.0)
    (setback,) = lab.training().setbacks
    assert (setback.cause, setback.worker) == ("set_back", "theirs")
    assert setback.message.startswith("50 of 50 steps are taken again: the file of where it stood is gone")
    lab.workers.stuck = False
    lab.run(controller)
    assert reached(lab.training()) == reached(undisturbed(tmp_path).training())


@pytest.mark.parametrize(
    "document", [b"", b"nonsense", checkpoints.pack({}, json.dumps({"steps": 50, "lineage": "x"}))]
)
def test_a_state_that_is_not_one_of_this_training_is_not_gone_on_from(
    lab: Lab, tmp_path: Path, document: bytes
) -> None:
    lab.ask()
    first = lab.controller()
    lab.step(first)
    first.close()
    lab.state().write_bytes(document)
    lab.run(lab.controller(owner="theirs"))
    assert reached(lab.training()) == reached(undisturbed(tmp_path).training())


def test_a_state_that_its_worker_finds_damaged_is_dropped_and_the_training_begins_anew(
    lab: Lab, tmp_path: Path
) -> None:
    lab.ask()
    controller = lab.controller()
    lab.step(controller)
    lab.workers.outcome = Failure(kind="error", message="UnfitState: its values were changed")
    while lab.training().step:
        lab.step(controller)
    lab.workers.outcome = None
    (setback,) = lab.training().setbacks
    assert setback.message == "50 of 50 steps are taken again: UnfitState: its values were changed"
    lab.run(controller)
    assert reached(lab.training()) == reached(undisturbed(tmp_path).training())


def test_a_training_that_another_version_of_the_code_has_begun_begins_anew_and_says_so(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.ask()
    with monkeypatch.context() as older:
        for module in (executor, testing):
            older.setattr(module, "code_digest", lambda: "older")
        first = lab.controller()
        lab.step(first)
        first.close()
    assert (lab.training().step, lab.training().code_digest) == (50, "older")
    lab.run(lab.controller(owner="theirs"))
    (setback,) = lab.training().setbacks
    assert setback.message == "50 of 50 steps are taken again: another version of the code took them"
    assert reached(lab.training()) == reached(undisturbed(tmp_path).training())


def test_a_stretch_that_leaves_no_state_is_no_progress(lab: Lab) -> None:
    lab.ask()
    controller = lab.controller()
    lab.step(controller)
    done = stretched(lab.workers.jobs[0])
    assert isinstance(done, Success)
    lab.workers.outcome = replace(done, state=b"nonsense")
    lab.run(controller)
    assert lab.training().status is TrainingStatus.FAILED
    assert "left no state" in lab.training().reason


def test_a_full_disk_is_waited_for(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.ask()
    controller = lab.controller()
    write = checkpoints.write

    def full(path: Path, document: bytes) -> None:
        raise OSError(errno.ENOSPC, f"no room for {len(document)} bytes", str(path))

    monkeypatch.setattr(checkpoints, "write", full)
    lab.step(controller, times=20)
    assert (lab.training().step, lab.workers.taken) == (0, [50])
    monkeypatch.setattr(checkpoints, "write", write)
    lab.run(controller)
    assert lab.workers.taken == [50, 30, 30, 20]


def test_a_disk_that_cannot_be_reached_is_not_a_state_that_is_gone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> bytes:
        raise OSError(errno.EIO, "input/output error")

    lab.files.keep_state(TrainingId("t0"), b"state")
    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        lab.files.state(TrainingId("t0"), "lineage")


# -- who holds a training ----------------------------------------------------------------------------------------------


def test_a_controller_that_was_taken_over_cancels_its_stretch_and_leaves_every_file_as_it_is(lab: Lab) -> None:
    lab.ask()
    ours, theirs = Workers(), Workers()
    first = lab.controller(executor=ours)
    lab.step(first)
    ours.stuck = True
    lab.step(first)
    assert ours.in_flight == 1
    lab.now += timedelta(seconds=LEASE_S)
    second = lab.controller(owner="theirs", executor=theirs)
    lab.step(second, times=2)
    stands = lab.state().read_bytes()
    ours.stuck = False
    lab.step(first)
    assert (ours.in_flight, ours.images) == (0, set())
    assert lab.state().read_bytes() == stands
    lab.run(second)
    assert lab.training().status is TrainingStatus.COMPLETED


def test_a_controller_that_slept_writes_nothing_of_what_came_back_meanwhile(lab: Lab) -> None:
    lab.ask()
    ours, theirs = Workers(), Workers()
    first = lab.controller(executor=ours)
    lab.step(first)
    second = lab.controller(owner="theirs", executor=theirs)

    def sleeps(timeout_s: float) -> list[Completion]:
        lab.now += timedelta(seconds=LEASE_S)
        lab.step(second, times=2)
        return ScriptedExecutor.completed(ours, timeout_s)

    ours.completed = sleeps  # type: ignore[method-assign]
    lab.step(first)
    written = lab.state().read_bytes()
    assert lab.training().step == json.loads(checkpoints.unpack(written)[1])["steps"] == 110
    lab.run(second)
    assert lab.training().status is TrainingStatus.COMPLETED


def test_a_lease_is_kept_while_a_stretch_takes_its_time(lab: Lab) -> None:
    lab.ask()
    lab.workers.stuck = True
    controller, rival = lab.controller(), lab.controller(owner="rival", executor=Workers())
    for _ in range(20):
        lab.step(controller, rival, seconds=LEASE_S / 3)
    lab.workers.stuck = False
    lab.run(controller)
    assert lab.workers.taken == [50, 30, 30, 20]


def test_a_training_that_is_cancelled_frees_its_worker_and_leaves_no_state(lab: Lab) -> None:
    lab.ask()
    controller = lab.controller()
    lab.step(controller)
    lab.workers.stuck = True
    lab.step(controller)
    lab.store.cancel_training(TrainingId("t0"), at=lab.now, by="anna")
    lab.step(controller, times=2, seconds=LEASE_S / 2)
    assert (lab.workers.in_flight, lab.state().exists(), lab.asked_for) == (0, False, [])
    assert lab.training().reason == "cancelled by anna"


def test_states_of_trainings_that_ended_behind_a_dead_controller_are_dropped(lab: Lab) -> None:
    lab.ask()
    lab.step(lab.controller(), times=2)
    lab.store.cancel_training(TrainingId("t0"), at=lab.now)
    assert lab.state().exists()
    lab.step(lab.controller(owner="theirs"))
    assert not lab.state().exists()


def test_a_controller_that_stops_gives_its_trainings_back_and_another_goes_on_at_once(lab: Lab) -> None:
    lab.ask()
    first = lab.controller()
    lab.step(first)
    first.close()
    given_back = lab.training()
    assert (given_back.status, given_back.step, given_back.claims) == (TrainingStatus.QUEUED, 50, 0)
    lab.run(lab.controller(owner="theirs"))
    assert sum(lab.workers.taken) == STEPS


def test_a_training_whose_controllers_vanish_is_not_taken_for_ever(lab: Lab) -> None:
    lab.ask()
    for number in range(BARREN_CLAIMS):
        lab.step(lab.controller(owner=f"controller {number}", loader=Held()))
        lab.now += timedelta(seconds=LEASE_S)
    assert lab.training().status is TrainingStatus.RUNNING
    lab.step(lab.controller(owner="the last"))
    assert lab.training().status is TrainingStatus.FAILED
    assert "controllers in a row" in lab.training().reason


# -- what a training comes to ------------------------------------------------------------------------------------------


def test_a_training_that_fails_says_why_and_what_to_do_next(lab: Lab) -> None:
    lab.ask()
    controller = lab.controller()
    lab.step(controller)
    lab.workers.outcome = Failure(kind="diverged", message="the loss grew")
    lab.run(controller)
    assert lab.training().status is TrainingStatus.FAILED
    assert lab.training().reason == (
        "diverged after step 50 of 130: the loss grew; lower recipe.learning_rate or set recipe.gradient_clip, then "
        "ask for a new training"
    )
    assert lab.asked_for == []


def test_what_asks_for_the_same_as_a_training_that_failed_goes_on_from_where_that_stood(
    lab: Lab, tmp_path: Path
) -> None:
    lab.ask(digest="the same")
    controller = lab.controller()
    lab.step(controller, times=2)
    lab.workers.outcome = Failure(kind="worker_lost", message="the machine is gone")
    lab.run(controller)
    assert (lab.training().status, lab.training().step) == (TrainingStatus.FAILED, 80)
    lab.step(lab.controller(owner="who tidies up"))
    lab.workers = Workers()
    lab.ask("t1", digest="the same")
    lab.run(lab.controller(owner="theirs"), "t1")
    assert lab.workers.taken == [30, 20]
    assert (lab.model("t1"), lab.training("t1").setbacks) == (undisturbed(tmp_path).model(), ())
    assert reached(lab.training("t1"))[:-1] == reached(undisturbed(tmp_path).training())[:-1]
    assert not lab.state().exists()


def test_what_asks_for_something_else_than_a_training_that_failed_begins_afresh(lab: Lab) -> None:
    lab.ask()
    controller = lab.controller()
    lab.step(controller, times=2)
    lab.workers.outcome = Failure(kind="worker_lost", message="the machine is gone")
    lab.run(controller)
    lab.workers = Workers()
    lab.ask("t1", seed=lab.training().seed - 1)
    lab.run(lab.controller(owner="theirs"), "t1")
    assert lab.workers.taken[0] == 50
    assert lab.state().exists()


def test_starts_that_came_to_nothing_are_told(lab: Lab) -> None:
    lab.ask()
    lab.workers.outcome = Failure(kind="out_of_memory", message="too large")
    lab.run(lab.controller())
    assert lab.training().setbacks == (Setback(cause="out_of_memory", worker="scripted-1", message="too large"),) * 2


def test_images_that_have_changed_end_a_training(lab: Lab) -> None:
    lab.ask()
    first = lab.controller()
    lab.step(first)
    first.close()
    lab.run(lab.controller(finishing=lab.equipment(prepare=lambda _: tiny_data(seed=5))))
    assert "images changed" in lab.training().reason


def test_images_that_cannot_be_decoded_end_one_training_and_not_the_others(lab: Lab) -> None:
    def prepare(spec: Any) -> EvaluationData:
        if spec.dataset.train == "gone":
            raise FileNotFoundError("no folder gone")
        assert (spec.dataset.validation, spec.recipe.steps) == ("set5", STEPS)
        return tiny_data()

    lab.ask("t0", dataset={"train": "gone", "validation": "set5"})
    lab.ask("t1", ordinal=1)
    lab.run(lab.controller(finishing=lab.equipment(prepare=prepare)), "t0", "t1")
    assert lab.training("t0").reason == "its images cannot be used: no folder gone"
    assert lab.training("t1").status is TrainingStatus.COMPLETED


def test_weights_of_the_search_that_are_gone_end_a_training_that_would_begin_with_them(lab: Lab) -> None:
    (lab.home / "weights/a.safetensors").unlink()
    lab.ask("t0")
    lab.ask("t1", ordinal=1, recipe=replace(lab.training().recipe, warm_start=False))
    lab.run(lab.controller(), "t0", "t1")
    assert lab.training("t0").reason.startswith("its next stretch cannot be started: ")
    assert lab.training("t1").status is TrainingStatus.COMPLETED
    assert lab.workers.jobs[0].stretch is not None
    assert lab.workers.jobs[0].stretch.warm == b""


# -- teachers ----------------------------------------------------------------------------------------------------------


def checkpoint(scale: int = 2) -> bytes:
    metadata = Metadata(genotype=make_genotype(7), recipe=RECIPES["default"], scale=scale, channels=1)
    return checkpoints.to_bytes({}, metadata)


def ask_with_teacher(lab: Lab, teacher: str) -> None:
    plain = FINISHING_RECIPES["quick"]
    training = replace(plain.training, steps=20)
    lab.ask("student", recipe=replace(plain, training=training, distil=Distillation(teacher=teacher)))
    lab.run(lab.controller(), "student")


def test_a_teacher_is_a_finished_model_by_its_id(lab: Lab) -> None:
    lab.ask("t0", ordinal=1)
    lab.run(lab.controller())
    (lab.home / "trainings/t0/model.safetensors").write_bytes(checkpoint())
    ask_with_teacher(lab, "t0")
    assert lab.workers.jobs[-1].stretch is not None
    assert lab.workers.jobs[-1].stretch.teacher == checkpoint()


def test_a_teacher_is_a_file_among_the_models_by_its_name(lab: Lab) -> None:
    (lab.home / "models").mkdir()
    (lab.home / "models/big.safetensors").write_bytes(checkpoint())
    ask_with_teacher(lab, "big.safetensors")
    assert lab.training("student").status is TrainingStatus.COMPLETED
    assert lab.workers.jobs[-1].stretch is not None
    assert lab.workers.jobs[-1].stretch.teacher == checkpoint()


@pytest.mark.parametrize(
    "name", ["absent.safetensors", "../weights/a.safetensors", "..", "outside", "x3.safetensors", "no"]
)
def test_what_is_no_teacher_ends_a_training_with_what_would_be_one(lab: Lab, name: str) -> None:
    (lab.home / "models").mkdir()
    (lab.home / "models/x3.safetensors").write_bytes(checkpoint(scale=3))
    (lab.home / "models/no").write_bytes(b"no checkpoint")
    (lab.home / "models/outside").symlink_to(lab.home / "weights/a.safetensors")
    ask_with_teacher(lab, name)
    assert lab.training("student").status is TrainingStatus.FAILED
    assert "allowed: " in lab.training("student").reason


def test_a_teacher_that_is_not_finished_is_none(lab: Lab) -> None:
    lab.ask("t0", ordinal=1, created_at=START + timedelta(days=2))
    ask_with_teacher(lab, "t0")
    assert "a completed training: this one is queued" in lab.training("student").reason


# -- beside searches ---------------------------------------------------------------------------------------------------


def test_trainings_hold_half_of_the_workers_while_a_search_wants_them_and_then_all(lab: Lab) -> None:
    lab.workers = Workers(capacity=4)
    spec = make_tiny_spec(budget={"evaluations": 40}, engine={"surrogate": False}, front_seeds=1)
    lab.store.add_search(Search(id=SearchId("b"), spec=spec, state=SearchState.QUEUED, created_at=lab.now))
    for ordinal in range(4):
        lab.ask(f"t{ordinal}", ordinal)
    controller, held = lab.controller(), []
    for _ in range(800):
        lab.step(controller)
        workers = lab.store.workers(at=lab.now, lease_s=LEASE_S)
        searching = lab.store.search(SearchId("b")).state is SearchState.RUNNING
        held.append((searching, sum(worker.training_id is not None for worker in workers)))
        if all(training.status.ended for training in lab.store.trainings()) and not searching:
            break
    assert max(count for searching, count in held[4:] if searching) == 2
    assert {lab.training(f"t{ordinal}").status for ordinal in range(4)} == {TrainingStatus.COMPLETED}
    assert lab.store.search(SearchId("b")).state is SearchState.COMPLETED


def test_a_single_worker_goes_to_trainings_and_searches_in_turn(lab: Lab) -> None:
    spec = make_tiny_spec(budget={"evaluations": 12}, engine={"surrogate": False}, front_seeds=1)
    lab.store.add_search(Search(id=SearchId("b"), spec=spec, state=SearchState.QUEUED, created_at=lab.now))
    lab.ask("t0")
    lab.ask("t1", ordinal=1)
    lab.workers.stuck = True
    controller, held = lab.controller(), []
    for _ in range(16):
        lab.step(controller, times=3)
        (worker,) = lab.store.workers(at=lab.now, lease_s=LEASE_S)
        held.append("training" if worker.training_id else "search")
        lab.workers.stuck = False
        controller._dispatch.collect(0.0)
        lab.workers.stuck = True
    assert held[:14] == ["training", "search"] * 7


def test_with_no_search_trainings_have_every_worker(lab: Lab) -> None:
    lab.workers = Workers(capacity=3)
    for ordinal in range(4):
        lab.ask(f"t{ordinal}", ordinal)
    controller = lab.controller()
    lab.workers.stuck = True
    lab.step(controller, times=8)
    assert lab.workers.in_flight == 3
    assert [lab.training(f"t{ordinal}").status for ordinal in range(4)].count(TrainingStatus.QUEUED) == 1
    lab.workers.stuck = False
    lab.run(controller, "t0", "t1", "t2", "t3")


def test_images_stay_while_a_search_or_a_training_needs_them(lab: Lab) -> None:
    lab.workers = Workers(capacity=2)
    spec = make_tiny_spec(budget={"evaluations": 12}, engine={"surrogate": False}, front_seeds=1)
    lab.store.add_search(Search(id=SearchId("b"), spec=spec, state=SearchState.QUEUED, created_at=lab.now))
    lab.ask()
    controller = lab.controller()
    lab.run(controller)
    while not lab.store.search(SearchId("b")).state.ended:
        assert lab.workers.images == {tiny_data().digest}
        lab.step(controller)
    lab.step(controller, times=2)
    assert lab.workers.images == set()


# -- how long a stretch is ---------------------------------------------------------------------------------------------


def test_a_training_of_thousands_of_stretches_keeps_the_first_point_the_last_two_and_some_between() -> None:
    training = make_training()
    outcome = synthetic(tiny_job(tiny_data()))
    assert isinstance(outcome, Success)
    completion = Completion(ticket=Ticket(0), outcome=outcome, worker="w")
    for until in range(10, 20_001, 10):
        training = advanced(training, completion, replace(outcome, train_s=2.0), until)
    steps = [point.step for point in training.points]
    assert steps == sorted(set(steps))
    assert len(steps) == MOST_POINTS
    assert (steps[0], steps[-2:]) == (10, [19_990, 20_000])
    assert (step_s_of(training), training.train_s) == (0.2, 4000.0)
    assert max(after - before for before, after in pairwise(steps)) <= 3 * 20_000 / MOST_POINTS


@given(
    st.integers(0, 10**6),
    st.integers(1, 10**6),
    st.none() | st.floats(0, 1e6, allow_nan=False),
    st.floats(0.01, 1e4),
)
def test_a_stretch_is_a_multiple_of_ten_steps_or_all_that_is_left(
    step: int, left: int, step_s: float | None, checkpoint_s: float
) -> None:
    until = stop_after(step, step + left, step_s, checkpoint_s)
    assert step < until <= step + left
    assert until == step + left or (until - step) % 10 == 0


@pytest.mark.parametrize(
    ("validate_s", "stops"), [(0.0, STOPS), (29.0, STOPS), (60.0, [50, 110, STEPS]), (1e6, [50, STEPS])]
)
def test_a_stretch_takes_no_less_than_its_scoring(lab: Lab, validate_s: float, stops: list[int]) -> None:
    def slow(job: Job) -> Outcome:
        outcome = stretched(job)
        assert isinstance(outcome, Success)
        return replace(outcome, validate_s=validate_s)

    lab.ask()
    lab.run(lab.controller(executor=ScriptedExecutor(slow)))
    assert [point.step for point in lab.training().points] == stops


@pytest.mark.parametrize(("validate_s", "expected"), [(0.0, 30.0), (100.0, 50.0), (1e6, 300.0)])
def test_however_long_a_scoring_takes_a_stretch_takes_no_more_than_ten_times_what_was_asked_for(
    validate_s: float, expected: float
) -> None:
    points = (make_training_point(100), make_training_point(200))
    assert stretch_s(make_training(points=points, validate_s=validate_s), 30.0) == expected
    assert stretch_s(make_training(), 30.0) == 30.0


def test_the_pace_is_that_of_the_last_stretch_and_before_it_that_of_the_search() -> None:
    points = (make_training_point(100, train_s=100.0), make_training_point(300, train_s=150.0))
    assert step_s_of(make_training(points=points)) == 0.25
    assert step_s_of(make_training(points=points[:1])) == 1.0
    assert step_s_of(make_training()) is None
    candidate, search, training = make_candidate(), make_search(), make_training()
    evaluation = make_evaluation(candidate, train_s=20.0, steps=200)
    then, now = search.spec.recipe, training.recipe.training
    larger = (now.batch * now.patch**2) / (then.batch * then.patch**2)
    known = told(candidate, evaluation)
    assert guessed_step_s(training, known, search.spec, {evaluation.device}) == pytest.approx(0.1 * larger)
    assert guessed_step_s(training, known, search.spec, {evaluation.device, "cuda"}) is None
    assert guessed_step_s(training, candidate, search.spec, {evaluation.device}) is None
    taught = replace(training, recipe=replace(training.recipe, distil=Distillation(teacher="t0")))
    slower = guessed_step_s(taught, known, search.spec, {evaluation.device})
    assert slower == pytest.approx(DISTILLED_TIMES * 0.1 * larger)  # or the first stretch would be as much too long


@given(st.lists(st.integers(1, 50), max_size=8), st.integers(0, 400))
def test_a_training_that_stands_elsewhere_tells_nothing_of_later_steps(gaps: list[int], step: int) -> None:
    steps = np.cumsum([0, *gaps]).tolist()[1:]
    points = tuple(make_training_point(at, train_s=float(at)) for at in steps)
    training = make_training(points=points, step=max(steps, default=0), train_s=float(max(steps, default=0)))
    standing = standing_at(training, step)
    assert standing.step == step
    assert [point.step for point in standing.points] == [at for at in steps if at <= step]
    assert standing.train_s == max((at for at in steps if at <= step), default=0)
