"""What tests of pages share: applications on real sockets, and a real browser that looks at them."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 20_000
"""How long a page may take to show what is expected of it, on a machine that has other work."""


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://localhost:{listener.getsockname()[1]}"  # connections wait until it accepts them
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], str]]:
    """Serves an application until the test is over; gives its address."""
    with ExitStack() as serving:
        yield lambda app: serving.enter_context(_served(app))


@pytest.fixture(scope="module")
def serve_long() -> Iterator[Callable[[FastAPI], str]]:
    """Serves an application until the last test of a file is over; gives its address."""
    with ExitStack() as serving:
        yield lambda app: serving.enter_context(_served(app))


@pytest.fixture(scope="module")  # it keeps an event loop in this thread, which other tests must not meet
def browser() -> Iterator[Any]:
    """A Chromium without a window; skips where there is none, or nothing to drive it."""
    missing = "playwright, which drives the browser, is not installed"
    sync_api = pytest.importorskip("playwright.sync_api", reason=missing)
    if CHROMIUM is None:
        pytest.skip("no Chromium here: install Debian's `chromium`")
    sync_api.expect.set_options(timeout=PATIENCE_MS)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@dataclass
class Visit:
    """A page in the browser, with all that it complained of and asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture
def watch() -> Callable[[Any], Visit]:
    """Listens to a page of the browser."""
    return Visit


@pytest.fixture
def visit_to(browser: Any) -> Iterator[Callable[[str], Visit]]:
    """Opens a page at an address; closes it when the test is over."""
    with ExitStack() as opened:
        yield lambda url: Visit(opened.enter_context(closing(browser.new_page(base_url=url))))
