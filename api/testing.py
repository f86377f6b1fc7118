"""For tests: the application in this process behind an ordinary httpx transport, and a recorded search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any

import httpx
from anyio import BrokenResourceError, EndOfStream, Event, create_memory_object_stream
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from starlette.types import Message

from nas.export.benchmark_document import BenchmarkDocument
from nas.records import Candidate, Training
from nas.store.base import Store
from nas.testing import START, advanced, make_candidate, make_evaluation, make_progress, told
from search_space.spaces.tiny import TINY


class InProcess(httpx.BaseTransport):
    """Carries requests to an application in this process; starts it, and stops it when it is closed.

    Bodies of answers come as they are sent. A request that raises is answered as a server would answer it.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            lifespan = app.router.lifespan_context(app)
            stack.enter_context(self._portal.wrap_async_context_manager(lifespan))
            self._stack = stack.pop_all()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        exchange = self._portal.call(_Exchange, request)
        self._portal.start_task_soon(exchange.run, self._app)
        status, headers = self._portal.call(exchange.head)
        return httpx.Response(status, headers=headers, stream=_Body(self._portal, exchange))

    def close(self) -> None:
        """Stop the application."""
        self._stack.close()


class _Exchange:
    """One request and its answer, as ASGI has them. Belongs to the application's event loop."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self._head: tuple[int, list[tuple[bytes, bytes]]] = (500, [])
        self._asked, self._begun, self._left = False, Event(), Event()
        self._send, self._chunks = create_memory_object_stream[bytes](0)

    async def run(self, app: FastAPI) -> None:
        """Have the application answer."""
        url = self._request.url
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self._request.method,
            "headers": [(name.lower(), value) for name, value in self._request.headers.raw],
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": url.raw_path.partition(b"?")[0],
            "query_string": url.query,
            "server": (url.host, url.port),
            "client": ("127.0.0.1", 123),
            "root_path": "",
        }
        with self._send, suppress(Exception):  # which was answered already
            await app(scope, self._receive, self._take)
        self._begun.set()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._request.content, "more_body": False}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = (message["status"], list(message["headers"]))
            self._begun.set()
        elif message.get("body") and not self._left.is_set():
            with suppress(BrokenResourceError):
                await self._send.send(message["body"])

    async def head(self) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Status and headers of the answer."""
        await self._begun.wait()
        return self._head

    async def chunk(self) -> bytes:
        """Some bytes of the answer; none at its end."""
        try:
            return await self._chunks.receive()
        except EndOfStream:
            return b""

    async def leave(self) -> None:
        """Hang up."""
        self._left.set()
        self._chunks.close()


class _Body(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, portal: BlockingPortal, exchange: _Exchange) -> None:
        self._portal, self._exchange = portal, exchange

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._portal.call(self._exchange.chunk):
            yield chunk

    def close(self) -> None:
        self._portal.call(self._exchange.leave)


def connect(app: FastAPI) -> httpx.Client:
    """A plain HTTP client of an application in this process; close it."""
    return httpx.Client(base_url="http://localhost", transport=InProcess(app))


SPEC: dict[str, Any] = {
    "name": "sample",
    "space": "tiny",
    "dataset": {"train": "photos"},
    "objectives": ["psnr", "params"],
    "constraints": [{"metric": "params", "max": 10_000}],
    "recipe": {"patch": 16},
    "population": 4,
    "budget": {"evaluations": 10},
}
"""A spec that is accepted where ``photos`` lies below the images root."""


def record_search(store: Store, confirmations: Mapping[int, float] = MappingProxyType({})) -> list[Candidate]:
    """Record the oldest queued search as a controller would have left it, after five of its candidates.

    Over (PSNR, params) candidates 0 and 1 are the front, number 2 is better but violates a constraint, number 3
    diverged, and number 4 is being trained. Every time lies in the past.

    Args:
        store: Where the search is.
        confirmations: By ordinal of a candidate, the PSNR that another seed gives it; each is a candidate from 5 on.
    """
    lease = store.claim_search("tests", at=START, lease_s=60.0)
    assert lease is not None, "no search is queued"
    store.begin_search(
        lease,
        at=START,
        data_digest="d" * 32,
        data_notes=["8 images"],
        baseline={"psnr_db": 28.0},
        reference_point={"psnr": 28.0, "params": 20_000},
    )
    asked = [
        make_candidate(lease.search_id, ordinal, genotype=genotype, params=1000 + ordinal)
        for ordinal, genotype in enumerate(islice(TINY.enumerate(), 5))
    ]
    for candidate in asked:
        store.record_ask(lease, candidate)
    outcomes: list[tuple[dict[str, Any], float | None]] = [
        ({"psnr_db": 30.0}, 0.0),
        ({"psnr_db": 32.0}, 0.0),
        ({"psnr_db": 35.0}, 0.5),
        ({"failure_kind": "diverged", "failure_message": "the loss rose to 1e9"}, None),
    ]
    for candidate, (fields, violation) in zip(asked, outcomes, strict=False):
        number, evaluation = candidate.ordinal, make_evaluation(candidate, **fields)
        progress = make_progress(number + 1, failed=int(number == 3), in_flight=len(asked) - number - 1)
        store.record_tell(lease, told(candidate, evaluation, number, violation=violation), evaluation, progress)
    for told_ordinal, (number, psnr_db) in enumerate(confirmations.items(), start=len(outcomes)):
        candidate = make_candidate(
            lease.search_id, told_ordinal + 1, genotype=asked[number].genotype, operator="confirmation", replicate=1
        )
        store.record_ask(lease, candidate)
        evaluation = make_evaluation(candidate, psnr_db=psnr_db)
        progress = make_progress(told_ordinal + 1, failed=1, in_flight=1)
        store.record_tell(lease, told(candidate, evaluation, told_ordinal), evaluation, progress)
    return store.candidates(lease.search_id)


SHORT_RECIPE: dict[str, Any] = {"name": "quick", "steps": 100, "patch": 16}
"""A recipe of full trainings that fits the images of the tests."""


def finish_training(store: Store, step: int | None = None, **fields: Any) -> Training:
    """Bring the oldest training that waits to a step, its last one by default, as a controller would.

    Args:
        store: Where the training is.
        step: How far it gets in this stretch.
        fields: What else of the training changes.
    """
    now = datetime.now(UTC)
    claimed = store.claim_training("tests", at=now, lease_s=0.0)
    assert claimed is not None, "no training waits"
    lease, training = claimed
    reached = advanced(training, training.steps if step is None else step, **fields)
    if reached.status.ended:
        reached = replace(reached, finished_at=now)
    store.keep_training(lease, reached, at=now, lease_s=0.0)
    return store.training(training.id)


def make_benchmark() -> BenchmarkDocument:
    """What a model scores on one set, beside bicubic."""
    own = {"network": "model", "psnr_db": 36.9, "ssim": 0.95, "fsds_db": 40.0, "fsds_si_db": 38.0}
    bicubic = {"network": "bicubic", "psnr_db": 33.6, "ssim": 0.93, "fsds_db": 32.0, "fsds_si_db": 25.0}
    return BenchmarkDocument.model_validate(
        {
            "name": "network",
            "genotype": None,
            "scale": 2,
            "channels": 1,
            "params": 1001,
            "mult_adds": 10**9,
            "sets": [{"name": "Set5", "images": 5, "digest": "d", "lr": "as given"}],
            "scores": [{"set": "Set5", "protocol": "falsr"} | figures for figures in (own, bicubic)],
            "latencies": [],
            "published": [],
            "device": "cpu",
            "versions": {},
            "notes": [],
        }
    )
