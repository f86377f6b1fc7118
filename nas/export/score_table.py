"""Scores of networks on sets of images, as values and as text, Markdown, CSV or JSON. It computes no score.

Every row says under which protocol it was measured, on what images, and what was done to them first.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluator.metrics.protocol import GRAY, Protocol
from search_space.published import ReportedScore

from . import markdown

Figures = Mapping[str, float | None]
"""By column, such as `psnr_db`; None where there is no such figure, as FSDS of a constant image."""

TEXTS = ("model", "set", "image", "protocol")
"""Headings of columns that hold no figures."""


@dataclass(frozen=True, kw_only=True)
class Images:
    """A set of images as it was scored.

    Attributes:
        name: What rows call it.
        path: The folder.
        count: How many images.
        digest: Of their pixels at both resolutions.
        lr_made: Whether LR images were made from HR, the folder having none of this scale.
        gray: Names of the gray ones.
        converted: What decoding did to files that are not plain 8-bit gray or RGB, by image.
        cut: What was cut off so that the sides divide by the scale, by image.
    """

    name: str
    path: str
    count: int
    digest: str
    lr_made: bool
    gray: tuple[str, ...] = ()
    converted: Mapping[str, str]
    cut: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network on one set.

    Attributes:
        model: What it is called.
        channels: Channels that it upscales: 1 for luma, 3 for RGB.
        images: The set.
        means: Means over the set.
        per_image: The figures of each image, by its name.
        capped: How many infinite figures counted as the cap in a mean, by column.
        reported: What the network's authors print for this set, where that was asked for and exists.
    """

    model: str
    channels: int
    images: Images
    means: Figures
    per_image: Mapping[str, Figures]
    capped: Mapping[str, int]
    reported: ReportedScore | None = None

    def difference(self, column: str, protocol: Protocol) -> float | None:
        """Measured minus reported; None where nothing is reported, or under another protocol."""
        measured = self.means.get(column)
        if self.reported is None or self.reported.protocol != protocol.id or measured is None:
            return None
        return measured - float(getattr(self.reported, column))


@dataclass(frozen=True, kw_only=True)
class ScoreTable:
    """Networks by sets, under one protocol.

    Attributes:
        protocol: How they were compared.
        scale: Upscaling factor.
        columns: The figures that were asked for.
        fsds_denominator: Whose spectrum FSDS compares the error with.
        rows: One for each network and set.
        compares: Whether reported figures stand beside the measured ones.
    """

    protocol: Protocol
    scale: int
    columns: tuple[str, ...]
    fsds_denominator: str
    rows: tuple[Row, ...]
    compares: bool = False


def to_json(table: ScoreTable) -> dict[str, Any]:
    """Return everything, the figures of each image included, as a JSON document; infinite figures are null."""
    return {
        "protocol": table.protocol.to_json(),
        "scale": table.scale,
        "fsds_denominator": table.fsds_denominator,
        "rows": [_row_json(row, table) for row in table.rows],
        "notes": notes(table),
    }


def _row_json(row: Row, table: ScoreTable) -> dict[str, Any]:
    document = _origin(row, table) | {
        "path": row.images.path,
        "digest": row.images.digest,
        "converted": dict(row.images.converted),
        "cut": dict(row.images.cut),
        "capped": dict(row.capped),
        "means": _finite(row.means),
        "per_image": [{"image": name, **_finite(figures)} for name, figures in row.per_image.items()],
    }
    if table.compares:
        reported = row.reported
        document["reported"] = reported and {
            "psnr_db": reported.psnr_db,
            "ssim": reported.ssim,
            "protocol": reported.protocol,
        }
        document["difference"] = {column: row.difference(column, table.protocol) for column in _compared(table)}
    return document


def _origin(row: Row, table: ScoreTable) -> dict[str, Any]:
    """What a figure cannot do without."""
    return {
        "model": row.model,
        "channels": row.channels,
        "set": row.images.name,
        "images": row.images.count,
        "protocol": table.protocol.id,
        "scale": table.scale,
        "lr": f"made, {table.protocol.border} border" if row.images.lr_made else "as given",
        "gray_images": len(row.images.gray),
        "gray": GRAY,
    }


def _finite(figures: Figures) -> dict[str, float | None]:
    return {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}


def to_csv(table: ScoreTable) -> str:
    """Return a line for each image and one for each mean (RFC 4180), figures in full, empty where there is none."""
    text = io.StringIO()
    writer = csv.writer(text)
    rows = [line for row in table.rows for line in _csv_lines(row, table)]
    writer.writerow(rows[0])
    writer.writerows(line.values() for line in rows)
    return text.getvalue()


def _csv_lines(row: Row, table: ScoreTable) -> Iterable[dict[str, Any]]:
    for name, figures in [*row.per_image.items(), ("mean", row.means)]:
        line = {**_origin(row, table), "image": name, **{column: figures.get(column) for column in table.columns}}
        if table.compares:
            stands = row.reported if name == "mean" else None
            line["reported_protocol"] = stands and stands.protocol
            for column in _compared(table):
                line[f"reported_{column}"] = stands and getattr(stands, column)
                line[f"difference_{column}"] = row.difference(column, table.protocol) if stands else None
        yield line


def to_text(table: ScoreTable, *, per_image: bool = False) -> str:
    """Return rounded figures in columns, and under them what was done to the images."""
    headings, *lines = grid(table, per_image=per_image)
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    text = [
        "  ".join(
            cell.ljust(width) if heading in TEXTS else cell.rjust(width)
            for heading, cell, width in zip(headings, cells, widths, strict=True)
        ).rstrip()
        for cells in (headings, *lines)
    ]
    return "\n".join([*text, "", *notes(table)]) + "\n"


def to_markdown(table: ScoreTable, *, per_image: bool = False) -> str:
    """Return rounded figures as a Markdown table, and under it what was done to the images."""
    headings, *lines = grid(table, per_image=per_image)
    words = [column for column, heading in enumerate(headings) if heading in TEXTS]
    text = markdown.table(headings, lines, texts=words)
    return "\n".join([text, "", *(f"* {note}" for note in notes(table))]) + "\n"


def grid(table: ScoreTable, *, per_image: bool = False) -> list[list[str]]:
    """Return the headings and then the cells of every line, as people read them."""
    headings = ["model", "set", *(["image"] if per_image else []), "images", "protocol"]
    headings += [_heading(column) for column in table.columns]
    if table.compares:
        headings += [text for column in _compared(table) for text in (f"reported {_heading(column)}", "difference")]
    lines = [headings]
    for row in table.rows:
        if per_image:
            lines += [_line(row, table, name, figures) for name, figures in row.per_image.items()]
        lines.append(_line(row, table, "mean" if per_image else None, row.means))
    return lines


def _line(row: Row, table: ScoreTable, image: str | None, figures: Figures) -> list[str]:
    is_mean = figures is row.means
    cells = [row.model, row.images.name, *([image] if image else []), str(row.images.count) if is_mean else "1"]
    cells += [table.protocol.id, *(shown(column, figures.get(column)) for column in table.columns)]
    for column in _compared(table) if table.compares else ():
        reported = row.reported if is_mean else None
        digits = 2 if column == "psnr_db" else 4  # as they are printed
        printed = f"{getattr(reported, column):.{digits}f} ({reported.protocol})" if reported else "–"
        difference = row.difference(column, table.protocol) if reported else None
        cells += [printed, "–" if difference is None else f"{difference:+.{_digits(column)}f}"]
    return cells


def _compared(table: ScoreTable) -> list[str]:
    return [column for column in ("psnr_db", "ssim") if column in table.columns]


def _heading(column: str) -> str:
    return f"{column.removesuffix('_db')} (dB)" if column.endswith("_db") else column


def _digits(column: str) -> int:
    return 3 if column.endswith("_db") else 4


def shown(column: str, value: float | None) -> str:
    """A figure to the digits that tables print: decibels to three, ratios to four."""
    return "–" if value is None else f"{value:.{_digits(column)}f}"


def notes(table: ScoreTable) -> list[str]:
    """Return what was done to images before they were scored, and what a mean does not show."""
    found = [f"protocol {table.protocol.id}: {table.protocol.description}"]
    for images in {row.images.name: row.images for row in table.rows}.values():
        found += _notes_on(images, table)
    for row in table.rows:
        for column, count in row.capped.items():
            found.append(f"{row.model} on {row.images.name}: {count} infinite {column} counted as the cap in the mean")
        if row.reported and row.reported.protocol != table.protocol.id:
            found.append(f"{row.model}: reported under {row.reported.protocol}, which does not compare")
    if table.fsds_denominator != "target":
        found.append("fsds: arguments swapped, the error is compared with the prediction's spectrum")
    return list(dict.fromkeys(found))


def _notes_on(images: Images, table: ScoreTable) -> list[str]:
    found = []
    if images.lr_made:
        found.append(f"LR images made from HR by imresize, {table.protocol.border} border")
    if images.gray:
        found.append(f"gray images taken {GRAY}: {_few(images.gray)}")
    for what in dict.fromkeys(images.converted.values()):
        found.append(f"{what}: {_few([name for name, done in images.converted.items() if done == what])}")
    if images.cut:
        cut = [f"{name} {what}" for name, what in images.cut.items()]
        found.append(f"cut at the bottom and right to a multiple of {table.scale}: {_few(cut)}")
    return [f"{images.name}: {note}" for note in found]


def _few(names: Sequence[str], limit: int = 4) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
