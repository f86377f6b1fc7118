"""Every verb of `srnas`: those that are a service, those that talk to one, and those that need none."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

from nas import cli as local
from nas.cli_options import DatabaseUrl, Home, ImagesRoot, Workers
from nas.console import FAILED, MISUSED, Verbs, complain, make_app, out
from nas.logs import configure_logging
from nas.settings import Settings, without_password

from . import asking, bundling, finishing, planning, renewing, steering, supplying, watching
from .client import ApiError


class RemoteVerbs(Verbs):
    """Verbs that may be refused by a service."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except ApiError as error:
            complain([*map(str, error.problems)] or [f"{error.title}: {error.detail}"], error.hint)
            raise typer.Exit(MISUSED if error.problems else FAILED) from None


app = make_app("Neural architecture search for lightweight image super-resolution.", group=RemoteVerbs)

Host = Annotated[
    str | None, typer.Option(help="Address to listen on; others than loopback take tokens [SRNAS_HOST, 127.0.0.1].")
]
Port = Annotated[int | None, typer.Option(help="TCP port; 0 takes a free one [SRNAS_PORT, 8000].")]


@app.command(epilog="Example: srnas serve --images-root photos --workers 2")
def serve(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    workers: Workers = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the whole service here: web pages, REST, controller and workers, until Ctrl-C."""
    from . import serving
    from .settings import read_api_settings

    settings = read_api_settings(
        home=home, images_root=images_root, database_url=database_url, workers=workers, host=host, port=port
    )
    configure_logging(logging.WARNING, settings.log)
    serving.serve(settings, lambda address: _announce(address, settings))


@app.command(epilog="Example: SRNAS_DATABASE_URL=postgresql+psycopg://... srnas api --port 8000")
def api(
    home: Home = None,
    images_root: ImagesRoot = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the web process alone, beside controllers that share its database."""
    from . import serving
    from .settings import read_api_settings

    settings = read_api_settings(home=home, images_root=images_root, database_url=database_url, host=host, port=port)
    configure_logging(logging.INFO, settings.log)
    serving.serve_web(settings, lambda address: _announce(address, settings))


for verbs in (
    planning.app,
    steering.app,
    renewing.app,
    asking.app,
    finishing.app,
    bundling.app,
    watching.app,
    supplying.app,
    local.app,
):
    app.add_typer(verbs)


def _announce(address: str, settings: Settings) -> None:
    """Say where all lies, once the service accepts requests."""
    out.print(f"srnas is ready at {address} (REST: {address}/docs)", soft_wrap=True)
    out.print(f"  database  {without_password(settings.database)}", soft_wrap=True)
    out.print(f"  home      {settings.home.resolve()}", soft_wrap=True)
    out.print(f"  images    {settings.images_root.resolve()}", soft_wrap=True)
    out.print("  Ctrl-C stops it; what was recorded is kept, and unfinished searches go on at the next start")
    out.file.flush()
