"""The page of the REST interface, at /docs: every route of the OpenAPI document, with what it takes and answers."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from nas.records import Role
from nas.store.base import StoreError

from ..access import LOCAL, admin, introduce
from ..cookies import token_of
from ..errors import TooManyRequests, Unauthenticated
from ..gate import Gate
from ..guards import HARMLESS, OPEN
from ..limits import neighbourhood
from .rendering import page
from .shapes import Object, Schema, Schemas, default_of, example, has_fields, names, objects, words

router = APIRouter(include_in_schema=False)

Roles = Mapping[tuple[str, str], str]
"""Who may send a request, by its method and path."""

PROBLEM = "ProblemView"
"""What every error is."""

TEXTS = ("application/json", "text/", "image/svg+xml")
"""What a terminal can show; anything else goes into a file."""


class ReferenceView(BaseModel):
    """Which routes are shown."""

    q: str = Field("", max_length=200)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A value in a request's path, query or head."""

    name: str
    place: str
    words: str
    needed: bool
    description: str
    default: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """A body of one media type, or a value that the document has a name for: in words, and the objects in it."""

    title: str
    words: str
    names: tuple[str, ...]
    objects: tuple[Object, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a request may be answered with."""

    status: str
    description: str
    headers: Mapping[str, str]
    contents: tuple[Content, ...]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route, and all that the page says of it.

    Attributes:
        id: Its name, unique.
        method: In capitals.
        path: With its parameters in braces.
        summary: In a few words.
        description: Its paragraphs.
        role: Who may ask; empty for everybody.
        parameters: In its path, query and head.
        body: What it may be sent.
        answers: Of its success, and where nothing has changed.
        errors: Its other statuses, each with its name.
        curl: A request from a terminal.
        shown: Whether it is among those that were looked for.
    """

    id: str
    method: str
    path: str
    summary: str
    description: tuple[str, ...]
    role: str
    parameters: tuple[Parameter, ...]
    body: tuple[Content, ...]
    answers: tuple[Answer, ...]
    errors: Mapping[str, str]
    curl: str
    shown: bool


@dataclass(frozen=True, kw_only=True)
class Group:
    """Routes around one thing."""

    name: str
    description: str
    operations: tuple[Operation, ...]


async def recognise(request: Request) -> None:
    """Note who looks at a page that is open to everybody, where that can be told."""
    gate: Gate = request.app.state.gate
    if not gate.required:
        introduce(request.scope, LOCAL)
    elif token := token_of(request.headers.get("cookie", "").encode("latin-1")):
        with suppress(Unauthenticated, TooManyRequests, StoreError):
            address = neighbourhood("" if request.client is None else request.client.host)
            introduce(request.scope, await gate.bearer_of(f"Bearer {token}".encode("latin-1"), address))


@router.get("/docs", dependencies=[Depends(recognise)])
def show_reference(view: Annotated[ReferenceView, Query()], request: Request) -> Response:
    """Show the REST interface; to everybody, for without it nobody would know how to begin."""
    document = request.app.openapi()
    schemas: Schemas = document["components"]["schemas"]
    found = groups(document, request.app.state.roles, str(request.base_url).rstrip("/"), view.q)
    return page(
        request,
        "reference.html",
        info=document["info"],
        intro=paragraphs(document["info"]["description"]),
        groups=found,
        named=[_content(name, schema, schemas) for name, schema in schemas.items() if has_fields(schema)],
        problem=PROBLEM,
        q=view.q,
        shown=sum(operation.shown for group in found for operation in group.operations),
        count=sum(len(group.operations) for group in found),
        needs_token=request.app.state.gate.required,
    )


def roles(routes: Iterable[Any]) -> Roles:
    """Who may send each request: those whom the guards let through, or admins where a route asks for one."""
    own = [route for route in routes if isinstance(route, APIRoute)]
    return {(method, route.path): _role(method, route) for route in own for method in route.methods or ()}


def _role(method: str, route: APIRoute) -> str:
    if _asks_for_admin(route.dependant):
        return Role.ADMIN
    if method not in HARMLESS:
        return Role.SUBMITTER
    return "" if route.path in OPEN else Role.VIEWER


def _asks_for_admin(dependant: Dependant) -> bool:
    return dependant.call is admin or any(map(_asks_for_admin, dependant.dependencies))


def groups(document: Schema, known_roles: Roles, base_url: str, q: str = "") -> list[Group]:
    """The routes of an OpenAPI document by their first tag, in the order of its tags.

    Args:
        document: OpenAPI 3.1.
        known_roles: Who may ask.
        base_url: Where the service is, for the examples.
        q: Words that a route's method, path, tag, summary or description holds, each of them; the others are not shown.
    """
    schemas: Schemas = document["components"]["schemas"]
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (tag, *_), name = operation["tags"], method.upper()
            text = " ".join([name, path, tag, operation["summary"], operation.get("description", "")]).casefold()
            found[tag].append(
                Operation(
                    id=operation["operationId"],
                    method=name,
                    path=path,
                    summary=operation["summary"].capitalize(),
                    description=paragraphs(operation.get("description", "")),
                    role=known_roles.get((name, path), ""),
                    parameters=tuple(_parameter(one, schemas) for one in operation.get("parameters", ())),
                    body=_contents(operation.get("requestBody", {}), schemas),
                    answers=_answers(operation["responses"], schemas),
                    errors={s: one["description"] for s, one in operation["responses"].items() if s >= "4"},
                    curl=curl(base_url, name, path, operation, schemas),
                    shown=all(word in text for word in q.casefold().split()),
                )
            )
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [Group(name=name, description=about[name], operations=tuple(own)) for name, own in found.items() if own]


def paragraphs(text: str) -> tuple[str, ...]:
    r"""The paragraphs of a text, each on one line.

    >>> paragraphs("One, and\nmore.\n\nTwo.")
    ('One, and more.', 'Two.')
    """
    return tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _parameter(parameter: Schema, schemas: Schemas) -> Parameter:
    schema = parameter["schema"]
    return Parameter(
        name=parameter["name"],
        place="head" if parameter["in"] == "header" else parameter["in"],
        words=words(schema, schemas),
        needed=parameter.get("required", False),
        description=parameter.get("description", ""),
        default=default_of(schema),
    )


def _contents(bearer: Schema, schemas: Schemas) -> tuple[Content, ...]:
    return tuple(
        _content(media_type, content.get("schema", {}), schemas)
        for media_type, content in bearer.get("content", {}).items()
    )


def _content(title: str, schema: Schema, schemas: Schemas) -> Content:
    return Content(
        title=title,
        words=words(schema, schemas),
        names=names(schema, schemas),
        objects=objects(schema, schemas),
    )


def _answers(responses: Mapping[str, Schema], schemas: Schemas) -> tuple[Answer, ...]:
    return tuple(
        Answer(
            status=status,
            description=response["description"],
            headers={name: one.get("description", "") for name, one in response.get("headers", {}).items()},
            contents=_contents(response, schemas),
        )
        for status, response in responses.items()
        if status < "4"
    )


def curl(base_url: str, method: str, path: str, operation: Schema, schemas: Schemas) -> str:
    """A command that sends the request; values in capitals are whoever sends it to fill in."""
    address = base_url + path.replace("{", "$").replace("}", "")
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            address = address.replace(f"${parameter['name']}", f"${parameter['name'].upper()}")
    needed = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one.get("required")]
    address += "".join(f"?{one['name']}=${one['name'].upper()}" for one in needed[:1])
    lines = ["curl" if method == "GET" else f"curl -X {method}"]
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $SRNAS_TOKEN"')
    lines += _body_options(operation.get("requestBody", {}).get("content", {}), schemas)
    lines += _output_option(operation["responses"])
    return " \\\n  ".join([*lines, f'"{address}"'])


def _body_options(contents: Mapping[str, Schema], schemas: Schemas) -> Sequence[str]:
    for media_type, content in contents.items():
        head = f'-H "Content-Type: {media_type}"'
        if media_type != "application/json":
            return [head, "--data-binary @FILE"]
        value = example(content["schema"], schemas)
        return [head, f"-d {shlex.quote(json.dumps(value, ensure_ascii=False))}"]
    return []


def _output_option(responses: Mapping[str, Schema]) -> Sequence[str]:
    """Into a file with what no terminal shows."""
    media_types = [name for status, one in responses.items() if status < "3" for name in one.get("content", {})]
    return ["-o FILE"] if media_types and not any(name.startswith(TEXTS) for name in media_types) else []
