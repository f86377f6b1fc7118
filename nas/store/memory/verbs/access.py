"""Tokens and the audit in memory."""

from __future__ import annotations

from datetime import datetime

from ....records import AuditEntry, Token, TokenId
from ..state import State
from ..verb import verb


class Access(State):
    """See `nas.store.port.access.Access`."""

    @verb
    def add_token(self, token: Token) -> None:
        """See `Store.add_token`."""
        self._book.add_token(token)

    @verb
    def token(self, token_id: TokenId) -> Token:
        """See `Store.token`."""
        return self._book.token(token_id)

    @verb
    def tokens(self) -> list[Token]:
        """See `Store.tokens`."""
        return self._book.tokens()

    @verb
    def revoke_token(self, token_id: TokenId, *, at: datetime, by: str = "") -> Token:
        """See `Store.revoke_token`."""
        return self._book.revoke_token(token_id, at, by)

    @verb
    def audit(self, *, after: int = 0, limit: int = 100) -> list[AuditEntry]:
        """See `Store.audit`."""
        return self._book.audit(after, limit)
