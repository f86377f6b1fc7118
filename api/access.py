"""Who is asking, and what that person may do. Knows no token: `api.guards` has found out who it is before.

Whoever is known may look; a change takes a submitter, and one of a search its owner; an admin may do everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope
from structlog.contextvars import bind_contextvars

from nas.records import Role, Search

from .errors import Forbidden, Unauthenticated


@dataclass(frozen=True)
class Principal:
    """Somebody who asks.

    Attributes:
        name: In whose name: the token's.
        role: What that person may do.
    """

    name: str
    role: Role


LOCAL = Principal("local", Role.ADMIN)
"""Whoever asks on this machine where no token is needed."""


def introduce(scope: Scope, principal: Principal) -> None:
    """Note who asks, for the routes and every line of the log."""
    bind_contextvars(who=principal.name)
    scope.setdefault("state", {})["principal"] = principal


def principal_of(scope: Scope) -> Principal | None:
    """Who asks; None where that is not known."""
    found: Principal | None = scope.get("state", {}).get("principal")
    return found


def require_role(principal: Principal | None, role: Role) -> Principal:
    """Whoever asks, if their role includes another one; `Unauthenticated`, `Forbidden`."""
    if principal is None:
        raise Unauthenticated("this needs a token")
    if not principal.role.includes(role):
        raise Forbidden(f"this takes the role {role}, and the token of {principal.name} has the role {principal.role}")
    return principal


def require_owner(principal: Principal, search: Search) -> None:
    """Let a submitter change own searches only, and an admin any; `Forbidden`."""
    require_role(principal, Role.SUBMITTER)
    if principal.role is not Role.ADMIN and search.owner != principal.name:
        whose = f"of {search.owner}" if search.owner else "of nobody"
        raise Forbidden(f"search {search.id} is {whose}, and only its owner or an admin may change it")


async def viewer(request: Request) -> Principal:
    """Whoever may look."""
    return require_role(principal_of(request.scope), Role.VIEWER)


async def submitter(request: Request) -> Principal:
    """Whoever may submit, and change what is their own."""
    return require_role(principal_of(request.scope), Role.SUBMITTER)


async def admin(request: Request) -> Principal:
    """Whoever may do everything."""
    return require_role(principal_of(request.scope), Role.ADMIN)


Viewer = Annotated[Principal, Depends(viewer)]
Submitter = Annotated[Principal, Depends(submitter)]
Admin = Annotated[Principal, Depends(admin)]
