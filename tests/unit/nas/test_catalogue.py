"""Names of datasets and the folders that they stand for."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.catalogue import Catalogue, UnknownDataset, folder_inside
from nas.records import Dataset, DatasetKind
from search_space.errors import InvalidInput


def dataset(name: str, folder: str, kind: DatasetKind = DatasetKind.FOLDER) -> Dataset:
    return Dataset(
        name=name, kind=kind, folder=folder, images=1, size_bytes=1, created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two folders with images, one without, and the home folder."""
    for folder in ("root/photos/HR", "root/more/deep", "root/home/datasets/mine-1", "outside"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "1.png").touch()
    (tmp_path / "root" / "docs").mkdir()
    (tmp_path / "root" / "docs" / "page.md").touch()
    return tmp_path / "root"


def catalogue(root: Path, *registered: Dataset) -> Catalogue:
    return Catalogue(images_root=root, home=root / "home", registered=lambda: registered)


def test_folders_with_images_are_listed_without_home_files_and_links_outside(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "outside")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "1.png").touch()
    (root / "1.png").touch()
    assert [entry.name for entry in catalogue(root).listed()] == ["more", "photos"]


def test_what_is_registered_goes_before_a_folder_of_the_same_name(root: Path) -> None:
    found = catalogue(root, dataset("photos", "more/deep"), dataset("all", "."))
    assert [(entry.name, entry.registered is not None) for entry in found.listed()] == [
        ("all", True),
        ("more", False),
        ("photos", True),
    ]
    assert found.folder("photos") == root / "more" / "deep"
    assert found.folder("all") == root
    assert found.folder("more") == root / "more"


def test_an_upload_lies_below_home(root: Path) -> None:
    found = catalogue(root, dataset("mine", "datasets/mine-1", DatasetKind.UPLOAD))
    assert found.folder("mine") == root / "home" / "datasets" / "mine-1"


@pytest.mark.parametrize("folder", ["gone", "../outside", "/etc", "photos/HR/1.png"])
def test_a_registered_folder_that_is_not_there_any_more_or_leads_outside_is_none(root: Path, folder: str) -> None:
    with pytest.raises(UnknownDataset, match="is gone"):
        catalogue(root, dataset("photos", folder)).folder("photos")


def test_home_is_no_dataset_and_one_without_images_may_still_be_named(root: Path) -> None:
    with pytest.raises(UnknownDataset):
        catalogue(root).folder("home")
    assert catalogue(root).folder("docs") == root / "docs"  # what is missing in it is said when it is scanned


def test_many_names_are_told_in_part(root: Path) -> None:
    many = catalogue(root, *(dataset(f"d{number:02}", ".") for number in range(20)))
    with pytest.raises(UnknownDataset, match=r"d00, .*d11 and 10 more"):
        many.folder("none")


def test_a_root_without_datasets_says_so(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "none"):
        assert catalogue(root).listed() == []
        with pytest.raises(UnknownDataset, match="there is none, nor a folder with images") as caught:
            catalogue(root).folder("photos")
    assert pickle.loads(pickle.dumps(caught.value)).problems == caught.value.problems


def test_a_folder_to_register_lies_inside_the_root(root: Path) -> None:
    assert folder_inside(root, ".", "folder") == root
    assert folder_inside(root, "photos/HR", "folder") == root / "photos" / "HR"
    (root / "link").symlink_to(root.parent / "outside")
    for folder in ("..", "link", "none", "/", "a\0b", "a" * 5000, "photos/HR/1.png"):
        with pytest.raises(InvalidInput, match="an existing folder inside"):
            folder_inside(root, folder, "folder")


@given(st.text(max_size=120))
def test_no_name_is_a_path(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp()
    try:
        found = catalogue(root).folder(name)
    except UnknownDataset:
        return
    assert found.parent == root.resolve()
