"""What every request passes before a route sees it: host, path, origin, token, role, rate and size. Knows no route.

A token comes in the Authorization header, or in the cookie of a browser that was signed in. Everything is closed that
`OPEN`, `STATIC` and `SIGNING` do not name: a route that forgets to say who may use it can be looked at by whoever has a
token, and changed by nobody who may only look.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nas.records import Role
from nas.store.base import NotFound

from .access import LOCAL, Principal, introduce, require_role
from .cookies import require_own_page, token_of
from .errors import KINDS, BodyTooLarge, CrossOrigin, ForeignHost, TooManyRequests, answer
from .gate import Gate
from .limits import Buckets, neighbourhood

OPEN = frozenset({"/health/live", "/health/ready", "/docs", "/openapi.json"})
"""What can be looked at without a token, and without asking the store who bears one."""

STATIC = "/static/"
"""Scripts and styles below there can be looked at likewise."""

SIGNING = frozenset({"/sign-in", "/sign-out"})
"""Where people come who have no token yet, or one no longer: what lies there asks the gate itself."""

HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})

MAX_BODY_BYTES = 2**20

UPLOADS, ARCHIVES = "/v1/datasets/", (b"application/zip", b"application/x-zip-compressed")
"""Archives put there may be larger than other bodies: their route counts for itself."""

PICTURES = re.compile(r"/v1/models/[^/]+/upscale")
"""Pictures sent there likewise."""

Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is let in.

    Attributes:
        hosts: Names that a Host header may bear, in lower case, without a port.
        origins: Other origins whose pages may send requests.
        rate_per_s: Requests of one caller in a second, in the long run; None for no limit.
        burst: Requests at once.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    rate_per_s: float | None
    burst: int


class Guard:
    """ASGI middleware that answers what may not pass with a problem, and says who asks where it may.

    Args:
        app: What is guarded; once it runs, its ``state.gate`` knows who bears a token.
        rules: What is let in.
        clock: Seconds that only grow.
    """

    def __init__(self, app: ASGIApp, rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._rules = app, rules
        self._rates = None if rules.rate_per_s is None else Buckets(rules.rate_per_s, rules.burst, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Headers = dict(scope["headers"])
        try:
            self._check(scope, headers)
            await self._admit(scope, headers)
            receive = bounded(receive, headers) if _is_bounded(scope, headers) else receive
        except tuple(KINDS) as error:
            await answer(error, scope["method"], scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Look at what needs no memory; `ForeignHost`, `NotFound`, `CrossOrigin`."""
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if host_name(host) not in self._rules.hosts:
            raise ForeignHost(f"the Host header names {host or 'nothing'}")
        if "\0" in scope["path"]:  # nothing has such an id, and databases refuse to look for one
            raise NotFound("resource", scope["path"])
        origin = headers.get(b"origin")
        if origin is None or scope["method"] in HARMLESS:
            return
        # Browsers name the page's origin in such requests, and let some of them through without asking first.
        name = origin.decode("latin-1").lower()
        if name.partition("://")[2] != host and name not in self._rules.origins:
            raise CrossOrigin(f"the request comes from a page of {name}")

    async def _admit(self, scope: Scope, headers: Headers) -> None:
        """Find out who asks, and whether they may; `Unauthenticated`, `Forbidden`, `TooManyRequests`."""
        gate: Gate = scope["app"].state.gate
        harmless = scope["method"] in HARMLESS
        address = neighbourhood(scope["client"][0] if scope.get("client") else "")
        principal: Principal | None = None if gate.required else LOCAL
        if _is_open(scope["path"], harmless=harmless):
            self._count(f"address {address}")
            return
        authorization = headers.get(b"authorization")
        borne = token_of(headers.get(b"cookie", b"")) if authorization is None and gate.required else None
        if borne is not None:
            authorization = f"Bearer {borne}".encode()
        if authorization is None:
            self._count(f"address {address}")
        else:
            principal = await gate.bearer_of(authorization, address)
            self._count(f"name {principal.name}")
        if borne is not None and not harmless:
            require_own_page(headers, borne)
        introduce(scope, require_role(principal, Role.VIEWER if harmless else Role.SUBMITTER))

    def _count(self, caller: str) -> None:
        wait_s = 0.0 if self._rates is None else self._rates.take(caller)
        if wait_s:
            rate = f"{self._rules.rate_per_s:g} requests a second, {self._rules.burst} at once"
            raise TooManyRequests(f"one caller may send {rate}", wait_s)


def bounded(receive: Receive, headers: Headers, most: int = MAX_BODY_BYTES) -> Receive:
    """A body of at most so many bytes: `BodyTooLarge` at once where it says more, and while it is read otherwise."""
    claimed = headers.get(b"content-length", b"")
    if claimed.isdigit() and int(claimed[:20]) > most:
        raise BodyTooLarge(f"it has more than {most} bytes")
    read = 0

    async def receive_and_count() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > most:
            raise BodyTooLarge(f"it has more than {most} bytes")
        return message

    return receive_and_count


def _is_open(path: str, *, harmless: bool) -> bool:
    return path in SIGNING or (harmless and (path in OPEN or path.startswith(STATIC)))


def host_name(host: str) -> str:
    """The name in a Host header, without the port."""
    return host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _is_bounded(scope: Scope, headers: Headers) -> bool:
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if scope["method"] == "POST" and PICTURES.fullmatch(scope["path"]):
        return not media_type.startswith(b"image/")
    return not (scope["method"] == "PUT" and scope["path"].startswith(UPLOADS) and media_type in ARCHIVES)
