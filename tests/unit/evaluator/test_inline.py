"""The executor inside the caller's process."""

from collections.abc import Iterator

import pytest

from evaluator.contract import ExecutorContract
from evaluator.inline import InlineExecutor
from evaluator.outcome import Success
from evaluator.testing import tiny_data, tiny_job


@pytest.fixture
def executor() -> Iterator[InlineExecutor]:
    executor = InlineExecutor(threads=1)
    yield executor
    executor.close()


@pytest.fixture
def fresh_executor(executor: InlineExecutor) -> InlineExecutor:
    return executor


class TestContract(ExecutorContract):
    pass


def test_a_job_runs_when_it_is_asked_for_and_on_this_process(executor: InlineExecutor) -> None:
    data = tiny_data()
    executor.load(data)
    ticket = executor.submit(tiny_job(data))
    (completion,) = executor.completed(0.0)
    assert (completion.ticket, completion.worker) == (ticket, "inline")
    assert isinstance(completion.outcome, Success)
    assert completion.outcome.provenance.device.startswith("cpu (1 thread,")
