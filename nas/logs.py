"""How processes log: one line for each change, of one form whoever speaks, in which no secret is left.

A line that concerns a search or a candidate bears its id: whoever works on one binds it (`bound_contextvars`), so that
libraries that log beneath it bear the id too.
"""

from __future__ import annotations

import json
import logging
import math
import sys
from functools import partial
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor

from .redaction import redact_line
from .settings import LogForm

HEAD = ("timestamp", "level", "event")
"""What every line begins with."""


def configure_logging(level: int, form: LogForm | None = None, stream: TextIO | None = None) -> None:
    """Send every log of this process to one place, from ``level`` on, without secrets.

    The logs of Python's own library, which evaluators and the web server write, go the same way; other libraries speak
    from WARNING on.

    Args:
        level: Of `logging`.
        form: JSON for programs, or lines for people; by default what suits a terminal, or where there is none, JSON.
        stream: Where to; standard error by default.
    """
    file = stream or sys.stderr
    chosen = form or ("console" if file.isatty() else "json")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render = _for_programs() if chosen == "json" else _for_people(file)
    structlog.configure(
        processors=[*shared, *render, redact_line],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=file),
    )
    bare = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    foreign = [*shared, structlog.stdlib.add_logger_name]
    handler = logging.StreamHandler(file)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=foreign, processors=[bare, *render, redact_line])
    )
    logging.basicConfig(handlers=[handler])
    logging.captureWarnings(True)
    logging.getLogger("evaluator").setLevel(level)


def _for_programs() -> list[Processor]:
    """One JSON object a line, in ASCII, so that any text can be carried."""
    dumps = partial(json.dumps, allow_nan=False)
    return [_orderly, structlog.processors.JSONRenderer(serializer=dumps)]


def _for_people(file: TextIO) -> list[Processor]:
    """Aligned lines, coloured on a terminal."""
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=file.isatty(), exception_formatter=plain, pad_event_to=0)]


def _orderly(_logger: object, _method: str, line: EventDict) -> EventDict:
    """The head first, and no number in it that JSON cannot carry."""
    head = {name: line[name] for name in HEAD if name in line}
    return {name: _carried(value) for name, value in {**head, **line}.items()}


def _carried(value: object) -> object:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
