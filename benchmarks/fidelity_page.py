"""The page and the picture of a fidelity report: Markdown and SVG. It works nothing out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.fidelity_report import GOAL, Measured
from nas.analysing.charts import LEFT, WIDTH, Curve, line_chart

COLOURS = ("#b44d12", "#1f6feb", "#7a5195", "#12805c", "#52606d", "#c2185b")
LEGEND_PX = 150
"""What each curve takes of a chart's legend."""


def to_markdown(document: dict[str, Any], plot_name: str) -> str:
    """The page of a report."""
    images, count = document["images"], document["networks"]["count"]
    sizes = document["networks"]["params"]
    parts = [
        "# How much a short training tells",
        f"{count} networks of the FALSR space ({min(sizes):,} to {max(sizes):,} parameters), each trained under every "
        "arm and scored at the end of every length's own schedule. Training images "
        f"{images['train']}, validation on the central {images['crop_lr_px']}x{images['crop_lr_px']} LR pixels of "
        f"{images['validation']}; bicubic has {document['bicubic_psnr_db']:.2f} dB there. Device: "
        f"{', '.join(document['devices'])}; {document['core_s'] / 60:.0f} core-minutes in all. "
        "`python benchmarks/fidelity.py --images ROOT` measures again.",
        "## Steps to a baseline's PSNR",
        _table_of_needs(document),
        _verdict(document),
        f"![Mean PSNR by training steps, of arms with the image residual](../images/{plot_name})",
        "## Mean PSNR",
        _table_of_means(document),
        "## Agreement of ranks",
        "Kendall's tau-b with its 95 % interval: from each length to the arm's own longest, the same for every 100 "
        f"steps paid, and to the longest of `{document['reference']}`. With {count} networks the intervals are wide.",
        _table_of_taus(document),
        "## The arms",
        _table_of_arms(document),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines))


def _table_of_needs(document: dict[str, Any]) -> str:
    names = list(document["arms"])
    lines = []
    for entry in document["steps_needed"]:
        cells = [f"`{entry['baseline']}`", f"{entry['psnr_db']:.2f} dB at {entry['steps']}"]
        for name in names:
            found = entry["needed"].get(name)
            share = "" if found is None or found["share"] is None else f" ({found['share']:.0%})"
            cells.append("–" if found is None else found["shown"] + share)
        lines.append(cells)
    return _table(["baseline", "its mean PSNR", *(f"steps of `{name}`" for name in names)], lines)


def _verdict(document: dict[str, Any]) -> str:
    """Whether the default recipe keeps its goal, baseline by baseline."""
    sentences = []
    for entry in document["steps_needed"]:
        found = entry["needed"].get("default")
        if found is None:
            continue
        share = found["share"]
        kept = "kept" if share is not None and share <= GOAL else "missed"
        shown = "more than all" if share is None else f"{'at most ' if found['at_most'] else ''}{share:.0%}"
        sentences.append(f"* against `{entry['baseline']}`: {shown} of its steps, {kept}")
    goal = f"The goal is that `default` needs at most {GOAL:.0%} of a baseline's steps to its PSNR at the longest rung."
    return "\n".join([goal, "", *sentences]) if sentences else ""


def _table_of_means(document: dict[str, Any]) -> str:
    steps = sorted({point["steps"] for arm in document["arms"].values() for point in arm["checkpoints"]})
    lines = []
    for name, arm in document["arms"].items():
        means = {point["steps"]: f"{point['psnr_db']:.3f}" for point in arm["checkpoints"]}
        lines.append([f"`{name}`", *(means.get(step, "") for step in steps), f"{arm['spread_db']:.3f}"])
    return _table(["arm", *(f"{step} steps" for step in steps), "spread of the networks (std)"], lines)


def _table_of_taus(document: dict[str, Any]) -> str:
    lines = []
    for name, arm in document["arms"].items():
        for point in arm["checkpoints"]:
            worth = point["tau_last_per_100_steps"]
            lines.append(
                [
                    f"`{name}`",
                    str(point["steps"]),
                    _shown(point["tau_last"]),
                    "–" if worth is None else f"{worth:.2f}",
                    _shown(point["tau_reference"]),
                ]
            )
    reference = f"to `{document['reference']}`"
    return _table(["arm", "steps", "to its own longest", "the same per 100 steps", reference], lines)


def _shown(tau: dict[str, float | None] | None) -> str:
    if tau is None or tau["tau"] is None:
        return "–"
    interval = "" if tau["low"] is None else f" [{tau['low']:.2f}, {tau['high']:.2f}]"
    return f"{tau['tau']:.2f}{interval}"


def _table_of_arms(document: dict[str, Any]) -> str:
    columns = (
        "initialisation",
        "image_residual",
        "input_scale",
        "learning_rate",
        "decay_fraction",
        "ema_decay",
        "gradient_clip",
        "batch",
        "patch",
    )
    lines = []
    for name, arm in document["arms"].items():
        values = [str(arm["recipe"][column]) for column in columns]
        lines.append([f"`{name}`", *values, str(arm["validation_images"]), f"{arm['core_s'] / 60:.1f}"])
    return _table(["arm", *columns, "validation images", "core-minutes"], lines)


def plot(arms: Sequence[Measured]) -> str:
    """Mean PSNR by steps as an SVG document, a curve for each arm.

    Arms without the image residual start 20 dB below the others and are left out, unless there are no others.
    """
    shown = [arm for arm in arms if arm.recipe.image_residual] or arms
    curves = [
        Curve(
            name=arm.name,
            x=np.array(arm.steps, dtype=np.float64),
            y=np.array(arm.means),
            colour=COLOURS[place % len(COLOURS)],
            dashes="" if place < len(COLOURS) else "6 4",
        )
        for place, arm in enumerate(shown)
    ]
    chart = line_chart(curves, title="Mean PSNR in dB by training steps", x_label="training steps (mean PSNR in dB)")
    width = max(WIDTH, LEFT + LEGEND_PX * len(curves))
    style = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13"'
    return chart.replace("<svg ", f"<svg {style} ", 1).replace(f'"0 0 {WIDTH} ', f'"0 0 {width} ', 1) + "\n"
