"""How people lay out pairs of images on disk: one table, tried from top to bottom. It opens nothing.

A layout is a pattern for HR files and, but for the last two, one for LR files, both matched against paths
relative to the root, without their suffix and whatever the case. `key` pairs an LR file with its HR file;
`scale`, where a path says it, is the factor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, kw_only=True)
class Match:
    """One file that fits a pattern.

    Attributes:
        key: What an HR file and its LR file have in common.
        scale: The factor that the path states; None where it states none.
    """

    key: str
    scale: int | None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One way to lay out images.

    Attributes:
        name: What logs and messages call it.
        hr: Pattern of HR files.
        lr: Pattern of LR files; None where LR images are always made.
    """

    name: str
    hr: str
    lr: str | None

    def hr_files(self, paths: Iterable[PurePosixPath]) -> Mapping[PurePosixPath, Match]:
        """The HR files among relative paths."""
        return _matches(self.hr, paths)

    def lr_files(self, paths: Iterable[PurePosixPath]) -> Mapping[PurePosixPath, Match]:
        """The LR files among relative paths."""
        return {} if self.lr is None else _matches(self.lr, paths)


def _official(name: str, folder: str) -> Layout:
    return Layout(name=name, hr=rf"{folder}_HR/{_KEY}", lr=rf"{folder}_LR_bicubic(_X\d)?/{_SCALED_KEY}")


_KEY = r"(?P<key>[^/]+)"
_SCALED_KEY = r"X(?P<scale>\d)/(?P<key>[^/]+)x(?P=scale)"
_LR_FOLDER = r"([^/]*[_-])?(LR|LQ)[^/]*/"
_LR_STEM = r"[^/]*[_-](LR|LQ)"
_SELFEXSR = r"(image_SRF_\d/)?(?P<key>[^/]+)_SRF_(?P<scale>\d)"

LAYOUTS: tuple[Layout, ...] = (
    # Train before valid: where both lie side by side, validation images must not be trained on.
    _official("div2k-train", "DIV2K_train"),
    _official("div2k-valid", "DIV2K_valid"),
    _official("flickr2k", "Flickr2K"),
    Layout(name="edsr-benchmark", hr=rf"HR/{_KEY}", lr=rf"LR_bicubic/{_SCALED_KEY}"),
    Layout(name="selfexsr", hr=rf"{_SELFEXSR}_HR", lr=rf"{_SELFEXSR}_LR"),
    Layout(name="basicsr", hr=rf"GT[^/]*/{_KEY}", lr=rf"(LQ|LR)([^/]*x(?P<scale>\d)|[^/]*)/{_KEY}"),
    Layout(name="paired", hr=rf"hr/{_KEY}", lr=rf"lr/{_KEY}"),
    Layout(name="hr-only", hr=_KEY, lr=None),
    # Whatever else lies in folders: several sets of photographs. A file that its name, or that of its folder, calls
    # low-resolution is in none of them.
    Layout(name="collections", hr=rf"(?!{_LR_FOLDER})(?P<key>[^/]+/(?!{_LR_STEM}$)[^/]+)", lr=None),
)
"""Every layout, the more specific first."""


def choose(paths: Iterable[PurePosixPath]) -> Layout | None:
    """The first layout with both HR and LR files among the paths, else the first with HR files, else None."""
    listed = tuple(paths)
    with_hr = [layout for layout in LAYOUTS if layout.hr_files(listed)]
    paired = [layout for layout in with_hr if layout.lr_files(listed)]
    return next(iter(paired + with_hr), None)


def _matches(pattern: str, paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, Match]:
    compiled = re.compile(pattern, re.IGNORECASE)
    found = {}
    for path in paths:
        match = compiled.fullmatch(path.with_suffix("").as_posix())
        if match:
            groups = match.groupdict()
            scale = groups.get("scale")
            found[path] = Match(key=groups["key"], scale=int(scale) if scale else None)
    return found
