"""Keeps secrets out of what is written down: secrets of tokens, and passwords in the URLs of databases."""

from __future__ import annotations

import re

import structlog

HIDDEN = "***"

_SECRET = re.compile(r"(srnas_[0-9a-f]{8}_)[A-Za-z0-9_-]+")
_PASSWORD = re.compile(r"""(\w://[^/\s:@]*):[^\s"']*@""")
_ASKED = re.compile(r"""([?&]\w*password=)[^\s"'&]*""", re.IGNORECASE)


def redacted(text: str) -> str:
    """A text without what must not be known; a token's id and a database's user stay."""
    text = _ASKED.sub(rf"\1{HIDDEN}", _SECRET.sub(rf"\1{HIDDEN}", text))  # first: it may hold an @
    return _PASSWORD.sub(rf"\1:{HIDDEN}@", text)


def redact_line(_logger: object, _method: str, line: structlog.typing.EventDict | str) -> str:
    """The last processor of a log: it sees each line as it will be written, tracebacks included."""
    return redacted(str(line))
