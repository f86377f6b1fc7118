"""Everything that a model card says of a finished model, gathered in one value. It renders nothing, and knows no torch.

What nobody knows is None or empty, and a card leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from evaluator.cost import Costs, costs
from evaluator.finishing import FinishingRecipe
from evaluator.metadata import Metadata
from search_space.genotype import Genotype

from ..fronts import Front
from ..records import Candidate, Training
from ..scores import candidate_scores
from .benchmark_document import BenchmarkDocument

CheckedOn = Literal["photograph", "noise"]

UNKNOWN_TERMS = "unknown: ask whoever supplied them"
TERMS = ("license", "licence", "licenses", "licences", "attribution", "copying", "terms", "readme")
"""Stems of the names of files that say under which terms images may be used, the most telling first."""


def terms_of(folder: Path) -> str:
    """Where the terms of a folder of images stand: the files that say so, in it or in its direct subfolders.

    >>> terms_of(Path("no-such-folder"))
    'unknown: ask whoever supplied them'
    """
    try:
        places = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())]
        found = [file.relative_to(folder).as_posix() for place in places for file in _telling(place)]
    except OSError:
        found = []
    return f"see {', '.join(found)} in {folder.name}" if found else UNKNOWN_TERMS


def _telling(folder: Path) -> Iterator[Path]:
    """The most telling file of a folder."""
    files = {entry.stem.lower(): entry for entry in sorted(folder.iterdir(), reverse=True) if entry.is_file()}
    yield from [files[stem] for stem in TERMS if stem in files][:1]


def loss_in_words(psnr_loss_db: float, photographs: int) -> str:
    """What a file of another precision costs.

    >>> loss_in_words(-0.03, 16)
    'gains 0.030 dB on 16 photographs'

    Args:
        psnr_loss_db: By how many dB its PSNR is below the network's; below 0 where it is above.
        photographs: On how many photographs.
    """
    verb = "gains" if round(psnr_loss_db, 3) < 0 else "loses"
    return f"{verb} {abs(psnr_loss_db):.3f} dB on {photographs} photographs"


@dataclass(frozen=True, kw_only=True)
class ImagesUsed:
    """A set of images that a model was made with.

    Attributes:
        name: What the installation calls it.
        count: How many images; None where nobody counted them.
        terms: Under which terms they may be used, or where that stands.
    """

    name: str
    count: int | None = None
    terms: str = UNKNOWN_TERMS


@dataclass(frozen=True, kw_only=True)
class Trained:
    """How the weights came to be.

    Attributes:
        recipe: By which recipe.
        steps: Optimiser steps taken.
        train_s: Seconds of training; None where that is not known.
        seed: Of the patches; None where that is not known.
        device: Name of the device.
        precision: What it computed in.
        train: Images that it was trained on.
        validation: Images that its figures are from.
        data_digest: Digest of both.
        code_digest: Of the sources that trained it.
        protocol: Identifier of the protocol of the figures.
        figures: What it scored on the validation images at its end, by column.
    """

    recipe: FinishingRecipe
    steps: int
    train_s: float | None = None
    seed: int | None = None
    device: str = ""
    precision: str = ""
    train: ImagesUsed | None = None
    validation: ImagesUsed | None = None
    data_digest: str = ""
    code_digest: str = ""
    protocol: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, training: Training, *, train: ImagesUsed | None = None, validation: ImagesUsed | None = None
    ) -> Trained:
        """What the row of a training tells, and the images that it does not name."""
        final = training.final
        columns = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")
        return cls(
            recipe=training.recipe,
            steps=training.step,
            train_s=training.train_s,
            seed=training.seed,
            device=training.device,
            precision=training.precision,
            train=train,
            validation=validation,
            data_digest=training.data_digest or "",
            code_digest=training.code_digest,
            protocol=training.protocol,
            figures={column: getattr(final, column) for column in columns} if final else {},
        )


@dataclass(frozen=True, kw_only=True)
class Found:
    """How a search came upon the network.

    Attributes:
        search_id: Which search.
        candidate_id: Which of its candidates.
        psnr_db: What its short training scored there; None where that is not known.
        protocol: Under which protocol.
        objectives: What the search compared, by metric.
        rank: Place on the front, 1 the best by the first objective; None off the front.
        front_size: Members of the front; None where nobody looked.
        train: Images that it was trained on there; None where that is not known.
        validation: Images that it was scored on there.
    """

    search_id: str
    candidate_id: str
    psnr_db: float | None = None
    protocol: str = ""
    objectives: tuple[str, ...] = ()
    rank: int | None = None
    front_size: int | None = None
    train: ImagesUsed | None = None
    validation: ImagesUsed | None = None

    @classmethod
    def on(cls, front: Front, candidate: Candidate) -> Found:
        """The place of a candidate on its search's front, which need not have it."""
        places = [member.id for member in front.members]
        return cls(
            search_id=front.search.id,
            candidate_id=candidate.id,
            psnr_db=candidate_scores(candidate).get("psnr_db"),
            protocol=front.search.spec.recipe.protocol,
            objectives=tuple(objective.metric for objective in front.objectives),
            rank=places.index(candidate.id) + 1 if candidate.id in places else None,
            front_size=len(places),
        )


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """A file that the model was exported to, and how it was verified.

    Attributes:
        name: Of the file.
        form: One of `EXPORT_FORMATS`.
        size_bytes: Its length.
        sha256: Of its bytes, 64 hexadecimal characters.
        max_difference: Largest absolute difference from the torch network, on [0, 1]; None where none was taken.
        tolerance: How large that might have been.
        tool: What loaded it to compare, with its version.
        note: What else there is to know, such as what quantisation costs.
        checked_on: What it was compared on: "photograph" or "noise".
    """

    name: str
    form: str
    size_bytes: int
    sha256: str
    max_difference: float | None = None
    tolerance: float | None = None
    tool: str = ""
    note: str = ""
    checked_on: CheckedOn = "photograph"


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        id: Of the model, or of the candidate that it was exported from.
        name: What people call it; also the stem of its files.
        metadata: What its weights belong to.
        created_at: When it was finished; None where that is not known.
        trained: How its weights came to be; None where that is not known.
        found: Which search found it; None for a network from elsewhere.
        benchmark: What it scored on the benchmark sets; None before that was measured.
        files: What it was exported to.
        license: SPDX identifier of the terms of its weights; empty where nobody has said.
        owner: Who had it trained; empty where that is not known.
        header: What the header of its file says of its training, by name; looked at where `trained` is None.
    """

    id: str
    name: str
    metadata: Metadata
    created_at: datetime | None = None
    trained: Trained | None = None
    found: Found | None = None
    benchmark: BenchmarkDocument | None = None
    files: tuple[ModelFile, ...] = ()
    license: str = ""
    owner: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)

    @property
    def images(self) -> tuple[tuple[str, ImagesUsed], ...]:
        """The images that its weights were made with, under what each is for: of its training, else of its search."""
        made = self.trained or self.found
        roles = (("training", made.train), ("validation", made.validation)) if made else ()
        return tuple((role, used) for role, used in roles if used is not None)

    @property
    def genotype(self) -> Genotype:
        """The network."""
        return self.metadata.genotype

    @property
    def scale(self) -> int:
        """Upscaling factor."""
        return self.metadata.scale

    @property
    def channels(self) -> int:
        """1 for luma, 3 for RGB."""
        return self.metadata.channels

    @property
    def costs(self) -> Costs:
        """Its parameters and multiply-adds, what its recipe wraps around it included."""
        return costs(self.genotype, self.metadata.recipe, scale=self.scale, channels=self.channels)
