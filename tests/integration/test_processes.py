"""The pool over real processes: the executor's contract, killed workers, shared images, and a parent that dies."""

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from evaluator.contract import ENDLESS, ProcessContract, drain, endless_job, running
from evaluator.data.images import ImagePair, ImageSet
from evaluator.data.sets import EvaluationData
from evaluator.executor import ExecutorError
from evaluator.memory import MemoryBook
from evaluator.outcome import Success
from evaluator.pool import Lost
from evaluator.processes import ProcessExecutor
from evaluator.processes.images import SharedImages
from evaluator.processes.member import ProcessMember
from evaluator.processes.places import cpu_posts
from evaluator.progress import TrainingProgress
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job
from evaluator.worker import Hello

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

MIB = 1 << 20


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(workers=2)
    yield executor
    executor.close()


@pytest.fixture
def executor(pool: ProcessExecutor) -> ProcessExecutor:
    return pool


@pytest.fixture
def fresh_executor() -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(workers=1)
    yield executor
    executor.close()


class TestContract(ProcessContract):
    pass


def mappings(pid: int) -> dict[str, dict[str, str]]:
    """The shared images that a process has mapped: what the kernel says of each, by its inode."""
    found: dict[str, dict[str, str]] = {}
    for block in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{pid}/smaps").read_text()):
        head, *lines = block.splitlines()
        if "srnas-images" in head:
            _, permissions, _, _, inode, *_ = head.split()
            found[inode] = {"permissions": permissions} | dict(line.split(":", 1) for line in lines)
    return found


def private_bytes(pid: int) -> int:
    """Memory that a process shares with nobody."""
    (line,) = re.findall(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(line) * 1024


def large_data(mib: int) -> EvaluationData:
    """One training image of noise of so many MiB, both resolutions together."""
    lr = np.random.default_rng(0).integers(0, 256, (mib * MIB // 5 // 1024, 1024, 1), np.uint8)
    pair = ImagePair(name="noise", hr=lr.repeat(2, axis=0).repeat(2, axis=1), lr=lr)
    return EvaluationData(ImageSet(pairs=(pair,), scale=2), tiny_data().validation)


def test_a_worker_has_its_own_environment_from_its_start(pool: ProcessExecutor) -> None:
    assert all(worker.device.startswith("cpu (1 thread") for worker in pool.workers())
    environment = Path(f"/proc/{pool.workers()[0].pid}/environ").read_text().split("\0")
    assert "OMP_NUM_THREADS=1" in environment
    assert any(entry.startswith("GLIBC_TUNABLES=") and "glibc.malloc.hugetlb=1" in entry for entry in environment)
    assert "glibc.malloc.hugetlb" not in os.environ.get("GLIBC_TUNABLES", "")


def test_a_running_job_does_not_hear_an_interrupt_and_its_process_ends_when_it_is_cancelled(
    pool: ProcessExecutor,
) -> None:
    pool.load(tiny_data())
    ticket = pool.submit(endless_job())
    first = running(pool, ticket, lambda worker: worker.progress is not None and worker.progress.step > 0)
    os.kill(first.pid, signal.SIGINT)
    assert isinstance(first.progress, TrainingProgress)
    step = first.progress.step
    later = running(pool, ticket, lambda worker: worker.progress is not None and worker.progress.step > step)
    assert later.pid == first.pid
    assert later.progress is not None
    assert later.progress.steps == ENDLESS.steps
    pool.cancel(ticket)
    assert not Path(f"/proc/{first.pid}").exists()
    assert drain(pool) == []


def test_images_are_mapped_by_every_worker_and_copied_by_none(pool: ProcessExecutor) -> None:
    train_in_every_worker(pool, tiny_data())
    private = {worker.pid: private_bytes(worker.pid) for worker in pool.workers()}
    data = large_data(mib=160)
    pool.load(data)
    train_in_every_worker(pool, data)
    assert {worker.pid for worker in pool.workers()} == set(private)
    large = []
    for pid, before in private.items():
        maps = mappings(pid)
        assert all(of["permissions"] == "r--s" and kib(of, "Anonymous") == 0 for of in maps.values())
        large += [inode for inode, of in maps.items() if kib(of, "Size") > 150 * 1024]
        assert private_bytes(pid) - before < 40 * MIB
    assert len(large) == pool.capacity
    assert len(set(large)) == 1
    pool.unload(data.digest)


def train_in_every_worker(pool: ProcessExecutor, data: EvaluationData) -> None:
    """Small jobs until each worker has done one; some may be starting yet."""
    pool.load(data)
    done: set[str] = set()
    for _ in range(600):
        for seed in range(pool.capacity):
            pool.submit(tiny_job(data, seed=seed))
        done |= {completion.worker for completion in drain(pool)}
        if len(done) == pool.capacity:
            return
    raise AssertionError(f"only {done} did anything")


def kib(mapping: dict[str, str], field: str) -> int:
    """One line of what the kernel says of a mapping."""
    return int(mapping[field].split()[0])


@contextmanager
def lone_member(**options: int) -> Iterator[ProcessMember]:
    """A process without a pool, and with images at hand."""
    shared = SharedImages(tiny_data())
    member = ProcessMember(cpu_posts(workers=1, threads=1)[0], os.environ, {tiny_data().digest: shared}, **options)
    yield member
    shared.close()
    member.kill()
    member.kill()


def test_a_process_that_ends_by_itself_says_how() -> None:
    """Garbage in its pipe is what ends it here."""
    with lone_member() as member:
        member.connection.send_bytes(b"no pickle")
        assert member.connection.poll(60)
        (lost,) = member.messages()
        assert isinstance(lost, Lost)
        assert "exit code 1" in lost.reason
        member.give(tiny_job(tiny_data()))
        member.forget(tiny_data().digest)
        assert member.messages() == []


def test_a_process_that_stands_still_in_the_middle_of_a_message_holds_nobody_up() -> None:
    with lone_member(patience_s=1) as member:
        assert member.connection.poll(60)
        (hello,) = member.messages()
        assert isinstance(hello, Hello)
        os.kill(hello.pid, signal.SIGSTOP)
        member.give(tiny_job(tiny_data(), start=bytes(16 * MIB)))
        (lost,) = member.messages()
        assert isinstance(lost, Lost)
        assert "stood still" in lost.reason
        assert not Path(f"/proc/{hello.pid}").exists()
        assert member.messages() == []


def test_closing_leaves_no_process_and_nothing_in_shared_memory() -> None:
    before, opened = set(os.listdir("/dev/shm")), open_images()
    executor = ProcessExecutor(workers=1)
    executor.load(tiny_data())
    running(executor, executor.submit(endless_job()))
    (worker,) = executor.workers()
    assert set(os.listdir("/dev/shm")) == before
    executor.close()
    assert not Path(f"/proc/{worker.pid}").exists()
    assert open_images() == opened


def open_images() -> list[str]:
    """Files of shared images that this process has open."""
    links = (entry.path for entry in os.scandir("/proc/self/fd"))
    return [path for path in links if os.path.lexists(path) and "srnas-images" in os.readlink(path)]


PARENT = """
import sys
from evaluator.processes import ProcessExecutor
from evaluator.recipe import Recipe
from evaluator.testing import tiny_data, tiny_job
from evaluator.worker import Hello

executor = ProcessExecutor(workers=1)
executor.load(tiny_data())
job = tiny_job(tiny_data(), recipe=Recipe(steps=10**6, batch=1, patch=8, warmup_steps=0), timeout_s=600.0)
executor.submit(job)
for _ in range(600):
    if any(worker.progress for worker in executor.workers()):
        break
    executor.completed(0.1)
print(executor.workers()[0].pid, flush=True)
executor.completed(600.0)
"""


def test_a_worker_ends_in_the_middle_of_a_job_when_its_parent_is_killed() -> None:
    before = set(os.listdir("/dev/shm"))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert mappings(pid)
        worker = os.pidfd_open(pid)
        parent.kill()
        ended, _, _ = select.select([worker], [], [], 60.0)
        os.close(worker)
        assert ended
        assert parent.stderr.read() == ""
    assert set(os.listdir("/dev/shm")) == before


def test_a_gpu_that_is_not_there_is_refused_at_once() -> None:
    with pytest.raises(ExecutorError, match="GPU") as refused:
        ProcessExecutor(device="cuda", devices=[99])
    assert not refused.value.retryable


def test_a_pool_without_workers_is_refused() -> None:
    for options in ({"workers": 0}, {"threads": 0}, {"device": "tpu"}, {"workers_per_gpu": 0}):
        with pytest.raises(ValueError, match="worker"):
            ProcessExecutor(**options)


@pytest.mark.gpu
@pytest.mark.parametrize(("context_bytes", "most"), [(1 << 30, 3), (1 << 50, 1)])
def test_as_many_candidates_share_a_gpu_as_its_memory_holds(context_bytes: int, most: int) -> None:
    book = MemoryBook(context_bytes)
    with closing(ProcessExecutor(device="cuda", devices=[0], workers_per_gpu=3, memory=book)) as executor:
        executor.load(tiny_data())
        tickets = [executor.submit(tiny_job(tiny_data(), seed=seed, recipe=Recipe(steps=300))) for seed in range(6)]
        completions, at_once = [], 0
        while len(completions) < len(tickets):
            at_once = max(at_once, sum(worker.busy_ticket is not None for worker in executor.workers()))
            completions += executor.completed(0.1)
    assert at_once == most
    for completion in completions:
        assert isinstance(completion.outcome, Success)
        assert completion.outcome.peak_memory_bytes > 0
        assert not completion.outcome.provenance.device.startswith("cpu")
