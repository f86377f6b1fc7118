"""Every error that a request can meet, as problem details: one table, from domain error to status, kind and hint."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from nas.catalogue import UnknownDataset
from nas.datasets import DatasetExists, DatasetKept
from nas.records import IllegalAction, IllegalTransition, TrainingEnded
from nas.service import NotBenchmarked, NotExportable, NotFinishable, NotReady
from nas.settings import allowed
from nas.store.base import AlreadyStored, KeyReused, NotFound, StoreError, StoreInUse
from nas.uploads import NoRoom, UploadTooLarge
from search_space.errors import InvalidInput, Problem, UnknownSpace

from .responses import PROBLEM_JSON
from .schemas import FieldProblem, ProblemView

MOST_PROBLEMS = 100
"""Problems that one answer lists."""

_log = structlog.get_logger(__name__)


class BadBody(ValueError):
    """A request's body is no JSON document that could be looked at."""


class BodyTooLarge(ValueError):
    """A request's body is larger than any document needs to be."""


class NotJson(ValueError):
    """A request's body does not say that it is JSON."""


class NotZip(ValueError):
    """A request's body does not say that it is a zip file."""


class NotImage(ValueError):
    """A request's body does not say that it is a picture of a format that is taken."""


class ImageTooLarge(ValueError):
    """A picture has more bytes or pixels than the service enlarges."""


class NotUpscaling(ValueError):
    """A finished model has no file yet that the web process can run."""


class CrossOrigin(ValueError):
    """A page of another origin tried to change something."""


class ForeignHost(ValueError):
    """A request names a host that this service is not, as after a page has rebound its DNS name."""


class Unauthenticated(Exception):
    """Nobody knows who asks."""

    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}


class Forbidden(Exception):
    """Whoever asks may not do that."""


class TooManyRequests(Exception):
    """Somebody asks more often than may be."""

    def __init__(self, detail: str, wait_s: float) -> None:
        self.headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}
        super().__init__(detail)


class Busy(Exception):
    """As many wait already as may."""

    def __init__(self, detail: str, wait_s: float) -> None:
        self.headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}
        super().__init__(detail)


class Unavailable(Exception):
    """The store does not answer."""


@dataclass(frozen=True)
class Kind:
    """How an error goes out. An error's own hint stands before ``hint``."""

    status: int
    name: str
    title: str
    hint: str = ""


KINDS: Mapping[type[Exception], Kind] = {
    BadBody: Kind(400, "bad-body", "The body cannot be read", "Send one JSON object, as /docs shows it."),
    ForeignHost: Kind(
        400, "foreign-host", "Not this host", "Name it in SRNAS_HOSTS, or use a name that the service knows."
    ),
    Unauthenticated: Kind(
        401,
        "unauthenticated",
        "A token is needed",
        "Send `Authorization: Bearer TOKEN` (the command line reads SRNAS_TOKEN); "
        "`srnas token create --role submitter NAME` makes one.",
    ),
    Forbidden: Kind(403, "forbidden", "Not allowed", "Ask an admin, or for a token of another role; see /v1/me."),
    CrossOrigin: Kind(403, "cross-origin", "Refused across origins", "Send the request from this service's own pages."),
    NotFound: Kind(404, "not-found", "Not found"),
    UnknownSpace: Kind(404, "not-found", "Not found"),
    UnknownDataset: Kind(404, "not-found", "Not found"),
    IllegalTransition: Kind(
        409, "illegal-transition", "Not possible in this state", "Look at the search's state first."
    ),
    IllegalAction: Kind(409, "illegal-action", "Not possible in this state", "Do one of those that it can."),
    NotExportable: Kind(409, "not-exportable", "Nothing to export", "Choose a candidate whose weights_kept is true."),
    NotReady: Kind(409, "not-ready", "No file yet"),
    NotBenchmarked: Kind(409, "not-benchmarked", "No benchmark yet"),
    NotFinishable: Kind(
        409, "not-finishable", "Cannot be trained to the end", "Choose a candidate whose weights_kept is true."
    ),
    TrainingEnded: Kind(409, "training-ended", "It has ended"),
    DatasetExists: Kind(409, "dataset-exists", "The name is taken"),
    DatasetKept: Kind(409, "dataset-kept", "Not removed"),
    AlreadyStored: Kind(409, "already-stored", "Already there", "Send the request again."),
    BodyTooLarge: Kind(413, "body-too-large", "The body is too large", "Send a document of at most 1 MiB."),
    NotUpscaling: Kind(
        409, "not-upscaling", "No network to run yet", "Ask for its export as onnx, and send the picture again then."
    ),
    ImageTooLarge: Kind(
        413, "image-too-large", "The picture is too large", "Send a smaller one, or run `srnas upscale` on an export."
    ),
    NotImage: Kind(415, "not-image", "The body is no picture", "Send Content-Type: image/png, image/jpeg, image/webp."),
    NotZip: Kind(415, "not-zip", "The body is no zip file", "Send Content-Type: application/zip."),
    NotJson: Kind(415, "not-json", "The body is not JSON", "Send Content-Type: application/json."),
    UploadTooLarge: Kind(413, "upload-too-large", "The upload is too large"),
    InvalidInput: Kind(422, "invalid-input", "Some fields hold what they may not hold"),
    KeyReused: Kind(422, "key-reused", "The key is another request's"),
    TooManyRequests: Kind(429, "too-many-requests", "Too many requests", "Wait as long as Retry-After says."),
    Busy: Kind(503, "busy", "Others come first", "Wait as long as Retry-After says."),
    NoRoom: Kind(507, "no-room", "No room for the upload"),
    StoreInUse: Kind(503, "unavailable", "Not available now"),
    StoreError: Kind(503, "unavailable", "Not available now", "Try again in a moment."),
    Unavailable: Kind(503, "unavailable", "Not available now", "Look at the database and its URL, then try again."),
}
"""Domain errors; a subclass goes out like its nearest base in the table."""

_HTTP_HINTS: Mapping[int, str] = {
    404: "Look at /docs for the paths there are.",
    405: "Look at /docs for the methods of this path.",
}


def install(app: FastAPI) -> None:
    """Answer every error of an application with problem details."""
    for error in KINDS:
        app.add_exception_handler(error, _domain_error)
    app.add_exception_handler(RequestValidationError, _malformed_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _defect)


def problem_response(
    kind: Kind,
    detail: str,
    *,
    hint: str = "",
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with problem details; its JSON is ASCII, so that any text can be carried."""
    view = ProblemView(
        type=f"urn:srnas:problem:{kind.name}",
        title=kind.title,
        status=kind.status,
        detail=detail,
        hint=hint or kind.hint,
        errors=[FieldProblem.of(problem) for problem in problems],
    )
    body = json.dumps(view.model_dump(mode="json"), allow_nan=False)
    return Response(body, status_code=kind.status, media_type=PROBLEM_JSON, headers=headers)


def kind_of(error: Exception) -> Kind:
    """The kind of a domain error: its own, or that of its nearest base."""
    return next(KINDS[base] for base in type(error).__mro__ if base in KINDS)


def answer(error: Exception, method: str, path: str) -> Response:
    """What goes out for a domain error, wherever it was met."""
    kind, hint = kind_of(error), getattr(error, "hint", "")
    if isinstance(error, InvalidInput):
        count = len(error.problems)
        listed = "listed in errors" if count <= MOST_PROBLEMS else f"the first {MOST_PROBLEMS} of them in errors"
        detail = f"{count} {'problem' if count == 1 else 'problems'} found, {listed}"
        return problem_response(kind, detail, hint=hint, problems=error.problems[:MOST_PROBLEMS])
    if kind.status < 500 or isinstance(error, Busy):
        return problem_response(kind, str(error), hint=hint, headers=getattr(error, "headers", None))
    if isinstance(error, NoRoom):
        _log.warning("no room for an upload", method=method, path=path, reason=str(error))
        return problem_response(kind, str(error), hint=hint)
    _log.error("not available", method=method, path=path, exc_info=error)
    return problem_response(kind, "the store could not be used; the server's log says why", hint=hint)


async def _domain_error(request: Request, error: Exception) -> Response:
    return answer(error, request.method, request.url.path)


async def _malformed_request(request: Request, error: Exception) -> Response:
    """Query values that FastAPI refused, in the shape of `InvalidInput`."""
    assert isinstance(error, RequestValidationError)
    problems = [
        Problem(".".join(str(part) for part in entry["loc"][1:]), entry.get("input"), _allowed(entry))
        for entry in error.errors()
    ]
    return await _domain_error(request, InvalidInput(problems))


def _allowed(entry: Mapping[str, Any]) -> str:
    return "no such parameter" if entry["type"] == "extra_forbidden" else allowed(str(entry["msg"]))


async def _http_error(request: Request, error: Exception) -> Response:
    """No such route or method."""
    assert isinstance(error, HTTPException)
    kind = Kind(error.status_code, "http", _phrase(error.status_code), _HTTP_HINTS.get(error.status_code, ""))
    return problem_response(kind, f"{request.method} {request.url.path}: {error.detail}", headers=error.headers)


async def _defect(request: Request, error: Exception) -> Response:
    """Anything that no table names is a defect: it is logged whole and tells the outside nothing."""
    _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    kind = Kind(500, "defect", "Internal error", "This is a defect: report it with the server's log of this moment.")
    return problem_response(kind, "the request could not be completed")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
