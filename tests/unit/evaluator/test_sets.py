"""The images of one search."""

import pickle

import numpy as np
import pytest

from evaluator.data.images import ImageSet
from evaluator.data.sets import EvaluationData
from evaluator.testing import tiny_data
from search_space.errors import InvalidInput


def test_training_images_are_packed_at_birth_and_stay_so_through_pickling():
    data = tiny_data()
    digest, buffers = data.digest, []
    payload = pickle.dumps(data, protocol=5, buffer_callback=buffers.append)
    there = pickle.loads(payload, buffers=[bytes(buffer) for buffer in buffers])
    for images in (data.train, there.train):
        assert all(np.shares_memory(pair.lr, images.packed.lr.pixels) for pair in images)
    assert there.digest == digest == EvaluationData(there.train, there.validation).digest


def test_no_pixel_is_pickled_twice():
    data = tiny_data(train=3)
    pixels = sum(array.nbytes for images in (data.train, data.validation) for p in images for array in (p.hr, p.lr))
    assert pixels < len(pickle.dumps(data)) < pixels + 5000


def test_nothing_to_train_on_is_refused():
    data = tiny_data()
    with pytest.raises(InvalidInput, match="at least one image"):
        EvaluationData(ImageSet(pairs=(), scale=2), data.validation)
