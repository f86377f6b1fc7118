"""Training patches cut on the device."""

import hashlib
import pickle

import numpy as np
import pytest
import torch

from evaluator.data.images import ImagePair, ImageSet, pack
from evaluator.data.patches import ResidentImages
from search_space.errors import InvalidInput


def numbered(sizes, channels=1, scale=2):
    """Images whose LR pixels are all different, HR being each LR pixel repeated."""
    pairs, start = [], 0
    for height, width in sizes:
        count = height * width * channels
        lr = (np.arange(start, start + count) % 256).astype(np.uint8).reshape(height, width, channels)
        hr = lr.repeat(scale, axis=0).repeat(scale, axis=1)
        pairs.append(ImagePair(name=f"{height}x{width}", hr=hr, lr=lr))
        start += count
    return ImageSet(pairs=tuple(pairs), scale=scale)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dihedral(patch):
    """All eight flips and rotations of C x P x P."""
    turned = [patch.rot90(k, (1, 2)) for k in range(4)]
    return [image for turn in turned for image in (turn, turn.flip(2))]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("scale", [2, 3])
def test_both_patches_come_from_the_same_place_under_the_same_transformation(channels, scale):
    images = numbered([(9, 7), (6, 11), (20, 8)], channels, scale)
    lr, hr = ResidentImages(images, "cpu").sample(generator(), 64, 5)
    assert (lr.shape, hr.shape) == ((64, channels, 5, 5), (64, channels, 5 * scale, 5 * scale))
    assert lr.dtype == hr.dtype == torch.float32
    assert torch.equal(hr[..., ::scale, ::scale], lr)
    assert torch.equal(hr, lr.repeat_interleave(scale, -1).repeat_interleave(scale, -2))


def test_every_patch_is_a_transformed_window_of_an_image():
    images = numbered([(6, 7), (8, 5)], channels=3)
    lr, _ = ResidentImages(images, "cpu").sample(generator(), 50, 4)
    windows = set()
    for pair in images:
        pixels = torch.from_numpy(pair.lr).permute(2, 0, 1)
        for top in range(pixels.shape[1] - 3):
            for left in range(pixels.shape[2] - 3):
                window = pixels[:, top : top + 4, left : left + 4]
                windows |= {bytes(turned.contiguous().numpy()) for turned in dihedral(window)}
    for patch in (lr * 255).round().to(torch.uint8):
        assert bytes(patch.contiguous().numpy()) in windows


def test_all_eight_transformations_and_all_places_and_images_occur():
    images = numbered([(3, 4), (4, 3)])
    lr, _ = ResidentImages(images, "cpu").sample(generator(), 2000, 3)
    distinct, counts = (lr * 255).round().to(torch.uint8).flatten(1).unique(dim=0, return_counts=True)
    assert len(distinct) == 2 * 2 * 8
    assert counts.min() > 30


def test_a_large_image_is_drawn_no_more_often_than_a_small_one():
    images = ImageSet(
        pairs=tuple(
            ImagePair(
                name=str(value), hr=np.full((2 * s, 2 * s, 1), value, np.uint8), lr=np.full((s, s, 1), value, np.uint8)
            )
            for value, s in ((0, 4), (255, 40))
        ),
        scale=2,
    )
    lr, _ = ResidentImages(images, "cpu").sample(generator(), 1000, 4)
    assert 0.45 < lr.mean() < 0.55


def test_equal_generators_cut_equal_patches_one_after_the_other():
    resident = ResidentImages(numbered([(9, 9), (12, 10)]), "cpu")
    first, second = generator(7), generator(7)
    batches = [[resident.sample(source, 8, 4)[0] for _ in range(2)] for source in (first, second)]
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))
    assert not torch.equal(batches[0][0], batches[0][1])


def test_images_smaller_than_a_patch_are_left_out():
    resident = ResidentImages(numbered([(5, 20), (8, 8)]), "cpu")
    lr, _ = resident.sample(generator(), 40, 8)
    assert {round(255 * float(patch.amin())) for patch in lr} == {100}


def test_a_patch_larger_than_every_image_is_refused():
    resident = ResidentImages(numbered([(5, 20), (8, 9)]), "cpu")
    with pytest.raises(InvalidInput) as caught:
        resident.sample(generator(), 1, 9)
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("recipe.patch", 9)
    assert "8" in problem.allowed


def test_an_empty_set_is_refused():
    with pytest.raises(InvalidInput, match="at least one image"):
        ResidentImages(ImageSet(pairs=(), scale=2), "cpu")


def test_pixels_that_may_not_be_written_are_welcome():
    images = numbered([(6, 6)])
    for pair in images:
        pair.lr.setflags(write=False)
        pair.hr.setflags(write=False)
    lr, _ = ResidentImages(images, "cpu").sample(generator(), 1, 6)
    assert lr.amin() >= 0
    assert lr.amax() <= 1


@pytest.mark.parametrize(
    ("channels", "scale", "expected"),
    [(1, 2, "58bfd7398613d483"), (1, 3, "e01b3deeb87cd2a2"), (3, 2, "be277a8f4e7c4a0d"), (3, 3, "8051630a33b52c29")],
)
def test_patches_are_bit_for_bit_those_of_the_first_version(channels, scale, expected):
    resident = ResidentImages(noise(((30, 50), (26, 26), (40, 33), (25, 60), (24, 24)), channels, scale), "cpu")
    source, digest = generator(3), hashlib.blake2b(digest_size=8)
    for batch, patch in ((16, 24), (8, 8), (3, 26)):
        for _ in range(5):
            for patches in resident.sample(source, batch, patch):
                digest.update(patches.numpy().tobytes())
    assert digest.hexdigest() == expected


def noise(sizes, channels, scale):
    rng = np.random.default_rng(7)
    drawn = [
        [rng.integers(0, 256, (factor * height, factor * width, channels), dtype=np.uint8) for factor in (scale, 1)]
        for height, width in sizes
    ]
    pairs = (ImagePair(name=str(number), hr=hr, lr=lr) for number, (hr, lr) in enumerate(drawn))
    return ImageSet(pairs=tuple(pairs), scale=scale)


@pytest.mark.parametrize("pickled", [False, True])
def test_on_a_cpu_patches_are_cut_from_the_packed_pixels_themselves(pickled):
    images = pack(numbered([(9, 9), (12, 10)], channels=3))
    if pickled:  # as a process gets them that maps shared memory: buffers that may not be written to
        buffers = []
        payload = pickle.dumps(images, protocol=5, buffer_callback=buffers.append)
        images = pickle.loads(payload, buffers=[bytes(buffer) for buffer in buffers])
    resident = ResidentImages(images, "cpu")
    for grid, packed in ((resident._lr, images.packed.lr), (resident._hr, images.packed.hr)):
        assert not packed.pixels.flags.writeable
        assert np.shares_memory(grid.pixels.numpy(), packed.pixels)


def test_patches_outlive_the_set_that_they_are_cut_from():
    images = numbered([(9, 9), (12, 10)])
    expected = ResidentImages(images, "cpu").sample(generator(), 8, 4)
    resident = ResidentImages(numbered([(9, 9), (12, 10)]), "cpu")
    assert all(torch.equal(*pair) for pair in zip(resident.sample(generator(), 8, 4), expected, strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gather_finds_what_windows_show(channels):
    resident = ResidentImages(noise(((30, 50), (26, 26), (24, 33)), channels, 2), "cpu")
    for grid in (resident._lr, resident._hr):
        width, transform = grid.widths[torch.arange(24) % 3], torch.arange(24) % 8
        start = grid.starts[torch.arange(24) % 3] + width + 1
        windows, gathered = (cut(start, width, transform, 20) for cut in (grid._windows, grid._gathered))
        assert torch.equal(windows, gathered)


@pytest.mark.gpu
def test_a_gpu_cuts_the_same_patches():
    images = numbered([(9, 9), (12, 10)])
    here, there = (ResidentImages(images, device).sample(generator(), 8, 4) for device in ("cpu", "cuda"))
    assert all(torch.equal(ours, theirs.cpu()) for ours, theirs in zip(here, there, strict=True))
