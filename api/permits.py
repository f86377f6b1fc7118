"""The part of the client that asks who may do what, and who did. Speaks HTTP, knows the wire models only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import final
from urllib.parse import quote

from nas.records import Role

from .connection import Connection
from .schemas import AuditEntryView, AuditPage, NewTokenView, PrincipalView, TokenList, TokenView


@final
class Permits:
    """Tokens and the audit of one service; every method raises `ApiError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def me(self) -> PrincipalView:
        """Who asks, by the token that is sent."""
        return self._connection.ask(PrincipalView, "GET", "/v1/me")

    def tokens(self) -> list[TokenView]:
        """Every token, oldest first; takes an admin."""
        return self._connection.ask(TokenList, "GET", "/v1/tokens").items

    def create_token(self, name: str, role: Role, *, expires_at: datetime | None = None) -> NewTokenView:
        """Make a token, whose text is told this once; takes an admin."""
        body = {"name": name, "role": role.value, "expires_at": None if expires_at is None else expires_at.isoformat()}
        return self._connection.ask(NewTokenView, "POST", "/v1/tokens", json=body)

    def revoke_token(self, token_id: str) -> TokenView:
        """End a token; takes an admin."""
        return self._connection.ask(TokenView, "DELETE", f"/v1/tokens/{quote(token_id, safe='')}")

    def audit(self, *, after: int = 0) -> Iterator[AuditEntryView]:
        """Every change that somebody asked for so far, in order; takes an admin."""
        query = {"limit": 1000}
        while (page := self._connection.ask(AuditPage, "GET", "/v1/audit", params=query | {"after": after})).items:
            yield from page.items
            after = page.next
