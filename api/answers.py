"""What verbs that talk to a service share: where it is, which search, and how its front is printed."""

from __future__ import annotations

from typing import Annotated

import typer

from nas.console import out
from nas.display import no_network

from .client import Client
from .display import table_of_front
from .schemas import FrontView

Url = Annotated[str, typer.Option(envvar="SRNAS_URL", help="Where the service is.")]
SearchName = Annotated[str, typer.Argument(metavar="SEARCH", help="Id of a search, as `srnas list` shows it.")]


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
