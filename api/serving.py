"""One command, one service: the web server in this process, and a controller beside it that is kept alive.

Neither process imports the other's weight: the controller is started as ``python -m nas controller``.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Protocol

import structlog
import uvicorn

from nas.service import utc_now
from nas.settings import InvalidSettings, Settings
from nas.store.base import Store
from nas.store.opening import open_store
from nas.tokens import Tokens
from search_space.errors import InvalidInput, Problem

from .app import create_app
from .settings import ApiSettings

STOP_TIMEOUT_S = 20.0
"""How long a controller may take to give its searches back before it is killed."""

OPEN_CONNECTIONS_TIMEOUT_S = 3
"""How long a stopping server waits for requests under way; event streams are ended at once."""

SHORTEST_RESTART_S, LONGEST_RESTART_S = 1.0, 60.0
HEALTHY_AFTER_S = 60.0
"""A controller that lived so long is started again without delay."""

Announce = Callable[[str], None]
"""Told the service's URL once it accepts requests."""

_log = structlog.get_logger(__name__)


class Process(Protocol):
    """What is needed of a child process: the part of `subprocess.Popen` used here."""

    def wait(self, timeout: float | None = None) -> int:
        """Exit status; raises `subprocess.TimeoutExpired`."""
        ...

    def terminate(self) -> None:
        """Ask it to stop."""
        ...

    def kill(self) -> None:
        """Stop it."""
        ...


def serve(settings: ApiSettings, announce: Announce) -> None:
    """Serve one installation until SIGINT or SIGTERM: web, controller and local workers.

    A SQLite file is taken exclusively by this process; the controller works in its shadow.

    Raises:
        InvalidInput: The port is taken, a setting is not allowed, there is no images root, or tokens are required and
            no admin has one.
        StoreInUse: Another process serves the database.
        KeyboardInterrupt: After a tidy stop, if it was SIGINT that asked for it.
    """
    settings.require_images_root()
    with _listening(settings) as listener, _opened(settings, exclusive=True) as store, _terminated_by_exit():
        require_admin(settings, store)
        supervisor = Supervisor(lambda: start_controller(settings))
        supervisor.start()
        try:
            _run_web(settings, store, listener, announce)
        finally:
            with _undisturbed():
                supervisor.stop()


def serve_web(settings: ApiSettings, announce: Announce) -> None:
    """Serve the web process alone, for a database that controllers share; raises what `serve` raises."""
    settings.require_images_root()
    with _listening(settings) as listener, _opened(settings, exclusive=False) as store, _terminated_by_exit():
        require_admin(settings, store)
        _run_web(settings, store, listener, announce)


def require_admin(settings: ApiSettings, store: Store) -> None:
    """Raise `InvalidSettings` where tokens are required and no admin has a live one: nobody could ever be let in."""
    if settings.token_required and not Tokens(store, utc_now).has_admin():
        allowed = (
            f"one to an admin, since at {settings.host} nobody gets in without a token, and no admin has a live one"
        )
        hint = "Make a token for the database of this service first: srnas token create --role admin NAME"
        raise InvalidSettings([Problem("token", None, allowed)], hint)


class Supervisor:
    """Keeps one child process alive: started again when it ends, sooner after a long life than after a short one.

    Args:
        spawn: Starts the child.
        clock: Seconds that only grow.
    """

    def __init__(self, spawn: Callable[[], Process], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._spawn = spawn
        self._clock = clock
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: Process | None = None
        self._thread = threading.Thread(target=self._watch, name="controller-supervisor", daemon=True)

    def start(self) -> None:
        """Start the child and watch over it."""
        self._thread.start()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """End the child, by force if it does not go in time, and stop watching."""
        self._stopping.set()
        with self._lock:
            child = self._child
        if child is not None:
            child.terminate()
            try:
                child.wait(timeout_s)
            except subprocess.TimeoutExpired:
                _log.warning("controller killed", waited_s=timeout_s)
                child.kill()
        self._thread.join()

    def _watch(self) -> None:
        delay_s = SHORTEST_RESTART_S
        while (child := self._begin()) is not None:
            since_s = self._clock()
            status = child.wait()
            if self._stopping.is_set():
                return
            lived_s = self._clock() - since_s
            delay_s = SHORTEST_RESTART_S if lived_s >= HEALTHY_AFTER_S else delay_s
            _log.error("controller ended", status=status, lived_s=round(lived_s, 1), restart_in_s=delay_s)
            self._stopping.wait(delay_s)
            delay_s = min(2 * delay_s, LONGEST_RESTART_S)

    def _begin(self) -> Process | None:
        """A new child, or None once there shall be no more."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._child = self._spawn()
            return self._child


def start_controller(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a controller as a child process, in a session of its own so that Ctrl-C reaches only its parent."""
    command = [sys.executable, "-m", "nas", "controller", "--parent", str(os.getpid())]
    return subprocess.Popen(command, env={**os.environ, **environment(settings)}, start_new_session=True)


def environment(settings: Settings) -> Mapping[str, str]:
    """The environment variables from which another process reads equal settings."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    return {f"SRNAS_{name.upper()}": str(value) for name, value in values.items() if value is not None}


class _Server(uvicorn.Server):
    """A server that says when it accepts requests, and when it is about to stop."""

    def __init__(self, config: uvicorn.Config, *, started: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started, self._say_stopping = started, stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._say_stopping()
        await super().shutdown(sockets)


def _run_web(settings: ApiSettings, store: Store, listener: socket.socket, announce: Announce) -> None:
    app = create_app(settings, store)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=OPEN_CONNECTIONS_TIMEOUT_S,
    )
    port = listener.getsockname()[1]
    server = _Server(
        config,
        started=lambda: announce(f"http://{settings.own_name}:{port}"),
        stopping=lambda: app.state.hub.close(),  # streams do not end by themselves
    )
    server.run(sockets=[listener])


@contextmanager
def _listening(settings: ApiSettings) -> Iterator[socket.socket]:
    """The socket to accept on, taken before anything else is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        hint = "Give another with --port; 0 takes any that is free."
        raise InvalidInput(
            [Problem("port", settings.port, f"a free port ({os.strerror(error.errno or 0)})")], hint
        ) from error
    with listener:
        # Connections inherit it. Asyncio sets it for sockets of its own making only; without it an answer's body waits
        # up to 40 ms for the client to acknowledge the head.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


@contextmanager
def _opened(settings: Settings, *, exclusive: bool) -> Iterator[Store]:
    store = open_store(settings.database, exclusive=exclusive)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _terminated_by_exit() -> Iterator[None]:
    """Turn SIGTERM into `SystemExit`, so that what is open is closed. Uvicorn raises it again after its own stop."""

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore further signals while the controller is being stopped, which takes a bounded time."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
