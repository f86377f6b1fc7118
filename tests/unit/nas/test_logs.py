"""Lines for programs and for people, of one form whoever speaks."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from nas.logs import configure_logging
from nas.settings import LogForm, read_settings


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


@contextmanager
def logging_to(stream: io.StringIO, form: LogForm | None = None) -> Iterator[io.StringIO]:
    """Set up logging as a process does, and undo it."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        configure_logging(logging.INFO, form, stream)
        yield stream
    finally:
        root.handlers = handlers
        logging.getLogger("evaluator").setLevel(logging.NOTSET)
        logging.captureWarnings(False)
        structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]


def test_every_line_for_programs_is_json_that_begins_alike_whoever_speaks() -> None:
    with logging_to(io.StringIO()) as stream, bound_contextvars(search="0a1b2c3d"):
        structlog.get_logger("tests").info("candidate told", candidate="0a1b2c3d-1", psnr_db=float("inf"))
        logging.getLogger("evaluator.pool").info("worker up: name=%s", "worker-1")
        try:
            raise ValueError("two\nlines \ud800")
        except ValueError:
            logging.getLogger("elsewhere").exception("went wrong")
        logging.getLogger("elsewhere").info("of no interest")
    own, pool, foreign = lines(stream)
    assert [list(line)[:3] for line in (own, pool, foreign)] == [["timestamp", "level", "event"]] * 3
    assert (own["event"], own["candidate"], own["psnr_db"]) == ("candidate told", "0a1b2c3d-1", "inf")
    assert {line["search"] for line in (own, pool, foreign)} == {"0a1b2c3d"}
    assert (pool["event"], pool["level"], pool["logger"]) == ("worker up: name=worker-1", "info", "evaluator.pool")
    assert "two\nlines" in foreign["exception"]


def test_warnings_are_lines_too() -> None:
    with warnings.catch_warnings(), logging_to(io.StringIO()) as stream:
        warnings.simplefilter("always")
        warnings.warn("mind the gap", UserWarning, stacklevel=1)
    (line,) = lines(stream)
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "mind the gap" in line["event"]


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        (None, io.StringIO(), True),
        (None, Terminal(), False),
        ("json", Terminal(), True),
        ("console", io.StringIO(), False),
    ],
)
def test_people_get_lines_on_a_terminal_unless_settings_say_otherwise(
    form: LogForm | None, stream: io.StringIO, is_json: bool
) -> None:
    with logging_to(stream, form):
        structlog.get_logger().info("search claimed", search="0a1b2c3d")
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("{") is is_json
    assert "search claimed" in line
    assert "0a1b2c3d" in line


def test_colours_are_for_terminals() -> None:
    for stream, coloured in ((io.StringIO(), False), (Terminal(), True)):
        with logging_to(stream, "console"):
            structlog.get_logger().info("search claimed")
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_a_setting_that_is_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As programs that start containers leave it."""
    for name in ("SRNAS_LOG", "SRNAS_WORKERS", "SRNAS_HOME"):
        monkeypatch.setenv(name, "")
    settings = read_settings()
    assert (settings.log, settings.workers, settings.home.name) == (None, None, "srnas-data")
