"""Requests that are carried out once however often they are sent: again under the same key, after a lost connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import httpx

from .connection import ApiError, Connection, Model
from .following import passes

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Between one attempt and the next."""


def send_once(
    connection: Connection,
    model: type[Model],
    path: str,
    document: Mapping[str, Any],
    *,
    key: str | None,
    sleep: Callable[[float], None],
) -> Model:
    """POST a document that is acted on once, and read the answer.

    Args:
        connection: To the service.
        model: Of its answer.
        path: Where to.
        document: The body, a JSON object.
        key: What the request is called; None for a name that no other one has.
        sleep: Waits so many seconds.

    Raises:
        ApiError: The service refuses, is not there, or was lost for longer than all of `PAUSES_S`.
    """
    headers = {"Idempotency-Key": key or str(uuid4())}
    for number, pause_s in enumerate(PAUSES_S):
        try:
            return connection.ask(model, "POST", path, json=dict(document), headers=headers)
        except ApiError as error:
            absent = number == 0 and isinstance(error.__cause__, httpx.ConnectError | httpx.UnsupportedProtocol)
            if absent or not passes(error):
                raise
        sleep(pause_s)
    return connection.ask(model, "POST", path, json=dict(document), headers=headers)
