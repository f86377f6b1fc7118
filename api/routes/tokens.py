"""Tokens: made, listed and revoked by an admin, and who bears the one that was sent."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from nas.checks import spec_problems
from nas.tokens import Tokens
from search_space.errors import InvalidInput

from ..access import Admin, Viewer, admin
from ..deps import JsonObject, ServiceDep
from ..responses import problems
from ..schemas import NewTokenView, PrincipalView, TokenList, TokenRequest, TokenView

router = APIRouter(prefix="/v1", tags=["access"])

_SCHEMA = TokenRequest.model_json_schema(ref_template="#/components/schemas/{model}")
del _SCHEMA["$defs"]  # they are among the components of the document

TOKEN_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}},
}


async def _tokens(request: Request) -> Tokens:
    found: Tokens = request.app.state.tokens
    return found


TokensDep = Annotated[Tokens, Depends(_tokens)]


@router.get("/me", responses=problems())
async def get_me(asking: Viewer) -> PrincipalView:
    """Say who asks, and with which role."""
    return PrincipalView(name=asking.name, role=asking.role)


@router.get("/tokens", responses=problems(403), dependencies=[Depends(admin)])
def list_tokens(tokens: TokensDep, service: ServiceDep) -> TokenList:
    """List every token, oldest first, without its secret. Takes an admin."""
    now = service.now()
    return TokenList(items=[TokenView.of(token, now) for token in tokens.all()])


@router.post("/tokens", status_code=201, responses=problems(400, 409, 413, 415, 422), openapi_extra=TOKEN_BODY)
def create_token(asking: Admin, document: JsonObject, tokens: TokensDep, service: ServiceDep) -> NewTokenView:
    """Make a token. Its text is in this answer and never again. Takes an admin."""
    try:
        wanted = TokenRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, TokenRequest, {})) from None
    token, text = tokens.create(wanted.name, wanted.role, by=asking.name, expires_at=wanted.expires_at)
    return NewTokenView.of_new(token, text, service.now())


@router.delete("/tokens/{token_id}", responses=problems(404))
async def revoke_token(
    token_id: Annotated[str, Path(description="Id of a token.")],
    tokens: TokensDep,
    service: ServiceDep,
    asking: Admin,
    request: Request,
) -> TokenView:
    """End a token. This process takes note at once, others on the same database within seconds. Takes an admin."""
    token = await run_in_threadpool(tokens.revoke, token_id, by=asking.name)
    request.app.state.gate.forget()
    return TokenView.of(token, service.now())
