"""Bearer tokens: made, shown once, checked and revoked. A secret is kept nowhere, only its digest is.

A token is ``srnas_ID_SECRET``: eight hexadecimal characters that may be known, and 256 random bits that may not.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from search_space.errors import InvalidInput, Problem

from .records import Role, Token, TokenId
from .store.base import NotFound, Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
LOCAL_NAME = "local"
"""Whoever asks where no token is needed; no token bears it."""

_TEXT = re.compile(r"srnas_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_NOBODYS_DIGEST = "0" * 64

Compare = Callable[[str, str], bool]
"""Whether two texts are equal, in a time that does not tell where they differ."""


def make_token(
    name: str,
    role: Role,
    *,
    at: datetime,
    by: str,
    expires_at: datetime | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[Token, str]:
    """A new token and the text that its bearer sends, which nothing can be made to tell again.

    Args:
        name: In whose name it speaks: at most 64 letters, digits, ``._@-``, the first a letter or digit.
        role: What its bearer may do.
        at: The time (UTC).
        by: Who makes it.
        expires_at: When it ends by itself; None for never.
        random: Gives so many random bytes.

    Raises:
        InvalidInput: The name may not be borne, or it would have expired already.
    """
    problems = []
    if not NAME.fullmatch(name) or name == LOCAL_NAME:
        allowed = f"at most 64 letters, digits, '.', '_', '@' and '-', the first a letter or digit; not {LOCAL_NAME!r}"
        problems.append(Problem("name", name, allowed))
    if expires_at is not None and expires_at <= at:
        problems.append(Problem("expires_at", expires_at.isoformat(), f"a time after {at.isoformat()}"))
    if problems:
        raise InvalidInput(problems)
    token_id, secret = random(4).hex(), urlsafe_b64encode(random(32)).rstrip(b"=").decode()
    token = Token(
        id=TokenId(token_id),
        name=name,
        role=role,
        digest=digest_of(secret),
        created_at=at,
        created_by=by,
        expires_at=expires_at,
    )
    return token, f"srnas_{token_id}_{secret}"


def parse_token(text: str) -> tuple[TokenId, str] | None:
    """Id and secret of a token's text; None if it is none."""
    found = _TEXT.fullmatch(text)
    return None if found is None else (TokenId(found[1]), found[2])


def digest_of(secret: str) -> str:
    """What is kept of a secret; 256 random bits need no slow hash."""
    return sha256(secret.encode()).hexdigest()


class Tokens:
    """The tokens of one store.

    Args:
        store: Where they are.
        clock: The time (UTC).
        compare: Compares two digests.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], *, compare: Compare = hmac.compare_digest) -> None:
        self._store, self._clock, self._compare = store, clock, compare

    def create(self, name: str, role: Role, *, by: str, expires_at: datetime | None = None) -> tuple[Token, str]:
        """Make and keep a token; the text is for its bearer, and for nobody else; `InvalidInput`."""
        token, text = make_token(name, role, at=self._clock(), by=by, expires_at=expires_at)
        self._store.add_token(token)
        return token, text

    def bearer(self, text: str) -> Token | None:
        """The live token whose text this is; None if there is none.

        An id that nobody has costs the same work as one that somebody has.
        """
        parsed = parse_token(text)
        if parsed is None:
            return None
        token_id, secret = parsed
        kept = self._find(token_id)
        right = self._compare(digest_of(secret), _NOBODYS_DIGEST if kept is None else kept.digest)
        return kept if kept is not None and right and kept.is_live(self._clock()) else None

    def all(self) -> list[Token]:
        """Every token, oldest first, those that ended too."""
        return self._store.tokens()

    def revoke(self, token_id: str, *, by: str) -> Token:
        """End a token; `NotFound`."""
        return self._store.revoke_token(TokenId(token_id), at=self._clock(), by=by)

    def has_admin(self) -> bool:
        """Whether there is a live token of an admin."""
        now = self._clock()
        return any(token.role is Role.ADMIN and token.is_live(now) for token in self.all())

    def _find(self, token_id: TokenId) -> Token | None:
        try:
            return self._store.token(token_id)
        except NotFound:
            return None
