"""Who may do what, and who did: roles, tokens and the trail of changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

TokenId = NewType("TokenId", str)


class Role(StrEnum):
    """What a caller may do; each role may do what those before it may."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do all that another may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, kw_only=True)
class Token:
    """The right to speak to the service in a name. The secret itself is nowhere: only its digest is kept.

    Attributes:
        id: Eight hexadecimal characters, the public part of the token.
        name: In whose name it speaks; several tokens may bear one name.
        role: What its bearer may do.
        digest: SHA-256 of its secret, in hexadecimal.
        created_at: When it was made.
        created_by: By whom.
        expires_at: When it ends by itself; None for never.
        revoked_at: When it was revoked; None while it is live.
    """

    id: TokenId
    name: str
    role: Role
    digest: str
    created_at: datetime
    created_by: str = ""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it may be used."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One change that somebody asked for, numbered from 1.

    Attributes:
        ordinal: Its number.
        at: When.
        who: Whose wish it was; empty where nobody was asked.
        action: What was done, e.g. "search.pause".
        subject: What it was done to, an id or a name.
        detail: What a reader needs to know, as JSON values; no secret.
    """

    ordinal: int
    at: datetime
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)
