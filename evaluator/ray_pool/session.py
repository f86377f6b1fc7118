"""Ray itself: joined or started, and asked what it has. Knows nothing of jobs."""

from __future__ import annotations

import logging
import os
import secrets
import socket

import ray
from ray.exceptions import RayError

from ..executor import ExecutorError
from .seats import Node

NAMESPACE = "srnas"

HEAD_TIMEOUT, HEAD_TIMEOUT_S = "RAY_gcs_rpc_server_reconnect_timeout_s", "10"
"""Seconds without the head of the cluster after which Ray ends this process, with a message and status 1.

Nothing that is asked of Ray meanwhile comes back, and without a head there is nothing to go on with. Ray's own 60 s
would be twice the lease of a controller.
"""


CONNECT_S = 5.0
"""Seconds in which the head must take a connection before this process joins it."""


def join_or_start(address: str | None) -> bool:
    """Connect this process to Ray: to the one it knows, to a cluster, or to one that is started here.

    Args:
        address: The cluster to join; the one that RAY_ADDRESS names, if any, when None.

    Returns:
        Whether a Ray was started, which whoever asked must shut down.

    Raises:
        ExecutorError: Ray cannot be reached or started.
    """
    if ray.is_initialized():
        return False
    join = address or os.environ.get("RAY_ADDRESS")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault(HEAD_TIMEOUT, HEAD_TIMEOUT_S)
    if not join and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # Ray's ports are open to the network and run what they are sent. Its own default token would be
        # written to the home folder; one in the environment reaches our workers and nobody else.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        if join:
            _knock(join)
        ray.init(
            address=join or "local",
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=None if join else False,
        )
        # Ray writes the deaths of workers to standard output, which belongs to whoever called us; we log them.
        ray._private.worker._worker_logs_enabled = False
    except (OSError, RuntimeError, ValueError, RayError) as error:
        raise ExecutorError(
            f"Ray at {join or 'this machine'} cannot be reached: {error_text(error)}",
            retryable=True,
            hint="check that the cluster is up and its address, or name none to start Ray on this machine",
        ) from error
    return not join


def _knock(address: str) -> None:
    """Raise `OSError` where nobody listens at an address of the form HOST:PORT; Ray itself would wait for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()


def nodes() -> list[Node]:
    """The machines that are up, in Ray's order.

    Raises:
        ExecutorError: Ray does not answer.
    """
    try:
        entries = ray.nodes()  # type: ignore[no-untyped-call]  # Ray ships it without annotations
    except (ConnectionError, RuntimeError, RayError) as error:
        raise ExecutorError(
            f"Ray does not say which nodes it has: {error_text(error)}",
            retryable=True,
            hint="check that the head of the cluster is up",
        ) from error
    return [
        Node(
            id=entry["NodeID"],
            name=entry["NodeManagerHostname"],
            cpus=entry["Resources"].get("CPU", 0.0),
            gpus=entry["Resources"].get("GPU", 0.0),
        )
        for entry in entries
        if entry["Alive"]
    ]


def error_text(error: BaseException) -> str:
    """The last lines of an error, which tell what happened; Ray's texts carry whole tracebacks."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[-3:])}"[:500]
