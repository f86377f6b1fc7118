"""Templates become answers: escaped, complete or refused, and under a policy that lets no script of anybody's run."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.types import Scope

from nas.plots.markup import PARTS
from nas.standing import Document

from ..access import principal_of
from ..cookies import proof_of, token_of
from ..headers import SITE
from ..kept import kept_answer
from .assets import url
from .terms import EVENTS, TERMS

HTML = "text/html; charset=utf-8"

HEADERS = {
    "Content-Security-Policy": SITE.decode(),
    "Cache-Control": "no-store",  # who signs out leaves nothing behind
    "Referrer-Policy": "same-origin",  # without a referrer, browsers hide a form's origin from the service too
}


def rendered(scope: Scope, template: str, **values: Any) -> str:
    """A page as HTML.

    Args:
        scope: The request that it answers: says who asks, and with which cookie.
        template: Its name.
        values: Everything that it names; one that is missing is an error, not a gap.
    """
    principal = principal_of(scope)
    token = token_of(dict(scope["headers"]).get(b"cookie", b"")) if _by_token(scope) else None
    return (
        _environment()
        .get_template(template)
        .render(who=principal, csrf=proof_of(token) if token and principal else "", path=scope["path"], **values)
    )


def fragment(template: str, **values: Any) -> bytes:
    """A part of a page that says the same to everybody, so that it can be kept."""
    return _environment().get_template(template).render(**values).encode()


def page(request: Request, template: str, **values: Any) -> Response:
    """A page, or 304 where the script that asks for it anew holds what it would be."""
    text = rendered(request.scope, template, **values)
    held = request.headers.get("if-none-match")
    return kept_answer(Document.of(text.encode()), HTML, request, if_none_match=held, headers=HEADERS)


def _by_token(scope: Scope) -> bool:
    required: bool = scope["app"].state.gate.required
    return required


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("api.dashboard"), PARTS]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = url
    environment.globals["terms"] = TERMS
    environment.globals["events"] = EVENTS
    return environment
