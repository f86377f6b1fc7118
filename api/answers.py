"""What verbs that talk to a service share: where it is, what an id is of, and how a front is printed."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from nas.console import out
from nas.display import no_network

from .client import Client
from .display import table_of_front
from .schemas import FrontView

Url = Annotated[str, typer.Option(envvar="SRNAS_URL", help="Where the service is.")]
SearchName = Annotated[str, typer.Argument(metavar="SEARCH", help="Id of a search, as `srnas list` shows it.")]


def is_training(name: str) -> bool:
    """Whether an id is that of a full training, or of the model that it gave: searches and candidates have others.

    >>> is_training("0123456789ab"), is_training("1f2e3d4c"), is_training("1f2e3d4c-17")
    (True, False, False)
    """
    return re.fullmatch("[0-9a-f]{12}", name) is not None


def print_front(client: Client, front: FrontView) -> None:
    """Print a front, or why it is empty."""
    if front.members:
        out.print(table_of_front(front))
        if front.latency:
            out.print(front.latency, soft_wrap=True)
        return
    reached = client.search(front.search_id).progress
    why = no_network(reached.evaluated, reached.failed, front.note)
    out.print(f"{why}; see: srnas candidates {front.search_id}", soft_wrap=True)
