"""Images in memory."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from evaluator.data.decoding import decode, luma
from evaluator.data.degrade import imresize
from evaluator.data.folders import scan
from evaluator.data.images import ImagePair, ImageSet, as_luma, load, pack, split
from search_space.errors import InvalidInput


def image_set(count=3, side=6, channels=3, scale=2, seed=0):
    rng = np.random.default_rng(seed)
    pairs = []
    for k in range(count):
        hr = rng.integers(0, 256, (scale * (side + k), scale * side, channels), dtype=np.uint8)
        pairs.append(ImagePair(name=str(k), hr=hr, lr=hr[::scale, ::scale].copy()))
    return ImageSet(pairs=tuple(pairs), scale=scale)


def test_lr_is_read_where_there_is_one(images_dir):
    root = images_dir / "benchmarks" / "Set5"
    images = load(scan(root, scale=2), scale=2, channels=3)
    for pair in images:
        np.testing.assert_array_equal(pair.lr, decode(root / f"{pair.name}_SRF_2_LR.png"))
        assert pair.scale == 2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lr_is_made_where_there_is_none(sample_dir, scale):
    folder = scan(sample_dir, scale=scale)
    (pair,) = load(folder, scale=scale, channels=3, limit=1)
    np.testing.assert_array_equal(pair.hr, decode(folder.pairs[0].hr))
    np.testing.assert_array_equal(pair.lr, imresize(pair.hr, 1 / scale))


def test_one_channel_is_the_luma_of_the_colour_images(sample_dir):
    folder = scan(sample_dir, scale=2)
    colour, gray = (load(folder, scale=2, channels=channels, limit=2) for channels in (3, 1))
    assert as_luma(colour).digest == gray.digest
    np.testing.assert_array_equal(gray.pairs[0].lr, luma(colour.pairs[0].lr))


def test_hr_is_cut_to_a_multiple_of_the_scale(tmp_path):
    Image.fromarray(np.zeros((13, 14, 3), np.uint8)).save(tmp_path / "a.png")
    (pair,) = load(scan(tmp_path, scale=3), scale=3, channels=3)
    assert (pair.hr.shape, pair.lr.shape) == ((12, 12, 3), (4, 4, 3))


def test_gray_and_colour_files_may_be_mixed(tmp_path):
    (tmp_path / "hr").mkdir()
    (tmp_path / "lr").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "hr" / "a.png")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "lr" / "a.png")
    for channels in (1, 3):
        (pair,) = load(scan(tmp_path, scale=2), scale=2, channels=channels)
        assert pair.lr.shape[2] == pair.hr.shape[2] == channels


def test_images_that_break_while_decoding_are_reported_and_the_rest_is_kept(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("bad", "good"):
        Image.fromarray(noise).save(tmp_path / f"{name}.png")
    bad = tmp_path / "bad.png"
    bad.write_bytes(bad.read_bytes()[:3000])
    folder = scan(tmp_path, scale=2)
    images = load(folder, scale=2, channels=3, field="dataset.train")
    assert [pair.name for pair in images] == ["good"]
    assert [problem.field for problem in images.problems] == ["dataset.train[bad.png]"]
    (tmp_path / "good.png").write_bytes(bad.read_bytes())
    with pytest.raises(InvalidInput) as caught:
        load(folder, scale=2, channels=3)
    assert len(caught.value.problems) == 2


def test_a_central_window_is_aligned_at_both_resolutions():
    images = image_set(side=6)
    for pair in images.crop(4):
        assert (pair.lr.shape[:2], pair.hr.shape[:2]) == ((4, 4), (8, 8))
        np.testing.assert_array_equal(pair.hr[::2, ::2], pair.lr)
    assert images.crop(100).digest == images.digest


def test_loading_can_crop(sample_dir):
    folder = scan(sample_dir, scale=2)
    cropped = load(folder, scale=2, channels=1, limit=2, crop=16)
    assert cropped.digest == load(folder, scale=2, channels=1, limit=2).crop(16).digest


def test_the_digest_is_that_of_the_content():
    images = image_set()
    assert images.digest == image_set().digest
    assert len(images.digest) == 32
    changed = image_set()
    changed.pairs[1].lr[0, 0, 0] ^= 1
    others = [changed, image_set(count=2), ImageSet(pairs=images.pairs[::-1], scale=2), as_luma(images)]
    assert len({images.digest, *(other.digest for other in others)}) == 5


def test_the_digest_is_the_same_in_every_process():
    code = (
        "import numpy as np; from evaluator.data.images import ImagePair, ImageSet;"
        "hr = np.arange(48, dtype=np.uint8).reshape(4, 4, 3);"
        "print(ImageSet(pairs=(ImagePair(name='a', hr=hr, lr=hr[::2, ::2]),), scale=2).digest)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout


def test_pixels_are_pickled_without_a_copy():
    images = image_set().crop(4)
    buffers = []
    payload = pickle.dumps(images, protocol=5, buffer_callback=buffers.append)
    assert len(buffers) == 2 * len(images)
    assert pickle.loads(payload, buffers=buffers).digest == images.digest


@pytest.mark.parametrize("make", [pack, as_luma])
def test_a_packed_set_is_the_same_set_over_two_arrays(make):
    images = image_set()
    packed = make(images)
    plain = [(luma(pair.hr), luma(pair.lr)) if make is as_luma else (pair.hr, pair.lr) for pair in images]
    for pair, (hr, lr) in zip(packed, plain, strict=True):
        np.testing.assert_array_equal(pair.hr, hr)
        np.testing.assert_array_equal(pair.lr, lr)
        assert np.shares_memory(pair.hr, packed.packed.hr.pixels)
        assert np.shares_memory(pair.lr, packed.packed.lr.pixels)
    assert pack(packed) is packed


def test_packing_changes_no_digest():
    images = image_set()
    assert images.digest == pack(images).digest == pickle.loads(pickle.dumps(pack(images))).digest
    gray = image_set(channels=1)
    assert as_luma(gray).digest == gray.digest


def test_packed_pixels_may_not_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        pack(image_set()).pairs[0].hr[0, 0, 0] = 1


def test_a_packed_set_is_pickled_as_two_buffers_that_its_images_are_views_into():
    images = pack(image_set())
    buffers = []
    payload = pickle.dumps(images, protocol=5, buffer_callback=buffers.append)
    shared = [bytes(buffer) for buffer in buffers if memoryview(buffer).nbytes > 100]
    assert sorted(map(len, shared)) == sorted(side.pixels.nbytes for side in (images.packed.hr, images.packed.lr))
    assert len(payload) < 1500
    there = pickle.loads(payload, buffers=[bytes(buffer) for buffer in buffers])
    assert [pair.name for pair in there] == [pair.name for pair in images]
    assert all(np.shares_memory(pair.hr, there.packed.hr.pixels) for pair in there)


def test_what_is_taken_from_a_packed_set_is_packed_anew():
    first, rest = split(pack(image_set(count=4)), 1)[::-1]
    assert len(first.packed.lr.sizes) == 1
    assert len(rest.packed.lr.sizes) == 3


def test_images_with_different_numbers_of_channels_cannot_be_packed():
    mixed = ImageSet(pairs=(*image_set(count=1).pairs, *image_set(count=1, channels=1).pairs), scale=2)
    with pytest.raises(InvalidInput, match="as many channels"):
        pack(mixed)
    assert as_luma(mixed).packed.hr.pixels.shape[1] == 1


@pytest.mark.parametrize(("total", "holdout"), [(10, 1), (10, 3), (10, 9), (2, 1), (7, 3)])
def test_holding_out_splits_a_set_in_two_that_cover_it(total, holdout):
    images = image_set(count=total)
    rest, held = split(images, holdout)
    assert (len(rest), len(held)) == (total - holdout, holdout)
    names = sorted((pair.name for pair in (*rest, *held)), key=int)
    assert names == [pair.name for pair in images]
    assert split(images, holdout)[1].digest == held.digest


@pytest.mark.parametrize("holdout", [0, 3, -1])
def test_holding_out_everything_or_nothing_is_refused(holdout):
    with pytest.raises(InvalidInput, match="holdout"):
        split(image_set(count=3), holdout)


def test_pairs_that_do_not_belong_together_are_refused():
    hr = np.zeros((8, 8, 3), np.uint8)
    for lr in (np.zeros((3, 4, 3), np.uint8), np.zeros((4, 4, 1), np.uint8), np.zeros((4, 4, 3))):
        with pytest.raises(ValueError, match="a: "):
            ImagePair(name="a", hr=hr, lr=lr)
    with pytest.raises(ValueError, match="scale 2 in a set of scale 4"):
        ImageSet(pairs=(ImagePair(name="a", hr=hr, lr=hr[::2, ::2]),), scale=4)


def test_data_and_protocols_need_no_torch():
    modules = ("data.folders", "data.images", "data.degrade", "data.decoding", "metrics.protocol", "metrics.luma")
    code = f"import sys, {', '.join(f'evaluator.{name}' for name in modules)}; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == "False"
