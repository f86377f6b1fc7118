"""A controller that was stopped, and wakes after another has taken its search over, writes nothing."""

from __future__ import annotations

import json
import os
import platform
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("psutil")

from nas.service import Service
from nas.settings import Settings
from nas.store.base import Store
from nas.store.opening import open_store
from tests.chaos import verdict
from tests.chaos.processes import PYTHON, ROOT, Supervised, wait_until
from tests.chaos.scripted import Journal, Note
from tests.chaos.searches import course_of, specs, undisturbed

LEASE_S = 3.0
EVALUATIONS = 36
TAKEOVERS = 2
TIMEOUT_S = 150.0


class Scene:
    """Two controllers over one SQLite file, each of which trains by waiting, and so stops with all that it does."""

    def __init__(self, home: Path, images_root: Path) -> None:
        self.settings = Settings(home=home, images_root=images_root, database_url=f"sqlite:///{home / 'srnas.sqlite'}")
        self.journal = Journal(home / "journal")
        self.store: Store = open_store(self.settings.database)
        self.until_s = time.monotonic() + TIMEOUT_S
        self._file = home / "srnas.sqlite"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SRNAS_")},
            "SRNAS_HOME": str(home),
            "SRNAS_IMAGES_ROOT": str(images_root),
            "SRNAS_DATABASE_URL": self.settings.database_url,
            "SRNAS_LEASE_S": str(LEASE_S),
            "SRNAS_POLL_S": "0.05",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        command = (PYTHON, "-m", "tests.chaos.controller", str(home / "journal"), "--inline")
        self.controllers = [
            Supervised(name, command, environment=environment, log=home / name) for name in ("first", "second")
        ]

    def claims(self, search_id: str) -> list[verdict.Claim]:
        """Who has taken the search so far."""
        return verdict.claims(verdict.events_of(self.store, search_id))

    def process_of(self, owner: str) -> Supervised:
        """The controller of that name."""
        return next(process for process in self.controllers if f"{platform.node()}:{process.pid}" == owner)

    def stop_in_training(self, holder: Supervised, owner: str) -> None:
        """Stop a controller that trains and is in no transaction; SQLite would have the other wait for its end."""
        while True:
            seen = len(self._notes_of(owner))
            self.wait(lambda seen=seen: len(self._notes_of(owner)) > seen, "a note of the holder")
            holder.send(signal.SIGSTOP)
            if self._notes_of(owner)[-1].verb == "begin" and self._writable():
                return
            holder.send(signal.SIGCONT)

    def lost(self, holder: Supervised) -> int:
        """How often a controller has said that it lost a lease."""
        lines = holder.log.read_text().splitlines() if holder.log.exists() else []
        return sum(json.loads(line)["event"] == "lease lost" for line in lines if line.startswith("{"))

    def wait(self, met: object, what: str) -> None:
        wait_until(met, what, until_s=self.until_s, poll_s=0.01)  # type: ignore[arg-type]

    def close(self) -> None:
        for process in self.controllers:
            process.stop()
        self.store.close()

    def _notes_of(self, owner: str) -> list[Note]:
        return [note for note in self.journal.notes() if note.owner == owner]

    def _writable(self) -> bool:
        connection = sqlite3.connect(self._file, timeout=0, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True


@pytest.fixture
def scene(tmp_path: Path, sample_dir: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, sample_dir.parent)
    yield made
    made.close()


@pytest.mark.slow
def test_a_controller_that_wakes_after_it_was_replaced_writes_nothing(scene: Scene, tmp_path: Path) -> None:
    document = specs(EVALUATIONS, seed=1)["plain"]
    expected, _ = undisturbed([document], tmp_path / "undisturbed", scene.settings.images_root)
    search_id = Service(scene.store, scene.settings).submit(document).id
    for controller in scene.controllers:
        controller.start()

    for takeovers in range(TAKEOVERS):
        scene.wait(lambda number=takeovers: len(scene.claims(search_id)) == number + 1, "a claim")
        before = scene.claims(search_id)[-1]
        stopped = scene.process_of(before.owner)
        scene.stop_in_training(stopped, before.owner)
        stopped_at, lost, pending = datetime.now(UTC), scene.lost(stopped), scene.journal.notes()[-1]
        scene.wait(lambda number=takeovers: len(scene.claims(search_id)) == number + 2, "a takeover")
        after = scene.claims(search_id)[-1]
        assert (after.after, after.owner != before.owner) == (before.owner, True)
        assert (after.at - stopped_at).total_seconds() <= 2 * LEASE_S
        stopped.send(signal.SIGCONT)
        scene.wait(lambda who=stopped, number=lost: scene.lost(who) == number + 1, "the loss is noticed")
        ended = [(note.verb, note.key, note.owner) for note in scene.journal.notes()]
        assert ("end", pending.key, before.owner) in ended, "it came back with an outcome, and had to throw it away"

    scene.wait(lambda: scene.store.search(search_id).state.ended, "the end of the search")
    course, events = course_of(scene.store, scene.settings, search_id), verdict.events_of(scene.store, search_id)
    verdict.ended_as_undisturbed(course, expected["plain"])
    verdict.written_by_its_holder(course, events)
    again = verdict.trained_once(course, events, scene.journal.notes(), workers=1)
    assert len(scene.claims(search_id)) == 1 + TAKEOVERS
    assert 1 <= again.again <= TAKEOVERS
