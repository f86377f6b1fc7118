"""Image folders that searches may name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DatasetKind(StrEnum):
    """Where the images of a dataset came from."""

    FOLDER = "folder"
    UPLOAD = "upload"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A folder of images under a name.

    Attributes:
        name: What specs call it.
        kind: Where its images came from.
        folder: Path of a folder below the images root, or of an upload below the home folder.
        images: How many images it held when it was registered.
        size_bytes: Their size then.
        created_at: When it was registered.
        created_by: By whom.
        sha256: Digest of the archive that was uploaded; empty for a folder.
    """

    name: str
    kind: DatasetKind
    folder: str
    images: int
    size_bytes: int
    created_at: datetime
    created_by: str = ""
    sha256: str = ""
