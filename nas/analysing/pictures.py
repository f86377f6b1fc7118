"""An analysis as labelled pictures. It knows Pillow, and refuses to know files and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from evaluator.data.degrade import round_half_up
from evaluator.spectrum.analysis import Analysis

Array = NDArray[np.float64]
Colours = NDArray[np.uint8]

INK, PALE = "#1f2933", "#9aa5b1"
SIGNED = ((11, 76, 125), (120, 178, 209), (255, 255, 255), (244, 165, 130), (178, 40, 20))
GROWING = ((13, 8, 45), (60, 35, 120), (170, 60, 110), (245, 140, 60), (252, 240, 180))

BODY_PX = 440
TITLE_PX, TITLE_FONT_PX = 42, 26
BAR_PX, BAR_GAP_PX, TICK_PX = 16, 12, 86
FOOT_PX, FONT_PX = 30, 19
FLOOR_DB = -100.0


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of an analysis.

    Attributes:
        name: Its file's name, without a suffix.
        title: What it shows, as written in it.
        caption: How to read it, in a sentence.
        image: RGB, with its title, and a scale of colours where it needs one.
    """

    name: str
    title: str
    caption: str
    image: Image.Image


def pictures(analysis: Analysis) -> tuple[Picture, ...]:
    """Every picture of an analysis: the impulse response and its spectrum, the photograph's parts and theirs."""
    return (_impulse(analysis), _low_pass(analysis), *_parts(analysis), *_spectra(analysis))


def _impulse(analysis: Analysis) -> Picture:
    response = analysis.impulse.response.mean(axis=0)
    return Picture(
        name="impulse-response",
        title="Impulse response",
        caption="What the network makes of one bright pixel: blue is below zero, red above; an ideal interpolator "
        "shows rings that alternate and fade.",
        image=_signed(response, "Impulse response", foot=f"{len(response)} x {len(response)} output pixels"),
    )


def _low_pass(analysis: Analysis) -> Picture:
    magnitude = analysis.impulse.low_pass
    body = _growing(magnitude, (0.0, float(magnitude.max())), "Low-pass response", tick="{:.2f}".format)
    return Picture(
        name="low-pass-response",
        title="Low-pass response",
        caption="How strongly each frequency of that response comes out, zero in the middle: the ideal is even inside "
        "the dashed square and black outside it.",
        image=_with_pass_band(body, magnitude.shape, analysis.scale),
    )


def _parts(analysis: Analysis) -> list[Picture]:
    signed = analysis.nonlinear.mean(axis=0)
    return [
        Picture(
            name="output",
            title="Output",
            caption="The photograph as the network enlarges it: the sum of the next two.",
            image=_photograph(analysis.output, "Output"),
        ),
        Picture(
            name="linear",
            title="Linear part",
            caption="What the impulse response alone makes of the photograph, clipped to black and white.",
            image=_photograph(analysis.linear, "Linear part"),
        ),
        Picture(
            name="nonlinear",
            title="Non-linear part",
            caption="Output less linear part, which no fixed filter gives: blue where the network takes away, red "
            "where it adds.",
            image=_signed(signed, "Non-linear part"),
        ),
    ]


def _spectra(analysis: Analysis) -> list[Picture]:
    reference = np.abs(np.fft.fft2(analysis.output.mean(axis=0))).max()
    return [
        _spectrum(analysis.output, reference, analysis.scale, "output", "of the output"),
        _spectrum(analysis.linear, reference, analysis.scale, "linear", "of the linear part"),
        _spectrum(analysis.nonlinear, reference, analysis.scale, "nonlinear", "of the non-linear part"),
    ]


def _spectrum(image: Array, reference: float, scale: int, name: str, whose: str) -> Picture:
    magnitude = np.abs(np.fft.fftshift(np.fft.fft2(image.mean(axis=0))))
    floor = 10 ** (FLOOR_DB / 20)
    decibels = 20 * np.log10(np.maximum(magnitude / max(float(reference), 1e-300), floor))
    title = f"Spectrum {whose}"
    picture = _growing(decibels, (FLOOR_DB, 0.0), title, tick="{:.0f} dB".format)
    return Picture(
        name=f"{name}-spectrum",
        title=title,
        caption=f"Frequencies {whose}, zero in the middle, in dB below the strongest of the output; the photograph "
        "itself can have none outside the dashed square.",
        image=_with_pass_band(picture, decibels.shape, scale),
    )


def _signed(values: Array, title: str, *, foot: str = "") -> Image.Image:
    # Colours follow the square root, or the rings around a peak would all be white.
    reach = float(np.abs(values).max()) or 1.0
    colours = _coloured((np.sign(values) * np.sqrt(np.abs(values) / reach) + 1) / 2, SIGNED)
    ticks = [((1 + root) / 2, f"{root * abs(root) * reach:+.2f}" if root else "0") for root in (1, 0.5, 0, -0.5, -1)]
    return _framed(colours, title, bar=(SIGNED, ticks), foot=foot)


def _growing(values: Array, limits: tuple[float, float], title: str, *, tick: Callable[[float], str]) -> Image.Image:
    low, high = limits
    colours = _coloured((values - low) / ((high - low) or 1.0), GROWING)
    ticks = [(share, tick(low + share * (high - low))) for share in (1.0, 0.5, 0.0)]
    return _framed(colours, title, bar=(GROWING, ticks), foot="cycles per pixel, -1/2 to 1/2")


def _photograph(image: Array, title: str) -> Image.Image:
    pixels = round_half_up(255 * np.moveaxis(image, 0, 2))
    return _framed(pixels if pixels.shape[2] == 3 else pixels.repeat(3, axis=2), title)


def _coloured(shares: Array, anchors: Sequence[tuple[int, int, int]]) -> Colours:
    """Colours of values in [0, 1], H x W x 3."""
    places = np.linspace(0, 1, len(anchors))
    channels = [np.interp(shares, places, [anchor[channel] for anchor in anchors]) for channel in range(3)]
    return round_half_up(np.stack(channels, axis=-1))


def _zoom(shape: tuple[int, ...]) -> int:
    return max(1, round(BODY_PX / max(shape[:2])))


def _framed(
    colours: Colours,
    title: str,
    *,
    bar: tuple[Sequence[tuple[int, int, int]], Sequence[tuple[float, str]]] | None = None,
    foot: str = "",
) -> Image.Image:
    """A body under its title, with a scale of colours at its right and a line below it."""
    zoom = _zoom(colours.shape)
    body = Image.fromarray(colours).resize((zoom * colours.shape[1], zoom * colours.shape[0]), Image.Resampling.NEAREST)
    # Pictures without a bar leave its place free: side by side, all bodies then have one size.
    sheet = Image.new("RGB", (body.width + BAR_GAP_PX + BAR_PX + TICK_PX, TITLE_PX + body.height + FOOT_PX), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((0, 4), title, fill=INK, font=ImageFont.load_default(size=TITLE_FONT_PX))
    sheet.paste(body, (0, TITLE_PX))
    draw.rectangle((0, TITLE_PX, body.width - 1, TITLE_PX + body.height - 1), outline=PALE)
    draw.text((0, TITLE_PX + body.height + 4), foot, fill=INK, font=ImageFont.load_default(size=FONT_PX))
    if bar:
        _draw_bar(sheet, body.width + BAR_GAP_PX, body.height, *bar)
    return sheet


def _draw_bar(
    sheet: Image.Image,
    left: int,
    height: int,
    anchors: Sequence[tuple[int, int, int]],
    ticks: Sequence[tuple[float, str]],
) -> None:
    column = _coloured(np.linspace(1, 0, height)[:, None].repeat(BAR_PX, axis=1), anchors)
    sheet.paste(Image.fromarray(column), (left, TITLE_PX))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=FONT_PX)
    draw.rectangle((left, TITLE_PX, left + BAR_PX - 1, TITLE_PX + height - 1), outline=PALE)
    for share, text in ticks:
        anchor = {1.0: "la", 0.0: "ls"}.get(share, "lm")
        draw.text((left + BAR_PX + 6, TITLE_PX + (1 - share) * (height - 1)), text, fill=INK, font=font, anchor=anchor)


def _with_pass_band(sheet: Image.Image, shape: tuple[int, ...], scale: int) -> Image.Image:
    """Mark the frequencies that the input can have: the middle 1/s of each axis."""
    zoom, draw = _zoom(shape), ImageDraw.Draw(sheet)
    height, width = shape[0] * zoom, shape[1] * zoom
    reach_x, reach_y = width / (2 * scale), height / (2 * scale)
    left, right = width / 2 - reach_x, width / 2 + reach_x
    top, bottom = TITLE_PX + height / 2 - reach_y, TITLE_PX + height / 2 + reach_y
    for start in np.arange(0, 1, 1 / 24):
        end = start + 1 / 48
        for y in (top, bottom):
            draw.line((left + start * (right - left), y, left + end * (right - left), y), fill="white", width=2)
        for x in (left, right):
            draw.line((x, top + start * (bottom - top), x, top + end * (bottom - top)), fill="white", width=2)
    return sheet
