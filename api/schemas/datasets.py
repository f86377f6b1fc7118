"""Datasets on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nas.catalogue import Listed
from nas.fields import DATASET_NAME
from nas.records import DatasetKind

from .wire import Links, Wire


class FolderRequest(Wire):
    """A folder of the server to register."""

    name: str = Field(
        description="What specs shall call it: at most 100 letters, digits and `.` `_` `-`.",
        json_schema_extra={"pattern": f"^{DATASET_NAME}$"},
    )
    folder: str = Field(min_length=1, max_length=400, description="Its path below the images root; `.` for the root.")


class DatasetView(Wire):
    """Images that a spec may name."""

    name: str = Field(description="What a spec says in `dataset.train` or `dataset.validation`.")
    kind: DatasetKind = Field(description="A folder of the server, or an upload.")
    registered: bool = Field(description="False for a folder of the images root that is known by its own name alone.")
    images: int | None = Field(description="Images when it was registered; null for what was not.")
    size_bytes: int | None = Field(description="Their bytes then.")
    created_at: datetime | None = Field(description="When it was registered.")
    created_by: str | None = Field(description="By whom.")
    sha256: str | None = Field(description="SHA-256 of the archive that was uploaded, in hexadecimal.")
    links: Links

    @classmethod
    def of(cls, listed: Listed) -> DatasetView:
        """The wire form of a dataset."""
        known = listed.registered
        return cls(
            name=listed.name,
            kind=known.kind if known else DatasetKind.FOLDER,
            registered=known is not None,
            images=known.images if known else None,
            size_bytes=known.size_bytes if known else None,
            created_at=known.created_at if known else None,
            created_by=known.created_by if known else None,
            sha256=(known.sha256 or None) if known else None,
            links={"self": f"/v1/datasets/{listed.name}"},
        )


class DatasetList(Wire):
    """Every dataset."""

    items: list[DatasetView] = Field(description="The datasets, by name.")
