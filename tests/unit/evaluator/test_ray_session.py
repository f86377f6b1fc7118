"""A cluster that is not there is said to be away at once, and a head that is lost ends this process soon."""

from __future__ import annotations

import os
import socket

import pytest

pytest.importorskip("ray")

from evaluator.executor import ExecutorError
from evaluator.ray_pool import session


@pytest.fixture
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port at which nobody listens; what is set in the environment meanwhile goes."""
    for name in (session.HEAD_TIMEOUT, "RAY_USAGE_STATS_ENABLED"):
        monkeypatch.setenv(name, "0")
        monkeypatch.delenv(name)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_a_head_that_is_not_there_is_an_error_that_may_be_tried_again(free_port: int, host: str) -> None:
    with pytest.raises(ExecutorError, match="cannot be reached") as refused:
        session.join_or_start(f"{host}:{free_port}")
    assert refused.value.retryable


def test_the_time_without_a_head_is_short_unless_somebody_has_set_it(
    free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ExecutorError):
        session.join_or_start(f"127.0.0.1:{free_port}")
    assert os.environ[session.HEAD_TIMEOUT] == session.HEAD_TIMEOUT_S
    monkeypatch.setenv(session.HEAD_TIMEOUT, "300")
    with pytest.raises(ExecutorError):
        session.join_or_start(f"127.0.0.1:{free_port}")
    assert os.environ[session.HEAD_TIMEOUT] == "300"
