"""Tokens, whoever bears one, and the trail of changes, on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from nas.records import AuditEntry, Role, Token

from .wire import Links, Wire, finite


class PrincipalView(Wire):
    """Who asks."""

    name: str = Field(description="The name of the token; `local` where none is needed.")
    role: Role = Field(description="What that person may do.")


class TokenRequest(Wire):
    """Which token to make."""

    name: str = Field(
        description="In whose name it speaks: at most 64 letters, digits, `._@-`; it owns what it submits."
    )
    role: Role = Field(description="What its bearer may do.")
    expires_at: AwareDatetime | None = Field(None, description="When it ends by itself; null for never.")


class TokenView(Wire):
    """One token, without its secret."""

    id: str = Field(description="Eight hexadecimal characters, the public part of the token.")
    name: str = Field(description="In whose name it speaks.")
    role: Role = Field(description="What its bearer may do.")
    live: bool = Field(description="Whether it may be used.")
    created_at: datetime = Field(description="When it was made.")
    created_by: str = Field(description="By whom.")
    expires_at: datetime | None = Field(description="When it ends by itself; null for never.")
    revoked_at: datetime | None = Field(description="When it was revoked; null unless it was.")
    links: Links

    @classmethod
    def of(cls, token: Token, now: datetime) -> TokenView:
        """The wire form of a token at a time."""
        return cls(**_token(token, now))


class NewTokenView(TokenView):
    """A token that was just made."""

    token: str = Field(description="What its bearer sends. It is told this once, and kept nowhere.")

    @classmethod
    def of_new(cls, token: Token, text: str, now: datetime) -> NewTokenView:
        """The wire form of a token and its text."""
        return cls(**_token(token, now), token=text)


class TokenList(Wire):
    """Every token."""

    items: list[TokenView] = Field(description="The tokens, oldest first, those that ended too.")


class AuditEntryView(Wire):
    """One change that somebody asked for."""

    ordinal: int = Field(description="Its number, from 1.")
    at: datetime = Field(description="When.")
    who: str = Field(description="Whose wish it was; empty where nobody was asked.")
    action: str = Field(description="What was done, such as `search.pause`.")
    subject: str = Field(description="What it was done to, an id or a name.")
    detail: dict[str, Any] = Field(description="What else there is to know.")

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditEntryView:
        """The wire form of an entry."""
        return cls(
            ordinal=entry.ordinal,
            at=entry.at,
            who=entry.who,
            action=entry.action,
            subject=entry.subject,
            detail=finite(entry.detail),
        )


class AuditPage(Wire):
    """Some changes, in order."""

    items: list[AuditEntryView] = Field(description="The changes.")
    next: int = Field(description="Give it as `after` for those that come later.")


def _token(token: Token, now: datetime) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "live": token.is_live(now),
        "created_at": token.created_at,
        "created_by": token.created_by,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "links": {"self": f"/v1/tokens/{token.id}"},
    }
