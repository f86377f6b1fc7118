"""Who bears a token: looked up in the store, remembered for a moment, refused where too many were wrong."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256

from starlette.concurrency import run_in_threadpool

from nas.records import Token

from .access import Principal
from .errors import TooManyRequests, Unauthenticated
from .limits import Buckets

REMEMBERED_S = 5.0
"""For how long a token that was found good is not looked up again: a revocation takes that long."""

MOST_REMEMBERED = 1024

FAILURES, FAILURES_PER_S = 10, 10 / 60
"""Wrong tokens that one address may send at once, and in a second afterwards."""


class Gate:
    """Turns an Authorization header into whoever asks. Belongs to one event loop.

    Args:
        bearer: The live token with some text, or None; it may wait for a database.
        required: Whether nobody gets in without a token.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        bearer: Callable[[str], Token | None],
        *,
        required: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.required = required
        self._bearer, self._clock = bearer, clock
        self._seen: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        self._failures = Buckets(FAILURES_PER_S, FAILURES, clock)

    async def bearer_of(self, authorization: bytes, address: str) -> Principal:
        """Whoever bears the token in an Authorization header.

        An address that sent many wrong tokens has to wait before another new one is looked at; tokens that were good
        a while ago are looked at all the same, so that nobody is locked out by a neighbour.

        Raises:
            Unauthenticated: It is no live token.
            TooManyRequests: The address has sent too many of those.
            StoreError: The store could not be asked.
        """
        key = sha256(authorization).digest()
        principal, until = self._seen.get(key, (None, 0.0))
        if principal is not None and self._clock() < until:
            return principal
        wait_s = 0.0 if principal is not None else self._failures.wait_s(address)
        if wait_s:
            raise TooManyRequests("too many wrong tokens came from this address", wait_s)
        token = await run_in_threadpool(self._look_up, authorization)
        if token is None:
            self._seen.pop(key, None)
            self._failures.take(address)
            raise Unauthenticated(_why_not(authorization))
        return self._remember(key, Principal(token.name, token.role))

    def forget(self) -> None:
        """Look every token up again, as after one was revoked; those that were good are remembered as such."""
        for key, (principal, _) in self._seen.items():
            self._seen[key] = (principal, -math.inf)

    def _look_up(self, authorization: bytes) -> Token | None:
        text = _token_in(authorization)
        return None if text is None else self._bearer(text)

    def _remember(self, key: bytes, principal: Principal) -> Principal:
        self._seen[key] = (principal, self._clock() + REMEMBERED_S)
        self._seen.move_to_end(key)
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return principal


def _token_in(authorization: bytes) -> str | None:
    """What an Authorization header bears; None where it is of another scheme."""
    scheme, _, text = authorization.decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _why_not(authorization: bytes) -> str:
    if _token_in(authorization) is None:
        return "the Authorization header must be `Bearer TOKEN`, and this one is of another scheme"
    return "this is no token of this service, or it was revoked or has expired"
