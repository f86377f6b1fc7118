"""Finding image pairs in folders of every common layout."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evaluator.data.folders import natural_key, scan
from search_space.errors import InvalidInput


def save(path: Path, width=24, height=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def save_all(root: Path, *names, **size):
    for name in names:
        save(root / name, **size)


def found(folder):
    pairs = ((files.hr, files.lr) for files in folder.pairs)
    return [tuple(path and path.relative_to(folder.root).as_posix() for path in pair) for pair in pairs]


LAYOUTS = {
    "div2k-train": ("DIV2K_train_HR/0001.png", "DIV2K_train_LR_bicubic/X2/0001x2.png"),
    "div2k-valid": ("DIV2K_valid_HR/0801.png", "DIV2K_valid_LR_bicubic/X2/0801x2.png"),
    "flickr2k": ("Flickr2K_HR/000001.png", "Flickr2K_LR_bicubic/X2/000001x2.png"),
    "edsr-benchmark": ("HR/baby.png", "LR_bicubic/X2/babyx2.png"),
    "selfexsr": ("img_001_SRF_2_HR.png", "img_001_SRF_2_LR.png"),
    "selfexsr in a folder": ("image_SRF_2/img_001_SRF_2_HR.png", "image_SRF_2/img_001_SRF_2_LR.png"),
    "basicsr": ("GTmod12/baby.png", "LRbicx2/baby.png"),
    "basicsr with plain names": ("GT/a.jpg", "LQ/a.png"),
    "paired": ("hr/a.webp", "lr/a.bmp"),
    "paired in capitals": ("HR/a.tif", "LR/a.jpeg"),
    "hr-only": ("a.PNG", None),
    "collections": ("T91/t1.webp", None),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_every_layout_is_recognised(tmp_path, case, caplog):
    hr, lr = LAYOUTS[case]
    save(tmp_path / hr)
    if lr:
        save(tmp_path / lr, 12, 12)
    with caplog.at_level(logging.INFO):
        folder = scan(tmp_path, scale=2)
    assert folder.layout == case.split(" ")[0]
    assert found(folder) == [(hr, lr)]
    assert folder.problems == ()
    assert f"layout {folder.layout}" in caplog.text


@pytest.mark.parametrize("case", [case for case in LAYOUTS if "SRF" not in LAYOUTS[case][0]])
def test_hr_images_alone_are_enough(tmp_path, case):
    save(tmp_path / LAYOUTS[case][0])
    assert found(scan(tmp_path, scale=3)) == [(LAYOUTS[case][0], None)]


def test_the_benchmarks_are_found(images_dir):
    folder = scan(images_dir / "benchmarks" / "Set5", scale=2)
    assert (folder.layout, len(folder.pairs), folder.problems) == ("selfexsr", 5, ())


def test_folders_of_folders_are_one_set_whose_names_say_the_folder(tmp_path):
    save_all(tmp_path, "a/1.png", "a/2.jpg", "b/1.png", "c/d/3.png")
    folder = scan(tmp_path, scale=2)
    assert folder.layout == "collections"
    assert [files.name for files in folder.pairs] == ["a/1", "a/2", "b/1"]


LOW_RESOLUTION = ("Set5/img_001_SRF_2_LR.png", "LR/a.png", "lq/a.png", "LRbicx2/a.png", "DIV2K_train_LR_x8/1x8.png")


def test_collections_never_hold_files_that_are_called_low_resolution(tmp_path):
    save_all(tmp_path, *LOW_RESOLUTION, "Set5/img_001_SRF_2_HR.png", "colr/a.png", "Clr/b_lrx.png")
    assert [hr for hr, _ in found(scan(tmp_path, scale=2))] == [
        "Clr/b_lrx.png",
        "Set5/img_001_SRF_2_HR.png",
        "colr/a.png",
    ]


@pytest.mark.parametrize("name", LOW_RESOLUTION)
def test_low_resolution_files_alone_are_no_set(tmp_path, name):
    save_all(tmp_path, name)
    with pytest.raises(InvalidInput):
        scan(tmp_path, scale=2)


def test_collections_stand_back_for_every_other_layout(tmp_path):
    save_all(tmp_path, "HR/a.png", "extra/b.png")
    assert found(scan(tmp_path, scale=2)) == [("HR/a.png", None)]
    save_all(tmp_path / "flat", "c.png", "extra/b.png")
    assert found(scan(tmp_path / "flat", scale=2)) == [("c.png", None)]


def test_the_training_images_are_one_set(images_dir):
    folder = scan(images_dir / "train", scale=2, min_lr_side=24)
    assert (folder.layout, len(folder.pairs), folder.problems) == ("collections", 771, ())


def test_a_folder_of_benchmarks_gives_no_low_resolution_image(images_dir):
    names = [files.name for files in scan(images_dir / "benchmarks", scale=2).pairs]
    assert len(names) == 119
    assert not [name for name in names if name.endswith("_LR")]


def test_training_images_are_never_mixed_with_validation_images(tmp_path):
    save_all(tmp_path, "DIV2K_train_HR/0001.png", "DIV2K_valid_HR/0801.png")
    assert found(scan(tmp_path, scale=2)) == [("DIV2K_train_HR/0001.png", None)]


def test_the_wanted_scale_is_picked(tmp_path):
    save_all(tmp_path, "HR/a.png")
    save_all(tmp_path, "LR_bicubic/X2/ax2.png", width=12, height=12)
    save_all(tmp_path, "LR_bicubic/X4/ax4.png", width=6, height=6)
    assert found(scan(tmp_path, scale=4)) == [("HR/a.png", "LR_bicubic/X4/ax4.png")]


@pytest.mark.parametrize("names", [("HR/a.png", "LR_bicubic/X4/ax4.png"), ("i_SRF_4_HR.png", "i_SRF_4_LR.png")])
def test_a_folder_made_for_another_scale_says_for_which(tmp_path, names):
    save_all(tmp_path, *names)
    with pytest.raises(InvalidInput) as caught:
        scan(tmp_path, scale=2, field="dataset.train")
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("dataset.train", "scale 2")
    assert problem.allowed.endswith("x4")


def test_images_come_in_natural_order(tmp_path):
    save_all(tmp_path, "10.png", "9.png", "b.png", "1.png")
    assert [files.name for files in scan(tmp_path, scale=2).pairs] == ["1", "9", "10", "b"]


@given(st.lists(st.text(alphabet="ab019._²", max_size=6)))
def test_natural_order_is_defined_for_every_name(names):
    keys = [natural_key(name) for name in sorted(names, key=natural_key)]
    assert keys == sorted(keys)


def test_what_cannot_be_used_is_named_and_the_rest_is_kept(tmp_path):
    save_all(tmp_path, "hr/good.png", "hr/alone.png", "hr/odd.png", "hr/broken.png")
    save_all(tmp_path, "lr/good.png", "lr/orphan.png", "lr/broken.png", width=12, height=12)
    save_all(tmp_path, "lr/odd.png", width=11, height=12)
    (tmp_path / "hr" / "broken.png").write_bytes(b"this is no image")
    folder = scan(tmp_path, scale=2, field="data")
    assert [files.name for files in folder.pairs] == ["good"]
    problems = {problem.field: problem for problem in folder.problems}
    assert set(problems) == {"data[hr/alone.png]", "data[lr/odd.png]", "data[lr/orphan.png]", "data[hr/broken.png]"}
    assert problems["data[lr/odd.png]"].value == "11x12"
    assert "12x12" in problems["data[lr/odd.png]"].allowed


def test_hr_sizes_that_do_not_divide_are_compared_after_cropping(tmp_path):
    save(tmp_path / "hr" / "a.png", 25, 27)
    save(tmp_path / "lr" / "a.png", 12, 13)
    assert scan(tmp_path, scale=2).problems == ()


def test_images_too_small_for_a_patch_are_left_out(tmp_path):
    save(tmp_path / "large.png", 48, 49)
    save(tmp_path / "small.png", 48, 47)
    folder = scan(tmp_path, scale=2, min_lr_side=24)
    assert [files.name for files in folder.pairs] == ["large"]
    assert [(problem.field, problem.value) for problem in folder.problems] == [("dataset[small.png]", "48x47")]


def test_two_files_of_one_name_count_once(tmp_path):
    save_all(tmp_path, "a.png", "a.bmp")
    folder = scan(tmp_path, scale=2)
    assert len(folder.pairs) == len(folder.problems) == 1


def test_links_out_of_the_folder_are_refused(tmp_path):
    root = tmp_path / "root"
    save_all(root, "good.png")
    save_all(tmp_path, "outside/secret.png")
    (root / "file.png").symlink_to(tmp_path / "outside" / "secret.png")
    (root / "hr").symlink_to(tmp_path / "outside", target_is_directory=True)
    (root / "inside.png").symlink_to(root / "good.png")
    folder = scan(root, scale=2)
    assert [files.name for files in folder.pairs] == ["good", "inside"]
    assert [problem.field for problem in folder.problems] == ["dataset[file.png]", "dataset[hr]"]


def test_links_in_a_circle_come_to_an_end(tmp_path):
    save_all(tmp_path, "a.png")
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [files.name for files in scan(tmp_path, scale=2).pairs] == ["a"]


@pytest.mark.parametrize("files", [(), ("notes.txt",)])
def test_a_folder_without_images_is_refused(tmp_path, files):
    for name in files:
        (tmp_path / name).write_text("no image")
    with pytest.raises(InvalidInput, match=r"dataset.train: .* a folder with images"):
        scan(tmp_path, scale=2, field="dataset.train")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no such folder"):
        scan(tmp_path / "none", scale=2)


def test_a_folder_of_broken_images_names_each(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InvalidInput) as caught:
        scan(tmp_path, scale=2)
    assert [problem.field for problem in caught.value.problems] == ["dataset[a.png]", "dataset[b.png]"]


def test_an_image_that_is_too_large_is_that_files_problem(tmp_path):
    save(tmp_path / "a.png")
    Image.new("1", (8001, 8001)).save(tmp_path / "b.png")
    folder = scan(tmp_path, scale=2)
    assert found(folder) == [("a.png", None)]
    assert [str(problem.value) for problem in folder.problems] == ["8001x8001, over 64 megapixels"]


def test_hr_images_made_for_another_scale_are_taken_when_asked_for(tmp_path):
    for scale in (2, 4):
        for role, factor in (("HR", 4), ("LR", 4 // scale)):
            save(tmp_path / f"a_SRF_{scale}_{role}.png", 12 * factor, 12 * factor)
    (files,) = scan(tmp_path, scale=3, other_scales=True).pairs
    assert (files.hr.name, files.lr) == ("a_SRF_2_HR.png", None)
    (files,) = scan(tmp_path, scale=4, other_scales=True).pairs
    assert files.lr is not None
