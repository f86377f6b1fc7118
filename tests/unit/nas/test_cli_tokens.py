"""`srnas token` on a database of its own."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nas.cli import app
from nas.cli_tokens import lifetime
from nas.console import FAILED, MISUSED
from nas.records import Role
from nas.service import utc_now
from nas.store.opening import open_store
from nas.tokens import Tokens
from search_space.errors import InvalidInput


def token(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["token", *arguments, "--home", str(home)])


def test_a_token_is_printed_alone_made_once_and_revoked(tmp_path: Path) -> None:
    made = token(tmp_path, "create", "--role", "admin", "root")
    text = made.stdout.strip()
    assert made.exit_code == 0
    assert len(made.stdout.splitlines()) == 1
    assert "not shown again" in made.stderr
    store = open_store(f"sqlite:///{tmp_path / 'srnas.sqlite'}")
    tokens = Tokens(store, utc_now)
    kept = tokens.bearer(text)
    assert kept is not None
    assert (kept.name, kept.role) == ("root", Role.ADMIN)
    listed = token(tmp_path, "list")
    assert kept.id in listed.stdout
    assert text not in listed.stdout
    assert token(tmp_path, "revoke", kept.id).exit_code == 0
    assert tokens.bearer(text) is None
    assert [entry.action for entry in store.audit()] == ["token.create", "token.revoke"]
    store.close()


def test_tokens_are_told_as_json(tmp_path: Path) -> None:
    made = json.loads(token(tmp_path, "create", "--role", "viewer", "--expires", "12h", "eve", "--json").stdout)
    (listed,) = json.loads(token(tmp_path, "list", "--json").stdout)
    assert made.pop("token").startswith(f"srnas_{made['id']}_")
    assert listed == made
    assert (listed["state"], listed["role"]) == ("live", "viewer")
    assert listed["expires_at"]


def test_mistakes_are_explained(tmp_path: Path) -> None:
    assert token(tmp_path, "create", "--role", "viewer", "two words").exit_code == MISUSED
    assert token(tmp_path, "create", "--role", "viewer", "eve", "--expires", "soon").exit_code == MISUSED
    unknown = token(tmp_path, "revoke", "ffffffff")
    assert unknown.exit_code == FAILED
    assert "ffffffff" in unknown.stderr


def test_lifetimes_have_units() -> None:
    assert [lifetime(text) for text in ("90m", "12h", "30d", "8w")] == [
        timedelta(minutes=90),
        timedelta(hours=12),
        timedelta(days=30),
        timedelta(weeks=8),
    ]


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1y", "3651d", "999999w", "d", "1.5h"])
def test_other_lifetimes_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        lifetime(text)
