"""What is to be scored, by the names that a person gives: bicubic, exported files, genotypes with their weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype
from search_space.published import PUBLISHED

from .documents import read_genotype
from .models import EXPORTED, Upscaler, open_model

BICUBIC = "bicubic"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """What is scored.

    Attributes:
        name: What rows call it.
        upscaler: The network; None for bicubic.
    """

    name: str
    upscaler: Upscaler | None

    @property
    def genotype(self) -> Genotype | None:
        """What the network is."""
        return None if self.upscaler is None else self.upscaler.genotype


def read_contenders(models: Sequence[str], weights: Sequence[Path]) -> list[Contender]:
    """Load what is to be scored.

    Args:
        models: `bicubic`, exported files, and genotypes: published names, texts or JSON files.
        weights: A file for each genotype among the models, in their order.

    Raises:
        InvalidInput: With everything that is wrong with every one of them.
    """
    genotypes = [name for name in models if name != BICUBIC and not name.lower().endswith(EXPORTED)]
    if len(genotypes) != len(weights):
        allowed = f"one for each genotype, in their order: {len(genotypes)} ({', '.join(genotypes) or 'none is named'})"
        raise InvalidInput([Problem("--weights", f"{len(weights)} files", allowed)])
    files = iter(weights)
    problems: list[Problem] = []
    contenders = []
    for name in models:
        try:
            contenders.append(_read(name, next(files) if name in genotypes else None))
        except InvalidInput as error:
            problems += error.problems
    if problems:
        raise InvalidInput(problems, "Name bicubic, an exported file, or a genotype with --weights that belong to it.")
    return contenders


def _read(name: str, weights: Path | None) -> Contender:
    if name == BICUBIC:
        return Contender(name=name, upscaler=None)
    if weights is None:
        return Contender(name=name, upscaler=open_model(Path(name)))
    short = name.lower() if name.lower() in PUBLISHED else weights.name
    return Contender(name=short, upscaler=open_model(weights, read_genotype(name)))


def common_scale(contenders: Iterable[Contender], asked: int | None) -> int:
    """The scale of a table: that of its networks, which must agree with each other and with what was asked for.

    Raises:
        InvalidInput: They do not agree, or there is neither a network nor a scale that was asked for.
    """
    found = {c.name: c.upscaler.scale for c in contenders if c.upscaler is not None}
    scale = asked or next(iter(found.values()), None)
    if scale is None:
        raise InvalidInput([Problem("--scale", None, "a factor such as 2, bicubic having none of its own")])
    problems = [
        Problem(name, f"x{own}", f"x{scale}, one scale in a table") for name, own in found.items() if own != scale
    ]
    if not 2 <= scale <= 4:
        problems.append(Problem("--scale", scale, "2, 3 or 4"))
    if problems:
        raise InvalidInput(problems)
    return scale
