"""Which images are predicted together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaluator.data.groups import groups_of_one_size
from evaluator.data.images import ImagePair, ImageSet

SIDES = st.integers(1, 4)


def image_set(sizes):
    pairs = (
        ImagePair(name=f"{h}x{w}", hr=np.zeros((2 * h, 2 * w, 1), np.uint8), lr=np.zeros((h, w, 1), np.uint8))
        for h, w in sizes
    )
    return ImageSet(pairs=tuple(pairs), scale=2)


@given(st.lists(st.tuples(SIDES, SIDES), max_size=20), st.integers(1, 40))
def test_every_image_is_in_one_group_of_its_size_that_is_small_enough(sizes, pixels):
    groups = groups_of_one_size(image_set(sizes), pixels=pixels)
    assert sorted(place for group in groups for place in group) == list(range(len(sizes)))
    for group in groups:
        ((height, width),) = {sizes[place] for place in group}
        assert list(group) == sorted(group)
        assert len(group) == 1 or len(group) * height * width <= pixels


def test_images_that_fit_together_are_not_parted():
    assert groups_of_one_size(image_set([(2, 2), (2, 3), (2, 2), (2, 2)]), pixels=8) == [(0, 2), (3,), (1,)]
