"""Composition root of the web process: settings, store, service and routes become one application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from nas.service import Service
from nas.store.base import Store
from nas.store.opening import open_store
from nas.tokens import Tokens

from .access_log import AccessLog
from .dashboard import assets, candidate, log, model, new_search, pages, reference, roster, search, session
from .dashboard.refusals import Refusals
from .enlarging import Enlarger
from .errors import install
from .gate import Gate
from .guards import OPEN, Guard, Rules
from .headers import SecureHeaders
from .hub import Hub
from .metrics import Metrics
from .request_ids import RequestIds
from .responses import tidied
from .routes import (
    artifacts,
    audit,
    bundles,
    candidates,
    cloud,
    datasets,
    estimates,
    events,
    exports,
    front,
    health,
    metrics,
    models,
    searches,
    spaces,
    statistics,
    tokens,
    trainings,
    upscaling,
    workers,
)
from .settings import ApiSettings, read_api_settings
from .version import VERSION

DESCRIPTION = """\
Neural architecture search for lightweight image super-resolution.

Submit a search, watch it, query its Pareto front, train the networks on it to the end, and ask for them as files.
Work is accepted with 202 and a `Location`; errors are problem details (RFC 9457) with a hint, and name every field that
is wrong at once.
"""

TAGS = {
    "searches": "Estimate, submit, list, look, steer.",
    "candidates": "The networks that a search asked about.",
    "front": "The candidates that no other one dominates.",
    "statistics": "What a search has shown about its own parts.",
    "trainings": "Train candidates to the end.",
    "models": "What that gave: finished models, their files and benchmarks.",
    "exports": "Ask for files of a candidate.",
    "artifacts": "The files.",
    "events": "What happened in a search.",
    "workers": "Who trains what now.",
    "datasets": "The images that a spec may name.",
    "spaces": "The sets of networks to search in.",
    "access": "Who may do what, and who did: tokens and the audit.",
    "health": "For whoever watches over the process.",
}

ROUTERS = tuple(
    module.router
    for module in (
        searches,
        estimates,
        candidates,
        front,
        cloud,
        statistics,
        trainings,
        models,
        upscaling,
        exports,
        artifacts,
        bundles,
        events,
        workers,
        datasets,
        spaces,
        tokens,
        audit,
        health,
        metrics,
    )
)

PAGES = tuple(
    module.router for module in (pages, new_search, search, roster, log, candidate, model, reference, session, assets)
)
"""What people look at; the OpenAPI document does not tell of it."""

CORS_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
CORS_HEADERS = ("Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID")
CORS_EXPOSED = ("ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Request-Id")
"""What pages of the origins in SRNAS_CORS_ORIGINS may send and read."""


class App(FastAPI):
    """FastAPI whose OpenAPI document gives errors the media type that they have, and whose answers are all guarded."""

    def build_middleware_stack(self) -> ASGIApp:
        """What answers requests, failures of the middleware included."""
        return RequestIds(SecureHeaders(Refusals(super().build_middleware_stack())))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self.openapi_schema or tidied(super().openapi(), OPEN.__contains__)


def create_app(settings: ApiSettings | None = None, store: Store | None = None) -> FastAPI:
    """Make the web application.

    Args:
        settings: Where things lie and where to listen; by default from the environment.
        store: A store to use, which stays the caller's to close; by default the one that the settings name is opened
            when the application starts and closed when it stops.

    Raises:
        InvalidInput: The environment holds settings that are not allowed.

    Example:
        >>> create_app().title
        'srnas'
    """
    chosen = read_api_settings() if settings is None else settings

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = open_store(chosen.database) if store is None else store
        app.state.service = Service(opened, chosen)
        app.state.tokens = Tokens(opened, app.state.service.now)
        app.state.gate = Gate(app.state.tokens.bearer, required=chosen.token_required)
        app.state.hub = Hub(app.state.service, most=chosen.max_streams)
        app.state.enlarger = Enlarger(chosen.upscale_megapixels)
        app.state.metrics = Metrics()
        app.state.metrics.watch(app.state.service, lambda: app.state.hub.streams)
        try:
            yield
        finally:
            app.state.hub.close()
            if store is None:
                opened.close()

    app = App(
        title="srnas",
        summary="Neural architecture search for lightweight image super-resolution, as a service.",
        description=DESCRIPTION,
        version=VERSION,
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
        separate_input_output_schemas=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.roles = reference.roles(route for router in ROUTERS for route in router.routes)
    for router in ROUTERS + PAGES:
        app.include_router(router)
    install(app)
    app.add_middleware(Guard, rules=_rules(chosen))
    if chosen.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=chosen.cors_origins,
            allow_methods=CORS_METHODS,
            allow_headers=CORS_HEADERS,
            expose_headers=CORS_EXPOSED,
        )
    app.add_middleware(AccessLog, count=lambda *seen: app.state.metrics.count(*seen))
    return app


def _rules(settings: ApiSettings) -> Rules:
    return Rules(
        hosts=frozenset(settings.host_names),
        origins=frozenset(settings.cors_origins),
        rate_per_s=settings.rate_per_s,
        burst=settings.burst,
    )


def _operation_id(route: APIRoute) -> str:
    return route.name
