"""Workers that share a device's memory: who is let in, who waits, and who runs alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from evaluator.executor import Completion, Job, Ticket
from evaluator.memory import MemoryBook
from evaluator.outcome import Failure, Success
from evaluator.pool import Answer, Place, Pool
from evaluator.pool.testing import Clock, Lines, ScriptedCrew
from evaluator.testing import TINY_RECIPE, synthetic, tiny_data, tiny_job

DATA = tiny_data()
TRAIN_S = 10.0
GIB = 2**30
OUT_OF_MEMORY = Failure(kind="out_of_memory", message="CUDA out of memory")


class Book(MemoryBook):
    """Predicts from a table, by seed: GiB; everything that it does not know takes one. Notes what it is taught."""

    def __init__(self, sizes_gib: Mapping[int, float] | None = None, context_bytes: int = 0) -> None:
        super().__init__(context_bytes, share=1.0)
        self.sizes_gib = dict(sizes_gib or {})
        self.learnt: list[tuple[int, int]] = []
        self.overflows: list[tuple[int, float]] = []
        """Seeds, and what was predicted at their start: GiB."""

    @property
    def idle_bytes(self) -> int:
        return self.context_bytes

    def predicted_bytes(self, job: Job) -> int:
        return int(self.sizes_gib.get(job.seed, 1.0) * GIB) + self.context_bytes

    def learn(self, job: Job, peak_bytes: int) -> None:
        self.learnt.append((job.seed, peak_bytes))

    def overflowed(self, job: Job, predicted_bytes: int) -> None:
        self.overflows.append((job.seed, predicted_bytes / GIB))
        self.sizes_gib[job.seed] = 1.5 * predicted_bytes / GIB


class Gpus:
    """A crew on GPUs of some GiB, four workers each; a job runs out of memory beside more than so many others."""

    def __init__(self, book: Book, *, gpus: int = 1, gib: float = 3, most: int = 99) -> None:
        places = [share(gpu, number) for gpu in range(gpus) for number in range(4)]
        self.crew = ScriptedCrew(Clock(), self.run, places)
        self.crew.device_memory_bytes = int(gib * GIB)
        self.most = most
        self.beside: dict[int, list[int]] = {}
        """For each start of a job, by seed: how many jobs ran on its GPU, itself counted."""
        self._running: list[tuple[float, str]] = []
        self.pool = Pool(self.crew, clock=self.crew.clock, memory=book)
        self.pool.load(DATA)

    def run(self, job: Job, place: Place) -> Lines:
        now_s = self.crew.clock.now_s
        self._running = [(end_s, gpu) for end_s, gpu in self._running if end_s > now_s]
        self._running.append((now_s + TRAIN_S, place.shared))
        number = sum(gpu == place.shared for _, gpu in self._running)
        self.beside.setdefault(job.seed, []).append(number)
        return [(TRAIN_S, Answer(synthetic(job) if number <= self.most else OUT_OF_MEMORY))]

    def submit(self, *seeds: int) -> list[Ticket]:
        return [self.pool.submit(tiny_job(DATA, seed=seed)) for seed in seeds]

    def drain(self) -> dict[Ticket, Completion]:
        completions: dict[Ticket, Completion] = {}
        while batch := self.pool.completed(600.0):
            completions |= {completion.ticket: completion for completion in batch}
        return completions


def share(gpu: int, number: int) -> Place:
    return Place(name=f"worker-{gpu}-{number}", node="node-a", device="cuda", threads=1, shared=f"node-a/gpu-{gpu}")


def test_as_many_jobs_run_side_by_side_as_fit_into_memory() -> None:
    gpus = Gpus(Book(), gib=3)
    gpus.submit(*range(7))
    gpus.drain()
    assert max(beside for (beside,) in gpus.beside.values()) == 3
    assert gpus.crew.clock.now_s == 3 * TRAIN_S


def test_idle_processes_take_memory_too() -> None:
    gpus = Gpus(Book(context_bytes=GIB // 2), gib=4)  # four contexts leave room for two jobs
    gpus.submit(*range(4))
    gpus.drain()
    assert max(beside for (beside,) in gpus.beside.values()) == 2


def test_a_large_job_is_not_passed_over_by_small_ones_on_the_device_where_it_waits() -> None:
    gpus = Gpus(Book({1: 3.0}), gib=3)
    gpus.submit(0, 1, 2, 3)
    gpus.drain()
    assert list(gpus.beside) == [0, 1, 2, 3]
    assert gpus.beside[1] == [1]


def test_other_devices_go_on_while_a_large_job_waits_for_one() -> None:
    gpus = Gpus(Book({2: 3.0}), gpus=2, gib=3)
    gpus.submit(0, 1, 2, 3)
    assert gpus.beside == {0: [1], 1: [1], 3: [2]}
    gpus.drain()
    assert gpus.crew.clock.now_s == 2 * TRAIN_S


def test_jobs_spread_over_devices_before_they_share_one() -> None:
    gpus = Gpus(Book(), gpus=3, gib=4)
    gpus.submit(*range(7))
    assert [beside for (beside,) in gpus.beside.values()] == [1, 1, 1, 2, 2, 2, 3]


def test_jobs_that_waited_for_places_spread_over_devices_too() -> None:
    gpus = Gpus(Book(), gpus=2, gib=4)
    sites, gpus.crew.sites = gpus.crew.sites, []
    gpus.pool.completed(1.0)
    gpus.crew.clock.now_s += 1.0
    assert gpus.pool.capacity == 0
    gpus.submit(*range(4))
    gpus.crew.sites = sites
    gpus.drain()
    assert [beside for (beside,) in gpus.beside.values()] == [1, 1, 2, 2]


def test_a_job_that_waits_for_memory_goes_to_another_device_that_is_empty() -> None:
    gpus = Gpus(Book({2: 3.0}), gpus=2, gib=3)
    gpus.crew.script = lambda job, place: [] if place.shared == "node-a/gpu-0" else gpus.run(job, place)
    gpus.submit(0, 1, 2)
    completions = [completion for _ in range(2) for completion in gpus.pool.completed(TRAIN_S)]
    assert [completion.ticket for completion in completions] == [2, 3]
    assert completions[1].worker.startswith("worker-1")


def test_memory_that_no_worker_has_told_is_not_counted() -> None:
    gpus = Gpus(Book(dict.fromkeys(range(4), 5.0)), gib=0)
    gpus.submit(*range(4))
    gpus.drain()
    assert gpus.crew.clock.now_s == TRAIN_S


def test_a_job_that_ran_out_of_memory_beside_others_is_tried_again_alone() -> None:
    book = Book()
    gpus = Gpus(book, most=2)
    tickets = gpus.submit(0, 1, 2, 3)
    completions = gpus.drain()
    assert all(isinstance(completions[ticket].outcome, Success) for ticket in tickets)
    assert book.overflows == [(2, 1.0)]
    assert gpus.beside == {0: [1], 1: [2], 2: [3, 1], 3: [1]}
    assert completions[tickets[2]].attempts == 2
    (setback,) = completions[tickets[2]].setbacks
    assert (setback.cause, setback.message) == ("out_of_memory", "beside others on its device")


def test_a_job_that_runs_out_of_memory_alone_is_given_a_whole_device_until_it_has_failed() -> None:
    book = Book()
    gpus = Gpus(book, most=0)
    (ticket,) = gpus.submit(0)
    completion = gpus.drain()[ticket]
    assert completion.outcome == OUT_OF_MEMORY
    assert (completion.attempts, [setback.cause for setback in completion.setbacks]) == (3, ["out_of_memory"] * 2)
    assert gpus.beside == {0: [1, 1, 1]}
    assert book.overflows == []


def test_jobs_that_run_out_of_memory_together_count_from_what_was_predicted_at_their_start() -> None:
    book = Book()
    gpus = Gpus(book, gib=4, most=1)
    gpus.submit(0, 0, 0, 0)
    gpus.drain()
    assert book.overflows == [(0, 1.0)] * 3


def test_what_a_job_took_is_learnt() -> None:
    book = Book()
    gpus = Gpus(book)
    outcome = synthetic(tiny_job(DATA))
    assert isinstance(outcome, Success)
    gpus.crew.script = lambda _job, _place: [(1.0, Answer(replace(outcome, peak_memory_bytes=5)))]
    gpus.submit(7)
    gpus.drain()
    assert book.learnt == [(7, 5)]


def test_what_waits_for_a_device_that_is_lost_runs_on_another() -> None:
    gpus = Gpus(Book({1: 3.0}), gib=3)
    _, large = gpus.submit(0, 1)
    gpus.crew.sites = [replace(share(1, 0), node="node-b")]
    gpus.pool.cancel(Ticket(1))
    completion = gpus.drain()[large]
    assert isinstance(completion.outcome, Success)
    assert (completion.worker, completion.attempts) == ("worker-1-0", 1)


def test_a_cancelled_job_stops_waiting_for_memory() -> None:
    gpus = Gpus(Book({1: 3.0}), gib=3)
    _, large, _ = gpus.submit(0, 1, 2)
    gpus.pool.cancel(large)
    assert sorted(gpus.drain()) == [1, 3]
    assert gpus.crew.clock.now_s == TRAIN_S


def test_jobs_for_a_cpu_are_not_held_up_by_a_full_gpu() -> None:
    gpus = Gpus(Book({0: 3.0, 1: 3.0}), gib=3)
    gpus.crew.sites.append(Place(name="cpu", node="node-b", device="cpu", threads=1))
    gpus.submit(0, 1)
    ticket = gpus.pool.submit(tiny_job(DATA, seed=2, recipe=replace(TINY_RECIPE, device="cpu")))
    assert [completion.ticket for completion in gpus.pool.completed(TRAIN_S)] == [1]
    assert [completion.worker for completion in gpus.pool.completed(2.0)] == ["cpu"]
    assert ticket == 3
