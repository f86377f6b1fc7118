"""Tokens and the audit in SQL."""

from __future__ import annotations

from datetime import datetime

from ....records import AuditEntry, Token, TokenId
from .. import book
from ..transactions import Transactions


class Access(Transactions):
    """See `nas.store.port.access.Access`."""

    def add_token(self, token: Token) -> None:
        """See `Store.add_token`."""
        self._write(book.add_token, token)

    def token(self, token_id: TokenId) -> Token:
        """See `Store.token`."""
        return self._read(book.token_with, token_id)

    def tokens(self) -> list[Token]:
        """See `Store.tokens`."""
        return self._read(book.all_tokens)

    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """See `Store.revoke_token`."""
        return self._write(book.revoke_token, token_id, at, by)

    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """See `Store.audit`."""
        return self._read(book.audit_after, after=after, limit=limit)
