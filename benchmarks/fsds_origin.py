"""How FSDS depends on where an image begins, and FSDS-SI does not: the figures of docs/reference/protocols.md.

    python benchmarks/fsds_origin.py [IMAGE] [--json]

First one pixel of the image is changed by 0.2, at several places. Then the image is compared with its bicubic x2
enlargement while both are rolled by the same offset, which moves nothing but the origin.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from evaluator.data.decoding import decode
from evaluator.data.degrade import imresize, modcrop
from evaluator.metrics.fsds import fsds, fsds_si
from evaluator.metrics.psnr import psnr
from evaluator.preparation import planes

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "coffee.png"
CHANGE = 0.2
STEPS = 12
"""Origins that are tried along each axis."""


def one_pixel(image: Tensor) -> list[dict[str, object]]:
    """The figures of the image with one pixel changed, C x H x W on [0, 1], against the image itself."""
    height, width = image.shape[-2:]
    places = {
        "first pixel": (0, 0),
        "last pixel": (height - 1, width - 1),
        "middle of the first row": (0, width // 2),
        "ten pixels in": (10, 10),
        "middle": (height // 2, width // 2),
    }
    return [{"place": place, **figures(_changed(image, *at), image)} for place, at in places.items()]


def _changed(image: Tensor, row: int, column: int) -> Tensor:
    changed = image.clone()
    pixel = changed[:, row, column]
    changed[:, row, column] = torch.where(pixel < 0.5, pixel + CHANGE, pixel - CHANGE)  # nothing leaves the range
    return changed


def rolled(prediction: Tensor, target: Tensor) -> dict[str, list[float]]:
    """FSDS and FSDS-SI of two images under every one of the origins."""
    height, width = target.shape[-2:]
    shifts = [(i * height // STEPS, j * width // STEPS) for i in range(STEPS) for j in range(STEPS)]
    pairs = [(prediction.roll(shift, (-2, -1)), target.roll(shift, (-2, -1))) for shift in shifts]
    return {
        "fsds_db": [float(fsds(p, t)) for p, t in pairs],
        "fsds_si_db": [float(fsds_si(p, t)) for p, t in pairs],
    }


def figures(prediction: Tensor, target: Tensor) -> dict[str, float]:
    """PSNR, FSDS and FSDS-SI of two images on [0, 1]."""
    return {
        "psnr_db": float(psnr(prediction, target, peak=1.0)),
        "fsds_db": float(fsds(prediction, target)),
        "fsds_si_db": float(fsds_si(prediction, target)),
    }


def main() -> None:
    """Measure and print a Markdown table and a sentence, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path, nargs="?", default=PHOTO, help="a photograph (default: coffee.png)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    pixels = modcrop(decode(chosen.image), 2)
    target, enlarged = (planes(array) / 255 for array in (pixels, imresize(imresize(pixels, 0.5), 2)))
    places, origins = one_pixel(target), rolled(enlarged, target)
    if chosen.json:
        print(json.dumps({"one_pixel": places, "rolled": origins}, indent=2))
        return
    print(f"one pixel of {chosen.image.name}, {pixels.shape[1]} x {pixels.shape[0]}, changed by {CHANGE}\n")
    print("| place | PSNR | FSDS | FSDS-SI |\n|---|---|---|---|")
    for row in places:
        print(f"| {row['place']} | {row['psnr_db']:.2f} | {row['fsds_db']:.2f} | {row['fsds_si_db']:.2f} |")
    print(f"\nbicubic x2, both images rolled to {STEPS}x{STEPS} origins:")
    for name, values in origins.items():
        print(f"{name}: {min(values):.2f} to {max(values):.2f}, {values[0]:.2f} unrolled")


if __name__ == "__main__":
    main()
