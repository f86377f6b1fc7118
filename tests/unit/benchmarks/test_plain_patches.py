"""Patches out of files are those that our resident images give for the same generator."""

from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.plain_patches import Patches, draw_cuts, largest_first, loader, write_pngs
from evaluator.data.patches import ResidentImages
from evaluator.testing import tiny_data


@pytest.fixture(scope="module", params=[1, 3])
def images(request):
    """Images of two sizes; the small one stands first."""
    whole = tiny_data(channels=request.param).train
    return replace(whole, pairs=(whole.pairs[0].crop(12), *whole.pairs))


@pytest.fixture(scope="module")
def files(images, tmp_path_factory):
    return write_pngs(largest_first(images), tmp_path_factory.mktemp("files"))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), batch=st.integers(1, 4), patch=st.integers(8, 24), steps=st.integers(1, 3))
def test_the_same_generator_gives_the_same_patches(images, files, seed, batch, patch, steps):
    ours, drawn = (torch.Generator().manual_seed(seed) for _ in range(2))
    resident = ResidentImages(images, "cpu")
    cuts = draw_cuts(images, drawn, batch=batch, patch=patch, steps=steps)
    patches = Patches(files, cuts, patch=patch, scale=images.scale)
    assert len(patches) == batch * steps
    for lr, hr in loader(patches, batch=batch, workers=0, device=torch.device("cpu")):
        expected_lr, expected_hr = resident.sample(ours, batch, patch)
        torch.testing.assert_close(lr, expected_lr)
        torch.testing.assert_close(hr, expected_hr)
    assert torch.equal(ours.get_state(), drawn.get_state())
