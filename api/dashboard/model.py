"""The page of a finished model: what it scores and how it came there, its benchmark as papers print it, its files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from nas.export.benchmark_document import BenchmarkDocument
from nas.export.benchmark_row import from_json
from nas.figures import giga, heading, shown
from nas.filing import NotBenchmarked, NotReady
from nas.records import ArtifactState
from nas.service import Service
from nas.store.base import NotFound
from nas.trainings import Model
from search_space.errors import InvalidInput

from ..access import Viewer
from ..deps import ServiceDep
from .candidate import drawing
from .curves import Chart, bars, curve
from .files import form_rows, may_change, pictures_of
from .rendering import page
from .views import may_submit
from .wording import span

router = APIRouter(include_in_schema=False)

POINT_COLUMNS = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")
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


@router.get("/models/{model_id}")
def show_model(model_id: str, request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show one finished model."""
    model = service.trainings.model(model_id)
    training, spec = model.training, model.search.spec
    artifacts = service.model_artifacts(model_id)
    benchmark = benchmark_of(model_id, service)
    return page(
        request,
        "model.html",
        model=model,
        name=spec.name or f"Search {model.search.id}",
        task=f"×{spec.scale} {'luma' if spec.channels == 1 else 'RGB'}",
        figures=final_figures(model),
        mult_adds=giga(model.candidate.mult_adds),
        train_time=span(training.train_s),
        charts=charts(model),
        drawing=drawing(model.candidate.genotype, f"{spec.name or model.search.id}, {model.candidate.id}"),
        benchmark=benchmark,
        tables=[] if benchmark is None else tables(benchmark),
        forms=form_rows(artifacts),
        card=next((row.href for row in form_rows(artifacts) if row.name == "card"), ""),
        upscales=any(made.format == "onnx" and made.state is ArtifactState.READY for made in artifacts),
        pictures=pictures_of(artifacts),
        may_change=may_change(who, model.search),
        may_upscale=may_submit(who),
    )


def final_figures(model: Model) -> list[tuple[str, str, str]]:
    """What a model scores on the validation images: name, figure, and what to set it beside."""
    final = model.training.final
    if final is None:
        return []
    partial = model.candidate.evaluation.psnr_db if model.candidate.evaluation else None
    beside = [
        f"{words} {shown('psnr_db', value)}"
        for words, value in (("bicubic", model.bicubic_psnr_db), ("in its search", partial))
        if value is not None
    ]
    return [
        (heading(column), shown(column, getattr(final, column)), ", ".join(beside) if column == "psnr_db" else "")
        for column in POINT_COLUMNS
    ]


def charts(model: Model) -> list[Chart]:
    """How a model came to its scores, and what it learnt of each band of frequencies."""
    points, final = model.training.points, model.training.final
    shares = final.bands.correspondence if final and final.bands else ()
    scores = [(point.step, point.psnr_db) for point in points]
    drawn = (
        curve("PSNR over the training", scores, x_name="step", y_name="PSNR (dB)"),
        bars("Correspondence by band", shares, x_name="band of frequencies, lowest first", y_name="share learnt"),
    )
    return [chart for chart in drawn if chart is not None]


# -- the benchmark -----------------------------------------------------------------------------------------------------


def benchmark_of(model_id: str, service: Service) -> BenchmarkDocument | None:
    """What a model scores on the benchmark sets; None before it is known, or where its file is gone."""
    with suppress(NotBenchmarked, NotReady, NotFound, InvalidInput, ValueError):
        return from_json(json.loads(service.benchmark(model_id)))
    return None


def tables(document: BenchmarkDocument) -> list[BenchmarkTable]:
    """A table for each protocol: bicubic, what others report under it, the cheapest first, and the model."""
    return [_table(document, protocol) for protocol in dict.fromkeys(score.protocol for score in document.scores)]


def _table(document: BenchmarkDocument, protocol: str) -> BenchmarkTable:
    sets = tuple(sorted(dict.fromkeys(one.name for one in document.sets), key=_place))
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
