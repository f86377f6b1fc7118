"""The verb that asks a service who trains what now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from nas.cli_options import Json
from nas.console import make_app, out, print_json
from nas.posts import table_of_posts
from search_space.errors import InvalidInput, Problem

from .answers import Url
from .client import DEFAULT_URL, Client
from .display import post_of
from .schemas import WorkerView

NOBODY = """\
no worker is up: start some with `srnas serve --images-root FOLDER`, or with `srnas controller` beside `srnas api`;
where that was just done they take some seconds to start"""

app = make_app("Watch the workers.")


@app.command(epilog="Example: srnas workers --watch")
def workers(
    watch: Annotated[bool, typer.Option("--watch", help="Look every second, until Ctrl-C; once elsewhere.")] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show every worker process, on whatever machine, and how far the training is that it is at.

    A worker is told by its place, which outlives the process. Loss, PSNR (of one small crop, no score) and speed are
    those that its training last told, at most a second or two ago; memory is the device's, where that is known.
    """
    if watch and as_json:
        raise InvalidInput([Problem("--watch", True, "not beside --json")])
    with Client(url) as client:
        if as_json:
            print_json([worker.model_dump(mode="json") for worker in client.workers()])
        elif watch and out.is_terminal:
            with Live(console=out, auto_refresh=False) as live:
                for found in client.watch_workers():
                    live.update(shown(found), refresh=True)
        else:
            found = client.workers()
            out.print(shown(found), soft_wrap=not found)


def shown(found: Sequence[WorkerView]) -> RenderableType:
    """A table of workers, or what to do where there is none."""
    return table_of_posts([post_of(worker) for worker in found]) if found else NOBODY
