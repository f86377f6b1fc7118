"""A finished model: a full training that was completed, with the candidate and the search that it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Candidate, Search, Training
from ..spec import DatasetSpec


@dataclass(frozen=True, kw_only=True)
class Model:
    """A finished model, and where it comes from.

    Attributes:
        training: The full training that made it.
        candidate: Whose network it is.
        search: Which search found that.
    """

    training: Training
    candidate: Candidate
    search: Search

    @property
    def bicubic_psnr_db(self) -> float | None:
        """What bicubic upscaling scores on its validation images; None where that is not known."""
        return bicubic_psnr_db(self.training, self.search)


def bicubic_psnr_db(training: Training, search: Search) -> float | None:
    """What bicubic upscaling scores on a training's validation images, in dB.

    It is what a search measured on its own; None where the training is validated on others, or before that.
    """
    own, theirs = search.spec.dataset, DatasetSpec.model_validate(training.dataset)
    decisive = ["validation", "validation_limit", "validation_crop"]
    if own.validation is None:
        decisive += ["train", "train_limit"]  # out of these, some are held out
    same = all(getattr(own, name) == getattr(theirs, name) for name in decisive)
    return search.baseline.get("psnr_db") if same else None
