"""Which images go through a network together: those of one size, and no more of them than memory is meant for."""

from __future__ import annotations

from collections.abc import Iterable

from .images import ImagePair, ImageSet

GROUP_PIXELS = 2**15
"""LR pixels of a group, about; a larger image is a group of its own."""


def groups_of_one_size(images: ImageSet, *, pixels: int = GROUP_PIXELS) -> list[tuple[int, ...]]:
    """Return the places of a set's images, each in exactly one group.

    Args:
        images: The set.
        pixels: LR pixels that a group of more than one image may have.

    Returns:
        Ascending places in the set; images of a group have the same shape.
    """
    groups: list[tuple[int, ...]] = []
    for places in _by_shape(images):
        height, width = images.pairs[places[0]].lr.shape[:2]
        together = max(1, pixels // (height * width))
        groups += [tuple(places[start : start + together]) for start in range(0, len(places), together)]
    return groups


def _by_shape(images: Iterable[ImagePair]) -> list[list[int]]:
    places: dict[tuple[int, ...], list[int]] = {}
    for place, pair in enumerate(images):
        places.setdefault(pair.lr.shape, []).append(place)
    return list(places.values())
