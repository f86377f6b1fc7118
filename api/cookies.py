"""The cookie in which a browser bears its token, and the proof that a change comes from one of the service's own pages.

The cookie is the token itself. Scripts cannot read it, other sites' pages cannot have it sent, and it is never logged.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

from .errors import CrossOrigin

COOKIE = "srnas_session"

PROOF_HEADER = "X-CSRF-Token"

_VALUE = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Forged(CrossOrigin):
    """Somebody's browser was made to send a change, or a script of theirs forgot the proof."""

    hint = f"Send the {PROOF_HEADER} that the page bears; programs send `Authorization: Bearer TOKEN` instead."


def token_of(cookies: bytes) -> str | None:
    """The token in a Cookie header; None where it bears none.

    >>> token_of(b"a=b; srnas_session=srnas_1_x"), token_of(b"a=b")
    ('srnas_1_x', None)
    """
    for pair in cookies.decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE and _VALUE.fullmatch(value):
            return value
    return None


def cookie(token: str, *, secure: bool) -> str:
    """The Set-Cookie header that has a browser bear a token until it is closed; an empty token ends that.

    >>> cookie("", secure=False)
    'srnas_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0'
    """
    ended = "" if token else "; Max-Age=0"
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{ended}{'; Secure' if secure else ''}"


def proof_of(token: str) -> str:
    """What pages made for a token bear, and nobody else can tell: 64 hexadecimal digits."""
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()


def require_proof(token: str, proof: str) -> None:
    """Raise `Forged` unless a change comes with the proof of the token that it is asked with."""
    if not hmac.compare_digest(proof_of(token).encode(), proof.encode()):
        raise Forged("a change that a browser asks for must bear the proof of the page that it comes from")


def require_own_page(headers: Mapping[bytes, bytes], token: str) -> None:
    """Raise `CrossOrigin` unless a change that a browser asks for with its cookie comes from a page of this host."""
    origin = headers.get(b"origin", b"").lower()
    if origin and origin.partition(b"://")[2] != headers.get(b"host", b"").lower():
        raise CrossOrigin(f"the request comes from a page of {origin.decode('latin-1')}")
    require_proof(token, headers.get(PROOF_HEADER.lower().encode(), b"").decode("latin-1"))
