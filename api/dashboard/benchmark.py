"""What models score on the benchmark sets, as papers print it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from nas.export.benchmark_document import BenchmarkDocument
from nas.export.benchmark_row import from_json
from nas.figures import giga
from nas.filing import NotBenchmarked, NotReady
from nas.records import BENCHMARK, Artifact, ArtifactState
from nas.service import Service
from nas.store.base import NotFound
from search_space.errors import InvalidInput

PRINTED: Mapping[str, int] = {"psnr_db": 2, "ssim": 4}
"""What a paper prints of each set, and to how many digits."""

ORDER = ("set5", "set14", "b100", "urban100", "manga109")
"""The order of papers; other sets follow as they come."""


@dataclass(frozen=True)
class Cell:
    """A network on a set: PSNR and SSIM as they are printed, and which of them no other row exceeds."""

    figures: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, kw_only=True)
class BenchmarkLine:
    """One network in a table of a paper."""

    network: str
    own: bool
    source: str
    params: str
    mult_adds: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class BenchmarkTable:
    """What a paper would print under one protocol."""

    protocol: str
    sets: tuple[str, ...]
    lines: tuple[BenchmarkLine, ...]


def benchmark_of(model_id: str, service: Service) -> BenchmarkDocument | None:
    """What a model scores on the benchmark sets; None before it is known, or where its file is gone."""
    with suppress(NotBenchmarked, NotReady, NotFound, InvalidInput, ValueError):
        return from_json(json.loads(service.benchmark(model_id)))
    return None


@dataclass(frozen=True)
class Missing:
    """Why a benchmark is not there, in few words, and what would bring it; empty words where its file is there."""

    words: str = ""
    hint: str = ""


def missing(artifacts: Sequence[Artifact]) -> Missing:
    """Why there is no benchmark of a model, by its artifacts, oldest first: the same words wherever it is missed."""
    made = [artifact for artifact in artifacts if artifact.format == BENCHMARK]
    if not made:
        return Missing("benchmark not made yet", "It is made soon after the model is completed.")
    last = made[-1]
    if last.state is ArtifactState.READY:
        return Missing()
    if last.state is not ArtifactState.FAILED:
        return Missing("benchmark being made", "Look again in a moment.")
    hint = str(last.detail.get("hint", ""))
    if last.wants_sets:
        return Missing("no benchmark sets here", f"They belong in SRNAS_BENCHMARKS_ROOT, a folder each. {hint}".strip())
    return Missing(f"benchmark failed: {last.detail.get('error', 'it has no file')}", hint)


def tables(document: BenchmarkDocument) -> list[BenchmarkTable]:
    """A table for each protocol: bicubic, what others report under it, the cheapest first, and the model."""
    return [_table(document, protocol) for protocol in dict.fromkeys(score.protocol for score in document.scores)]


def own_row(document: BenchmarkDocument) -> Mapping[str, str]:
    """What a paper would print of the model itself: by set, under the first protocol that it was measured by."""
    protocol = document.scores[0].protocol if document.scores else ""
    scores = _figures(one for one in document.scores if (one.network, one.protocol) == ("model", protocol))
    named = {name: _cell(name.lower(), scores, {}) for name in sets_of([document])}
    return {name: " / ".join(text for text, _ in cell.figures) for name, cell in named.items()}


def sets_of(documents: Iterable[BenchmarkDocument]) -> tuple[str, ...]:
    """The sets of some benchmarks, in the order of papers."""
    names = dict.fromkeys(one.name for document in documents for one in document.sets)
    return tuple(sorted(names, key=_place))


def _table(document: BenchmarkDocument, protocol: str) -> BenchmarkTable:
    sets = sets_of([document])
    rows = list(_rows(document, protocol))
    best = _best([figures for _, figures in rows])
    lines = [
        BenchmarkLine(**about, cells=tuple(_cell(name.lower(), figures, best) for name in sets))
        for about, figures in rows
    ]
    return BenchmarkTable(protocol=protocol, sets=sets, lines=tuple(lines))


def _place(name: str) -> int:
    return ORDER.index(name.lower()) if name.lower() in ORDER else len(ORDER)


def _rows(document: BenchmarkDocument, protocol: str) -> Iterator[tuple[dict[str, Any], dict[tuple[str, str], float]]]:
    """What is said of each network, and its printed figures by set and column."""
    measured = {
        network: [one for one in document.scores if (one.network, one.protocol) == (network, protocol)]
        for network in ("bicubic", "model")
    }
    nothing = {"own": False, "source": "", "params": "–", "mult_adds": "–"}
    yield nothing | {"network": "bicubic"}, _figures(measured["bicubic"])
    for other in sorted(document.published, key=lambda other: other.mult_adds):
        if figures := _figures(one for one in other.scores if one.protocol == protocol):
            size = {"params": f"{other.params:,}", "mult_adds": giga(other.mult_adds)}
            yield nothing | size | {"network": other.title, "source": other.source}, figures
    params = "–" if document.params is None else f"{document.params:,}"
    size = {"params": params, "mult_adds": "–" if document.mult_adds is None else giga(document.mult_adds)}
    yield nothing | size | {"network": document.name, "own": True}, _figures(measured["model"])


def _figures(scores: Iterable[BaseModel]) -> dict[tuple[str, str], float]:
    told = [score.model_dump() for score in scores]
    return {
        (one["set"].lower(), column): round(one[column], digits)
        for one in told
        for column, digits in PRINTED.items()
        if one[column] is not None
    }


def _best(rows: Sequence[Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    """The largest figure of each column that several rows have."""
    places = {place for row in rows for place in row}
    found = {place: [row[place] for row in rows if place in row] for place in places}
    return {place: max(values) for place, values in found.items() if len(values) > 1}


def _cell(name: str, figures: Mapping[tuple[str, str], float], best: Mapping[tuple[str, str], float]) -> Cell:
    printed = []
    for column, digits in PRINTED.items():
        value = figures.get((name, column))
        printed.append(("–" if value is None else f"{value:.{digits}f}", value == best.get((name, column), object())))
    return Cell(tuple(printed))
