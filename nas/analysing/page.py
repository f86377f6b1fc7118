"""An analysis as one HTML page that loads nothing and runs nothing: pictures, curves and a table."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from evaluator.spectrum.analysis import Analysis
from evaluator.spectrum.statistics import Array, Statistics, frequencies, sinc_kernel, statistics

from .charts import Curve, line_chart
from .pictures import Picture, pictures

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
NETWORK, BICUBIC, IDEAL = "#0b6e99", "#c2410c", "#7b8794"

STYLE = """
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem 3rem; color: #1f2933; background: #fff;
       font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; } h2 { margin: 2.2rem 0 .2rem; font-size: 1.15rem; }
p { margin: .25rem 0 1rem; color: #52606d; max-width: 60rem; }
dl { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0; }
dl div { border: 1px solid #e6eaef; border-radius: 8px; padding: .5rem .9rem; }
dt { font-size: .8rem; color: #52606d; } dd { margin: 0; font-size: 1.15rem; font-weight: 600; }
.row { display: grid; gap: 1.5rem; align-items: start; }
.two { grid-template-columns: repeat(2, minmax(0, 1fr)); } .three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
@media (max-width: 48rem) { .two, .three { grid-template-columns: minmax(0, 1fr); } }
figure { margin: 0; } figcaption { margin-top: .4rem; font-size: .85rem; color: #52606d; }
img, svg { display: block; width: 100%; height: auto; } svg { font: 14px system-ui, sans-serif; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { padding: .4rem .7rem; text-align: right; border-bottom: 1px solid #e6eaef; white-space: nowrap; }
th { color: #52606d; font-weight: 600; } td:first-child { font-weight: 600; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
td:last-child { white-space: normal; color: #52606d; }
"""

Row = tuple[str, str, Callable[[Statistics], str], str]
"""Name, ideal (that of the ideal interpolator's response in the same window if empty), figure and meaning."""

ROWS: tuple[Row, ...] = (
    ("dc", "1", lambda s: f"{s.dc:.4f}", "What a flat area is multiplied by, going by the impulse response."),
    (
        "phase gains",
        "1 to 1",
        lambda s: "{:.3f} to {:.3f}".format(*s.phase_gain_range),
        "The same for each position within an input pixel; where they differ, flat areas get a grid.",
    ),
    ("stop-band ratio", "0", lambda s: f"{s.stopband_ratio:.4f}", "Energy at frequencies that the input cannot have."),
    ("sinc cosine", "1", lambda s: f"{s.sinc_cosine:.4f}", "Likeness to the ideal interpolator in the same window."),
    ("peak", "", lambda s: f"{s.peak:.3f}", "The largest value of the response."),
    ("lowest", "", lambda s: f"{s.lowest:.3f}", "Its smallest value: how deep the first ring is."),
    (
        "truncated energy",
        "0",
        lambda s: f"{s.truncated_energy:.2g}",
        "Energy in the outermost two pixels: what the window may have cut off.",
    ),
)


def to_html(analysis: Analysis, *, model: str, image: str) -> str:
    """Write the page.

    Args:
        analysis: What to show.
        model: What the network is called.
        image: What the photograph is called.
    """
    impulse, low_pass, *rest = pictures(analysis)
    title = f"{model} on {image}"
    _, height, width = analysis.image.shape
    dot = analysis.dot
    about = (
        f"Hybrid response analysis of an upscaler x{analysis.scale}: its response to one pixel, {dot.amplitude:g} "
        f"above a background of {dot.background:g} in {dot.size} x {dot.size} pixels, and what that response explains "
        f"of {width} x {height} pixels of the photograph."
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width">
<title>{escape(title)} – analysis</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(about)}</p>
{_cards(analysis)}
<h2>One bright pixel</h2>
<p>A diagnostic, not a score: one dot on an even background is unlike anything that a network was trained on.</p>
<div class="row two">
{_figure(impulse)}
{_chart(_profile(analysis), "The row through its middle, beside those of bicubic and of the ideal interpolator.")}
</div>
<h2>Its frequencies</h2>
<div class="row two">
{_figure(low_pass)}
{_chart(_gain(analysis), "The same along horizontal frequencies: the ideal passes all that the input can have.")}
</div>
{_table(analysis)}
<h2>The photograph in two parts</h2>
<div class="row three">
{"".join(map(_figure, rest[:3]))}
</div>
<h2>Their frequencies</h2>
<div class="row three">
{"".join(map(_figure, rest[3:]))}
</div>
</body>
</html>
"""


def to_png(picture: Picture) -> bytes:
    """Write a picture as a PNG file."""
    buffer = io.BytesIO()
    picture.image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _cards(analysis: Analysis) -> str:
    figures = analysis.impulse.statistics
    cards = {
        "scale": f"x{analysis.scale}",
        "non-linear share (RMS)": f"{analysis.nonlinear_share:.1%}",
        "dc": f"{figures.dc:.3f}",
        "sinc cosine": f"{figures.sinc_cosine:.3f}",
        "stop-band ratio": f"{figures.stopband_ratio:.3f}",
    }
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in cards.items())}</dl>"


def _figure(picture: Picture) -> str:
    data = base64.b64encode(to_png(picture)).decode()
    return (
        f'<figure><img alt="{escape(picture.title)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )


def _chart(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"


def _profile(analysis: Analysis) -> str:
    s, size = analysis.scale, analysis.dot.size
    row = s * (size // 2) + s // 2
    x = (np.arange(s * size) - (s * (size // 2) + (s - 1) / 2)) / s
    rows = [response.mean(axis=0)[row] for response in (analysis.impulse.response, analysis.bicubic.response)]
    return line_chart(
        _curves(x, [*rows, sinc_kernel(size, s)[row]]),
        title="Row through the middle of the impulse response",
        x_label="distance from the dot, input pixels",
    )


def _gain(analysis: Analysis) -> str:
    x = frequencies()
    rows = [impulse.low_pass[len(x) // 2] for impulse in (analysis.impulse, analysis.bicubic)]
    ideal = (np.abs(x) <= 0.5 / analysis.scale).astype(np.float64)
    return line_chart(
        _curves(x, [*rows, ideal]), title="Gain along horizontal frequencies", x_label="cycles per output pixel"
    )


def _curves(x: Array, rows: Sequence[Array]) -> list[Curve]:
    styles = (("network", NETWORK, ""), ("bicubic", BICUBIC, ""), ("ideal", IDEAL, "5 4"))
    return [
        Curve(name=name, x=x, y=y, colour=colour, dashes=dashes)
        for (name, colour, dashes), y in zip(styles, rows, strict=True)
    ]


def _table(analysis: Analysis) -> str:
    ours, bicubic = analysis.impulse.statistics, analysis.bicubic.statistics
    sinc = statistics(sinc_kernel(analysis.dot.size, analysis.scale)[None], analysis.scale)
    rows = [
        (name, figure(ours), figure(bicubic), ideal or figure(sinc), meaning) for name, ideal, figure, meaning in ROWS
    ]
    lines = [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows]
    headings = "".join(f"<th>{name}</th>" for name in ("figure", "network", "bicubic", "ideal", "meaning"))
    return (
        f'<h2>In figures</h2><div class="wide"><table><thead><tr>{headings}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
