"""Streams of a real web process: nobody misses anything, and a process that is told to stop does so at once."""

from __future__ import annotations

import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest

from api.client import Client
from api.testing import SPEC
from benchmarks.streaming import Load, measure, report, web_process
from nas.store.opening import open_store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM")


def test_many_clients_see_every_event_once_and_in_order_also_after_coming_back() -> None:
    load = Load(clients=20, seconds=2, rate=20)
    found = measure(load)
    assert found.wrong == []
    assert len(found.expected) > 40
    assert sum(follower.connections for follower in found.followers) == 20 * 2 + 10
    assert "0 missing" in report(load, found)
    assert found.status in (0, -signal.SIGTERM)
    assert "Traceback" not in found.log


def test_a_web_process_that_stops_ends_its_streams_without_waiting_for_them(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'streams.sqlite'}"
    with (
        web_process(tmp_path, database) as (url, process),
        closing(open_store(database)),
        Client(url, sleep=lambda _seconds: process.wait(30) and None) as client,
    ):
        events = client.follow(client.submit(SPEC).id)
        assert next(events).kind == "submitted"
        process.terminate()
        assert process.wait(30) in (0, -signal.SIGTERM)
    log = (tmp_path / "web.log").read_text()
    assert "timeout graceful shutdown exceeded" not in log
    assert "Traceback" not in log
