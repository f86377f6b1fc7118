"""The verbs of `srnas token`: they work on the database of the settings, whether or not a service runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from search_space.errors import InvalidInput, Problem

from .cli_options import DatabaseUrl, Home, Json
from .console import err, make_app, out, print_json
from .records import Role, Token
from .service import utc_now
from .settings import read_settings
from .tokens import LOCAL_NAME, Tokens

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=3650)

app = make_app("Make, list and revoke the tokens with which people use a service.")


@app.command(epilog="Example: export SRNAS_TOKEN=$(srnas token create --role submitter --expires 30d alice)")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="In whose name it speaks; owns what it submits.")],
    role: Annotated[Role, typer.Option(help="viewer looks; submitter changes what is their own; admin everything.")],
    expires: Annotated[str, typer.Option(help="When it ends by itself: 12h, 30d, 8w; never if empty.")] = "",
    home: Home = None,
    database_url: DatabaseUrl = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it: this once, for only its digest is kept."""
    now = utc_now()
    expires_at = None if not expires else now + lifetime(expires)
    with _tokens(home=home, database_url=database_url) as tokens:
        token, text = tokens.create(name, role, by=LOCAL_NAME, expires_at=expires_at)
    if as_json:
        print_json(_document(token, now) | {"token": text})
        return
    err.print(f"token {token.id} of {token.name}, {token.role}, {_until(token)}; it is not shown again", soft_wrap=True)
    typer.echo(text)


@app.command("list", epilog="Example: srnas token list")
def list_tokens(home: Home = None, database_url: DatabaseUrl = None, as_json: Json = False) -> None:
    """List every token, oldest first, without its secret."""
    now = utc_now()
    with _tokens(home=home, database_url=database_url) as tokens:
        found = tokens.all()
    if as_json:
        print_json([_document(token, now) for token in found])
        return
    table = Table("id", "name", "role", "state", "made", "by", "ends", box=SIMPLE_HEAD)
    for token in found:
        state = token_state(token, now)
        table.add_row(token.id, token.name, token.role, state, _time(token.created_at), token.created_by, _until(token))
    out.print(table)


@app.command(epilog="Example: srnas token revoke 1f2e3d4c")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `srnas token list` shows it.")],
    home: Home = None,
    database_url: DatabaseUrl = None,
) -> None:
    """End a token; a service that runs takes note within seconds."""
    with _tokens(home=home, database_url=database_url) as tokens:
        token = tokens.revoke(token_id, by=LOCAL_NAME)
    out.print(f"token {token.id} of {token.name} is revoked")


def lifetime(text: str) -> timedelta:
    """The time in a text like 90m, 12h, 30d or 8w; `InvalidInput`."""
    found = re.fullmatch(r"([1-9]\d{0,5})([mhdw])", text.strip())
    span = timedelta(**{UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > LONGEST:
        raise InvalidInput([Problem("--expires", text, "a time like 90m, 12h, 30d or 8w, of ten years at most")])
    return span


def token_state(token: Token, now: datetime) -> str:
    """Whether a token is live, revoked or expired."""
    if token.revoked_at is not None:
        return "revoked"
    return "live" if token.is_live(now) else "expired"


@contextmanager
def _tokens(**places: Any) -> Iterator[Tokens]:
    from .store.opening import open_store

    store = open_store(read_settings(**places).database)
    try:
        yield Tokens(store, utc_now)
    finally:
        store.close()


def _document(token: Token, now: datetime) -> dict[str, Any]:
    times = {"created_at": token.created_at, "expires_at": token.expires_at, "revoked_at": token.revoked_at}
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.value,
        "state": token_state(token, now),
        "created_by": token.created_by,
        **{name: None if at is None else at.isoformat() for name, at in times.items()},
    }


def _until(token: Token) -> str:
    return "never expires" if token.expires_at is None else f"until {_time(token.expires_at)}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
