"""A connection to a service: requests out, wire models or one kind of error back. Speaks HTTP, knows no resource."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from search_space.errors import Problem

from .schemas import ProblemView

EVENT_STREAM = "text/event-stream"

LONGEST_SILENCE_S = 45.0
"""A stream on which not even comments come any more is lost: they come every 15 seconds."""

TOKEN_VARIABLE = "SRNAS_TOKEN"
"""The environment variable with the token to send: a command line would show it to everybody on the machine."""

TOKEN_HINT = (
    f"Put a token of this service into {TOKEN_VARIABLE}; "
    "its admin makes one with `srnas token create --role submitter NAME`."
)

Model = TypeVar("Model", bound=BaseModel)


class ApiError(Exception):
    """The service did not do what it was asked for.

    Attributes:
        status: HTTP status code; None when there was no answer, or it was not the one hoped for.
        title: Kind of problem.
        detail: What happened.
        hint: What to do next.
        problems: Every field that is wrong.
    """

    def __init__(
        self, status: int | None, title: str, detail: str, hint: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        self.status, self.title, self.detail, self.hint = status, title, detail, hint
        self.problems = tuple(problems)
        lines = [f"{title}: {detail}", *map(str, self.problems), *([hint] if hint else [])]
        super().__init__("\n".join(lines))


class Connection:
    """A connection to one service; close it.

    Args:
        base_url: Where the service is.
        transport: How requests travel; by default over the network, without proxies.
        token: The token to send with every request, if any.
        timeout_s: Longest wait for one answer.

    Raises:
        ApiError: The token is none.
    """

    def __init__(
        self, base_url: str, transport: httpx.BaseTransport | None, *, token: str | None = None, timeout_s: float
    ) -> None:
        self._base_url, self._timeout_s = base_url, timeout_s
        self._http = httpx.Client(
            base_url=base_url,
            transport=transport,
            headers=_authorization(token or ""),
            timeout=timeout_s,
            trust_env=False,
        )

    def close(self) -> None:
        """Close it."""
        self._http.close()

    def ask(self, model: type[Model], method: str, path: str, **rest: Any) -> Model:
        """Send a request and read its JSON answer; `ApiError`."""
        response = self.send(method, path, **rest)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise self._strange(response) from error

    def send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        """Send a request; its successful answer, whatever it holds; `ApiError`."""
        with self._answering():
            response = self._http.request(method, path, **rest)
        if not response.is_success:
            raise self._refusal(response)
        return response

    @contextmanager
    def stream(self, path: str, query: Mapping[str, Any], last_id: str | None) -> Iterator[Iterator[bytes] | None]:
        """The bytes of an event stream as they come, after the event with the last id; None where nothing follows.

        `ApiError`, also while it is read.
        """
        headers = {"Accept": EVENT_STREAM} | ({} if last_id is None else {"Last-Event-ID": last_id})
        timeout = httpx.Timeout(self._timeout_s, read=max(self._timeout_s, LONGEST_SILENCE_S))
        with (
            self._answering(),
            self._http.stream("GET", path, params=dict(query), headers=headers, timeout=timeout) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._refusal(response)
            if response.status_code == HTTPStatus.NO_CONTENT:
                yield None
                return
            if not response.headers.get("Content-Type", "").startswith(EVENT_STREAM):
                raise self._strange(response)
            try:
                yield response.iter_bytes()
            except ValidationError as error:
                raise self._strange(response) from error

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes of a successful answer as they come; `ApiError`, also while it is read."""
        with self._answering(), self._http.stream("GET", path) as response:
            if not response.is_success:
                response.read()
                raise self._refusal(response)
            yield response.iter_bytes()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what goes wrong on the way into `ApiError`."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise ApiError(None, "No answer in time", f"{self._base_url}: {error}", "Try again.") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            hint = "Start the service with `srnas serve`, or give the address of one that runs."
            raise ApiError(None, "The service cannot be reached", f"{self._base_url}: {error}", hint) from error

    def _refusal(self, response: httpx.Response) -> ApiError:
        try:
            problem = ProblemView.model_validate_json(response.content)
        except ValidationError:
            return self._strange(response)
        problems = [entry.problem for entry in problem.errors]
        hint = TOKEN_HINT if problem.status == HTTPStatus.UNAUTHORIZED else problem.hint
        return ApiError(problem.status, problem.title, problem.detail, hint, problems)

    def _strange(self, response: httpx.Response) -> ApiError:
        detail = f"{self._base_url} answered {response.status_code} with something that this client cannot read"
        hint = "Look whether srnas listens there, in the same version as this client."
        return ApiError(response.status_code, "Not the answer of a srnas service", detail, hint)


def _authorization(token: str) -> dict[str, str]:
    """The header that bears a token; nothing without one."""
    if not (text := token.strip()):
        return {}
    if not re.fullmatch("[!-~]+", text):  # httpx would show it in its error
        raise ApiError(
            None, "Not a token", "what was given as a token holds blanks or letters that none has", TOKEN_HINT
        )
    return {"Authorization": f"Bearer {text}"}
