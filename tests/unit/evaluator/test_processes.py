"""What worker processes are started with, and the file that they share: no process is started here."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.data.sets import EvaluationData
from evaluator.outcome import Failure
from evaluator.pool import Lost
from evaluator.pool.crew import Answer
from evaluator.processes import images, member
from evaluator.processes.crew import ProcessCrew
from evaluator.processes.images import SharedImages, receive
from evaluator.processes.places import HUGE_PAGES, cpu_posts, gpu_posts, visible_gpus, worker_environment
from evaluator.processes.serving import offer, send
from evaluator.progress import TrainingProgress
from evaluator.testing import tiny_data


def passed_on(data: EvaluationData) -> EvaluationData:
    """Images as another process would read them."""
    shared = SharedImages(data)
    ours, theirs = Pipe()
    with ours, theirs:
        shared.send(ours, os.getpid())
        shared.close()
        return receive(theirs.recv(), theirs)


def mapped() -> int:
    return Path("/proc/self/maps").read_text().count("srnas-images")


@pytest.mark.parametrize("channels", [1, 3])
def test_shared_images_are_the_same_images_and_may_not_be_written_to(channels: int) -> None:
    data = tiny_data(channels=channels, train=3, validation=2)
    copy = passed_on(data)
    assert copy.digest == data.digest
    for ours, theirs in zip([*data.train, *data.validation], [*copy.train, *copy.validation], strict=True):
        assert ours.name == theirs.name
        for original, shared in ((ours.hr, theirs.hr), (ours.lr, theirs.lr)):
            np.testing.assert_array_equal(original, shared)
            assert not shared.flags.writeable
            assert not shared.flags.owndata


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_file_is_mapped_once_and_unmapped_with_the_last_image() -> None:
    copy = passed_on(tiny_data(train=3))
    assert mapped() == 1
    (pair,) = copy.validation
    del copy
    gc.collect()
    assert mapped() == 1
    del pair
    gc.collect()
    assert mapped() == 0


def test_images_are_shared_by_a_file_on_disk_where_there_is_none_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    data = tiny_data()
    np.testing.assert_array_equal(passed_on(data).train.pairs[0].hr, data.train.pairs[0].hr)


def test_a_write_that_is_cut_short_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(images.os, "pwrite", lambda file, buffer, start: whole(file, buffer[:1000], start))
    data = tiny_data()
    np.testing.assert_array_equal(passed_on(data).train.pairs[1].hr, data.train.pairs[1].hr)


def test_workers_on_gpus_fill_one_after_the_other_and_count_memory_by_gpu() -> None:
    posts = gpu_posts(["0", "3"], workers_per_gpu=2, threads=4)
    assert [post.place.name for post in posts] == ["gpu-0.1", "gpu-3.1", "gpu-0.2", "gpu-3.2"]
    assert [post.gpu for post in posts] == ["0", "3", "0", "3"]
    assert {post.place.shared for post in posts[::2]} == {f"{posts[0].place.node}/gpu-0"}
    assert {(post.place.device, post.place.threads) for post in posts} == {("cuda", 4)}


def test_workers_on_a_cpu_share_no_counted_memory() -> None:
    posts = cpu_posts(workers=3, threads=2)
    assert [post.place.name for post in posts] == ["worker-1", "worker-2", "worker-3"]
    assert {(post.place.device, post.place.threads, post.place.shared, post.gpu) for post in posts} == {
        ("cpu", 2, "", None)
    }


@pytest.mark.parametrize(
    ("named", "visible"),
    [(None, ["0", "1"]), ("4,GPU-8932f937", ["4", "GPU-8932f937"]), ("", []), ("1", ["1"]), ("1,-1,0", ["1"])],
)
def test_gpus_go_by_the_names_that_the_environment_leaves(
    named: str | None, visible: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: len(visible))
    assert visible_gpus({} if named is None else {"CUDA_VISIBLE_DEVICES": named}) == visible


def test_a_worker_sees_its_gpu_alone() -> None:
    (post,) = gpu_posts(["3"], workers_per_gpu=1, threads=1)
    assert worker_environment(post, {"CUDA_VISIBLE_DEVICES": "1,3"})["CUDA_VISIBLE_DEVICES"] == "3"


@given(st.dictionaries(st.sampled_from(["HOME", "OMP_NUM_THREADS", "PYTHONPATH", "GLIBC_TUNABLES"]), st.just("x=1")))
def test_a_worker_has_the_environment_of_its_parent_but_for_threads_and_modules(environ: dict[str, str]) -> None:
    (post,) = cpu_posts(workers=1, threads=3)
    before = dict(environ)
    worker = worker_environment(post, environ)
    assert environ == before
    assert worker["OMP_NUM_THREADS"] == "3"
    assert worker["PYTHONPATH"].split(os.pathsep) == [entry or os.getcwd() for entry in sys.path]
    assert worker.get("HOME") == environ.get("HOME")
    if sys.platform == "linux":
        assert worker["GLIBC_TUNABLES"] in (HUGE_PAGES, f"x=1:{HUGE_PAGES}")


def imported_by(module: str, unwanted: Sequence[str]) -> list[str]:
    code = f"import sys, {module}; print([name for name in {list(unwanted)} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return list(eval(output))


def test_the_pool_of_processes_imports_neither_ray_nor_torch() -> None:
    assert imported_by("evaluator.processes", ["ray", "torch", "pymoo", "sqlalchemy", "pydantic"]) == []


class Undying:
    """A process in a call of the system that does not return, until it has an exit code."""

    pid = 4711
    code: int | None = None

    def __init__(self, *_: object, **__: object) -> None:
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        assert timeout is not None, "waits for ever"
        if self.code is None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self.code


def test_a_process_that_cannot_be_killed_holds_nobody_up_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member.subprocess, "Popen", Undying)
    crew = ProcessCrew(cpu_posts(workers=2, threads=1), environ={}, clock=time.monotonic)
    first, second = crew.places()
    process = crew.hire(first)
    assert crew.places() == [first, second]
    process.kill()
    process.kill()
    assert process._process.kills == 1
    assert crew.places() == [second]
    monkeypatch.setattr(Undying, "code", -9)
    assert crew.places() == [first, second]


def test_a_process_that_closed_its_pipe_and_cannot_be_killed_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member.subprocess, "Popen", Undying)
    crew = ProcessCrew(cpu_posts(workers=1, threads=1), environ={}, clock=time.monotonic)
    process = crew.hire(*crew.places())
    assert process.messages() == [Lost("process 4711 closed its pipe, and cannot be killed")]
    assert crew.places() == []


def test_reports_that_nobody_reads_are_dropped_and_the_answer_is_not() -> None:
    ours, theirs = Pipe()
    member._limit_blocking(theirs, 1)
    answer = Answer(Failure(kind="timeout", message="too long"))
    with ours, theirs:
        for step in range(5000):
            offer(theirs, TrainingProgress(step=step))
        heard = []
        while ours.poll():
            heard.append(ours.recv())
        assert 0 < len(heard) < 5000
        assert [report.step for report in heard] == list(range(len(heard)))
        send(theirs, answer)
        assert ours.recv() == answer
