"""No secret is written down, whatever it stands in."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from nas.logs import configure_logging
from nas.records import Role
from nas.redaction import redacted
from nas.service import utc_now
from nas.settings import Settings, without_password
from nas.store.memory import MemoryStore
from nas.tokens import Tokens

URL = "postgresql+psycopg://srnas:s3cret/pa@ss@database:5432/srnas"


def test_secrets_and_passwords_go_and_what_tells_them_apart_stays() -> None:
    token, text = Tokens(MemoryStore(), utc_now).create("alice", Role.VIEWER, by="root")
    line = redacted(f"sent {text}, to {URL} and http://127.0.0.1:8000/docs")
    assert line == (
        f"sent srnas_{token.id}_***, to postgresql+psycopg://srnas:***@database:5432/srnas and http://127.0.0.1:8000/docs"
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://srnas:s3cret@database/srnas",
        "postgresql+psycopg://srnas:s3cret?@database/srnas",
        "postgresql+psycopg://srnas@database:5432/srnas?password=s3cret&sslmode=require",
        "postgresql+psycopg://database:5432/srnas?sslmode=require&password=a@s3cret@b",
        "postgresql+psycopg:///srnas?host=database&user=srnas&PASSWORD=s3cret/&sslpassword=s3cret",
    ],
)
def test_a_password_is_hidden_wherever_a_url_has_it(url: str) -> None:
    for shown in (without_password(url), redacted(f"{url} is away"), redacted(json.dumps({"url": url}))):
        assert "s3cret" not in shown
        assert "database" in shown
        assert "***" in shown
    assert json.loads(redacted(json.dumps({"url": url}))).keys() == {"url"}


def test_json_stays_json() -> None:
    line = json.dumps({"url": URL, "to": "alice@lab.example"}, separators=(",", ":"))
    assert json.loads(redacted(line)) == {"url": URL.replace("s3cret/pa@ss", "***"), "to": "alice@lab.example"}


def test_every_line_of_a_log_is_redacted(capfd: pytest.CaptureFixture[str]) -> None:
    secret = Tokens(MemoryStore(), utc_now).create("alice", Role.VIEWER, by="root")[1]
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        configure_logging(logging.INFO)
        log = structlog.get_logger("tests")
        log.info("asked", headers={"authorization": f"Bearer {secret}"}, url=URL)
        logging.getLogger("elsewhere").warning("asked with %s", [secret])
        try:
            raise ValueError(f"{secret} at {URL}")
        except ValueError:
            log.exception("refused")
    finally:
        root.handlers = handlers
        structlog.reset_defaults()
    written = capfd.readouterr().err
    assert written.count("***") == 5
    assert secret not in written
    assert "s3cret" not in written


def test_settings_do_not_show_the_password() -> None:
    assert "s3cret" not in repr(Settings(database_url=URL)) + str(Settings(database_url=URL))
