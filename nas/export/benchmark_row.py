"""The row that a paper prints: what a model scores, beside bicubic and published networks. It measures nothing.

The document of it, as JSON, as Markdown and as CSV.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from search_space.errors import InvalidInput, Problem

from ..figures import giga
from .benchmark_document import BenchmarkDocument, Latency
from .markdown import table

COLUMNS = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")


def to_json(document: BenchmarkDocument) -> dict[str, Any]:
    """The benchmark as a JSON document, which `from_json` reads back."""
    return document.model_dump(mode="json")


def from_json(document: Mapping[str, Any]) -> BenchmarkDocument:
    """Read what `to_json` wrote.

    Raises:
        InvalidInput: This is no such document; names each field that is not as it should be.
    """
    try:
        return BenchmarkDocument.model_validate(document)
    except ValidationError as error:
        problems = [
            Problem(".".join(("benchmark", *map(str, entry["loc"]))), entry["input"], entry["msg"])
            for entry in error.errors()
        ]
        raise InvalidInput(problems, "Give a document that `srnas benchmark --json` wrote.") from error


@dataclass(frozen=True, kw_only=True)
class _Row:
    """One network under one protocol; its figures by set, in small letters, and column."""

    network: str
    figures: Mapping[str, Mapping[str, float | None]]
    source: str = ""
    params: int | None = None
    mult_adds: int | None = None
    latencies: Sequence[Latency] = ()


def as_markdown(*documents: BenchmarkDocument) -> str:
    """Tables with a row for each network: of each task one for each protocol, then what depends on no protocol.

    Reported figures stand only under the protocol that their authors used. Of each column the best is bold.

    Args:
        documents: One model's benchmark, or those of several on the same sets.
    """
    scales = dict.fromkeys(document.scale for document in documents)
    parts = []
    for scale in scales:
        own = [document for document in documents if document.scale == scale]
        protocols = _protocols(own)
        parts += [_score_table(own, protocol) for protocol in protocols]
        parts += [_spectral_table(own) if protocols else _cost_table(own)]
    parts += [_latency_table(documents)] if any(document.latencies for document in documents) else []
    remarks = dict.fromkeys(note for document in documents for note in (*document.notes, _measured_by(document)))
    parts += ["\n".join(f"* {remark}" for remark in remarks)]
    return "\n\n".join(parts) + "\n"


def _tasks(documents: Sequence[BenchmarkDocument]) -> list[list[BenchmarkDocument]]:
    """Those of one scale and as many channels together: others have another bicubic to beat."""
    tasks: dict[tuple[int, int], list[BenchmarkDocument]] = {}
    for document in documents:
        tasks.setdefault((document.scale, document.channels), []).append(document)
    return list(tasks.values())


def _title(documents: Sequence[BenchmarkDocument]) -> str:
    one = documents[0]
    return f"### x{one.scale}, {'luma' if one.channels == 1 else 'RGB'}"


def _protocols(documents: Iterable[BenchmarkDocument]) -> list[str]:
    return list(dict.fromkeys(score.protocol for document in documents for score in document.scores))


def _sets(documents: Iterable[BenchmarkDocument]) -> list[str]:
    return list(dict.fromkeys(one.name for document in documents for one in document.sets))


def _rows(documents: Sequence[BenchmarkDocument], protocol: str) -> list[_Row]:
    """Bicubic, then what others report under the protocol, the cheapest first, then the models."""
    sets = {name.lower() for name in _sets(documents)}
    published = {network.title: network for document in documents for network in document.published}
    rows = [_Row(network="bicubic", figures=_figures(documents[0], "bicubic", protocol))]
    for network in sorted(published.values(), key=lambda network: network.mult_adds):
        figures = {
            one.set.lower(): {"psnr_db": one.psnr_db, "ssim": one.ssim}
            for one in network.scores
            if one.protocol == protocol and one.set.lower() in sets
        }
        if figures:
            rows.append(
                _Row(
                    network=network.title,
                    source=network.source,
                    params=network.params,
                    mult_adds=network.mult_adds,
                    figures=figures,
                )
            )
    return rows + [_measured(document, protocol) for document in documents]


def _measured(document: BenchmarkDocument, protocol: str) -> _Row:
    return _Row(
        network=document.name,
        params=document.params,
        mult_adds=document.mult_adds,
        figures=_figures(document, "model", protocol),
        latencies=document.latencies,
    )


def _figures(document: BenchmarkDocument, network: str, protocol: str) -> dict[str, dict[str, float | None]]:
    """What was measured of one network, by set and column."""
    return {
        one.set.lower(): one.model_dump(include=set(COLUMNS))
        for one in document.scores
        if one.protocol == protocol and one.network == network
    }


def _score_table(documents: Sequence[BenchmarkDocument], protocol: str) -> str:
    rows, sets = _rows(documents, protocol), _sets(documents)
    sources = list(dict.fromkeys(row.source for row in rows if row.source))
    lines = []
    for row in rows:
        given = f"reported [{sources.index(row.source) + 1}]" if row.source else "measured"
        params = "–" if row.params is None else f"{row.params:,}"
        mult_adds = "–" if row.mult_adds is None else giga(row.mult_adds)
        cells = (_cell(row, name.lower(), {"psnr_db": 2, "ssim": 4}, rows) for name in sets)
        lines.append([row.network, given, params, mult_adds, *cells])
    printed = table(["network", "figures", "params", "mult-adds", *sets], lines, texts=(0, 1))
    title = f"{_title(documents)}, protocol `{protocol}`: PSNR (dB) / SSIM"
    return "\n".join([title, "", printed, *_footnotes(sources)])


def _footnotes(sources: Sequence[str]) -> list[str]:
    return ["", *(f"* [{number}] {source}" for number, source in enumerate(sources, start=1))] if sources else []


def _cost_table(documents: Sequence[BenchmarkDocument]) -> str:
    """What is known where there were no sets to score anything on."""
    lines = [
        [
            document.name,
            "–" if document.params is None else f"{document.params:,}",
            "–" if document.mult_adds is None else giga(document.mult_adds),
        ]
        for document in documents
    ]
    title = f"{_title(documents)}: scored on no benchmark set"
    return "\n".join([title, "", table(["network", "params", "mult-adds"], lines)])


def _spectral_table(documents: Sequence[BenchmarkDocument]) -> str:
    """FSDS, which depends on no protocol: that of any is that of all."""
    protocol, sets = _protocols(documents)[0], _sets(documents)
    rows = [row for row in _rows(documents, protocol) if not row.source]
    digits = {"fsds_db": 2, "fsds_si_db": 2}
    lines = [[row.network, *(_cell(row, name.lower(), digits, rows) for name in sets)] for row in rows]
    return "\n".join([f"{_title(documents)}: FSDS (dB) / FSDS-SI (dB)", "", table(["network", *sets], lines)])


def _cell(row: _Row, name: str, digits: Mapping[str, int], rows: Sequence[_Row]) -> str:
    """A row's figures on one set; in bold those that no row's exceed, as they are printed."""
    return " / ".join(_figure(row, name, column, places, rows) for column, places in digits.items())


def _figure(row: _Row, name: str, column: str, places: int, rows: Sequence[_Row]) -> str:
    value, *others = (_printed(one, name, column, places) for one in (row, *rows))
    if value is None:
        return "–"
    found = [other for other in others if other is not None]
    text = f"{value:.{places}f}"
    return f"**{text}**" if len(found) > 1 and value == max(found) else text


def _printed(row: _Row, name: str, column: str, places: int) -> float | None:
    value = row.figures.get(name, {}).get(column)
    return None if value is None or not math.isfinite(value) else round(value, places)


def _latency_table(documents: Iterable[BenchmarkDocument]) -> str:
    lines = [
        [
            document.name,
            f"{one.median_ms:.1f}",
            f"{one.lower_ms:.1f}–{one.upper_ms:.1f}",
            f"{one.repeats} after {one.warm_up}",
            one.timed,
            one.output,
            one.device,
            one.runtime,
        ]
        for document in documents
        for one in document.latencies
    ]
    headings = ["network", "median (ms)", "quartiles (ms)", "runs", "timed", "output", "device", "runtime"]
    return "\n".join(["### Latency of one image", "", table(headings, lines, texts=(0, 4, 5, 6, 7))])


def _measured_by(document: BenchmarkDocument) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in document.versions.items())
    return f"{document.name}: scored on {document.device}, with {versions}"


def as_csv(*documents: BenchmarkDocument) -> str:
    """A line for each network, set and protocol (RFC 4180), figures in full, empty where there is none.

    A model that was scored on no set has one line, of its costs.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, _HEADINGS)
    writer.writeheader()
    writer.writerows(_lines(documents))
    return text.getvalue()


_HEADINGS = (
    *("network", "figures", "source", "scale", "params", "mult_adds", "set", "protocol"),
    *(*COLUMNS, "latency_ms_cpu", "latency_ms_cuda"),
)


def _lines(documents: Sequence[BenchmarkDocument]) -> Iterator[dict[str, Any]]:
    for own in _tasks(documents):
        if not _protocols(own):
            yield from (_line(own[0].scale, _measured(document, "")) for document in own)
        for protocol in _protocols(own):
            for row in _rows(own, protocol):
                for name in _sets(own):
                    if figures := row.figures.get(name.lower()):
                        yield _line(own[0].scale, row) | {"set": name, "protocol": protocol, **figures}


def _line(scale: int, row: _Row) -> dict[str, Any]:
    """What is told of a network beside its figures."""
    return {
        "network": row.network,
        "figures": "reported" if row.source else "measured",
        "source": row.source,
        "scale": scale,
        "params": row.params,
        "mult_adds": row.mult_adds,
        **{f"latency_ms_{one.place}": one.median_ms for one in row.latencies},
    }
