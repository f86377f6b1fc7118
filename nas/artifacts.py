"""What an artifact of a candidate holds: an exported network, or its analysis. Heavy: it loads torch.

Knows searches and files; who asks for artifacts, and when they are made, is `nas.exporting`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from evaluator import checkpoints
from evaluator.data.images import ImagePair, load
from search_space.errors import InvalidInput

from .analysing.model import analyse
from .analysing.writing import to_archive
from .catalogue import FolderOf
from .checks import dataset_folder
from .export.model import export_model
from .exporting import Written
from .models import load_model
from .records import ANALYSIS, Candidate, Search
from .spec import SearchSpec


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """A file that was written whole.

    Attributes:
        sha256: Of its bytes, 64 hexadecimal characters.
        size_bytes: Its length.
        detail: What it says, as JSON values.
    """

    sha256: str
    size_bytes: int
    detail: dict[str, Any] = field(default_factory=dict)


def write_artifact(
    folder_of: FolderOf, search: Search, candidate: Candidate, weights: Path, form: str, path: Path
) -> Written:
    """Make the file of an artifact.

    Args:
        folder_of: Finds the folder of a dataset.
        search: Whose candidate it is.
        candidate: Which network.
        weights: Its trained weights.
        form: One of `EXPORT_FORMATS`, or `ANALYSIS`.
        path: Where to write.
    """
    if form == ANALYSIS:
        return _write_analysis(folder_of, search, candidate, weights, path)
    spec, photograph = search.spec, _photograph(search.spec, folder_of)
    return export_model(
        genotype=candidate.genotype,
        recipe=spec.recipe.at_rung(candidate.rung),  # what the weights were trained by
        scale=spec.scale,
        channels=spec.channels,
        weights=weights,
        file_format=form,
        path=path,
        check_image=photograph.hr if photograph else None,
    )


def _write_analysis(
    folder_of: FolderOf, search: Search, candidate: Candidate, weights: Path, path: Path
) -> WrittenFile:
    photograph = _photograph(search.spec, folder_of)
    if photograph is None:
        raise FileNotFoundError("the search's photographs are no longer there, and an analysis needs one")
    analysis = analyse(load_model(weights), Image.fromarray(photograph.lr))
    document = to_archive(analysis, model=candidate.id, image=photograph.name)
    checkpoints.write(path, document)
    return WrittenFile(sha256=sha256(document).hexdigest(), size_bytes=len(document), detail=analysis.to_json())


def _photograph(spec: SearchSpec, folder_of: FolderOf) -> ImagePair | None:
    """One of a search's own photographs, best one that networks were not trained on; None if they are gone."""
    role = "train" if spec.dataset.validation is None else "validation"
    try:
        folder = dataset_folder(spec, role, folder_of, min_lr_side=16)
        return load(folder, scale=spec.scale, channels=3, limit=1).pairs[0]
    except (InvalidInput, OSError):
        return None
