"""For tests: the application in this process behind an ordinary httpx transport, and a recorded search."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from itertools import islice
from types import MappingProxyType
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

from nas.records import Candidate
from nas.store.base import Store
from nas.testing import START, make_candidate, make_evaluation, make_progress, told
from search_space.spaces.tiny import TINY


class InProcess(httpx.BaseTransport):
    """Carries requests to an application in this process; starts it, and stops it when it is closed.

    A request that raises is answered as a server would answer it.
    """

    def __init__(self, app: FastAPI) -> None:
        self._inner = httpx.ASGITransport(app, raise_app_exceptions=False)
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal())
            lifespan = app.router.lifespan_context(app)
            stack.enter_context(self._portal.wrap_async_context_manager(lifespan))
            self._stack = stack.pop_all()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, whole."""
        request.read()
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def close(self) -> None:
        """Stop the application."""
        self._stack.close()


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
