"""How the command line speaks: results on stdout, everything else on stderr, expected failures without tracebacks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from evaluator.executor import ExecutorError
from search_space.errors import InvalidInput

from .records import IllegalTransition
from .service import NotExportable, NotReady
from .store.base import StoreError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

EXPECTED: tuple[type[Exception], ...] = (IllegalTransition, NotExportable, NotReady, StoreError, ExecutorError)
"""Failures that a person can act on, besides wrong input."""

WIDE = 1000
"""Columns where no terminal bounds them, so that a program that reads a table gets it whole."""

out = Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""Both print a text as it is: names and messages may hold what looks like markup."""


class Verbs(TyperGroup):
    """A group of verbs whose expected failures are a message, a hint and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            err.print("stopped")
            raise typer.Exit(INTERRUPTED) from None
        except InvalidInput as error:
            complain([str(problem) for problem in error.problems], error.hint)
            raise typer.Exit(MISUSED) from None
        except EXPECTED as error:
            complain([str(error)], getattr(error, "hint", ""))
            raise typer.Exit(FAILED) from None
        except BrokenPipeError:  # the reader of a pipe has left; click ends without a word
            raise
        except OSError as error:  # Pillow's too, which name no file
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            complain([what], "")
            raise typer.Exit(FAILED) from None


def complain(messages: Sequence[str], hint: str) -> None:
    """Print each message on a line of its own, then what to do next, on stderr."""
    for message in messages:
        err.print(Text.assemble(("error:", "red"), f" {message}"), soft_wrap=True)
    if hint:
        err.print(Text.assemble(("hint:", "yellow"), f" {hint}"), soft_wrap=True)


def print_json(document: object) -> None:
    """Print one JSON document on stdout."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def make_app(text: str, *, group: type[Verbs] = Verbs) -> typer.Typer:
    """An empty application in house style."""
    return typer.Typer(
        help=text,
        cls=group,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
