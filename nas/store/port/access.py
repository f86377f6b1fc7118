"""Verbs about who may do what, and about who did what."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from ...records import AuditEntry, Token, TokenId


class Access(Protocol):
    """Tokens and the audit."""

    def add_token(self, token: Token) -> None:
        """Keep a token; `AlreadyStored` when its id is taken."""
        ...

    def token(self, token_id: TokenId) -> Token:
        """One token, live or not; `NotFound`."""
        ...

    def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        ...

    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """End a token; one that was revoked before keeps its time; `NotFound`."""
        ...

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """What people have changed, in order, those after ``after``."""
        ...
