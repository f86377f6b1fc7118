"""The images of one search."""

import pickle

import numpy as np
import pytest

from evaluator.data.images import ImageSet, as_luma, pack
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


def test_luma_that_is_packed_is_neither_converted_nor_packed_again():
    data = tiny_data()
    assert as_luma(data.train) is pack(data.train) is data.train


def test_digests_that_are_known_are_not_worked_out_again_elsewhere():
    data = tiny_data()
    digest = data.digest
    there = pickle.loads(pickle.dumps(data))
    known = [vars(held)["digest"] for held in (there, there.train, there.validation)]
    assert known == [digest, data.train.digest, data.validation.digest]
