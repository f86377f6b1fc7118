"""Options that verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]
Home = Annotated[Path | None, typer.Option(help="Folder of database, weights, artifacts [SRNAS_HOME, srnas-data].")]
ImagesRoot = Annotated[
    Path | None, typer.Option(help="Folder whose folders a spec may name [SRNAS_IMAGES_ROOT, this one].")
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(help="sqlite:///FILE or postgresql://... [SRNAS_DATABASE_URL, a file in the home]."),
]
Workers = Annotated[int | None, typer.Option(help="Trainings at once [SRNAS_WORKERS, one per CPU].")]
