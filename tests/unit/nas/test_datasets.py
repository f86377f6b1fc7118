"""What people do with datasets, over a store in memory."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import pytest
from PIL import Image

from nas import datasets
from nas.catalogue import UnknownDataset
from nas.datasets import DatasetExists, DatasetKept
from nas.records import Dataset, DatasetKind
from nas.service import Service
from nas.settings import Settings
from nas.store.memory import MemoryStore
from nas.uploads import InvalidUpload, NoRoom, Unpacked, UploadTooLarge
from search_space.errors import InvalidInput

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def picture(seed: int, side: int = 96) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(3 * side * side)).save(stream, "PNG")
    return stream.getvalue()


def archive(*seeds: int, folder: str = "holiday") -> bytes:
    """The same bytes at any time of day."""
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        for seed in seeds:
            packed.writestr(ZipInfo(f"{folder}/{seed}.png"), picture(seed))
    return stream.getvalue()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("photos", "nested/inner"):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(2):
            (folder / f"{number}.png").write_bytes(picture(number))
    return tmp_path / "images"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def service(root: Path, tmp_path: Path, store: MemoryStore) -> Service:
    settings = Settings(home=tmp_path / "home", images_root=root, upload_gib=0.01)
    return Service(store, settings, clock=lambda: NOW)


def upload(service: Service, name: str, content: bytes, by: str = "ada") -> Dataset:
    with service.datasets.receive(name) as receiver:
        receiver.write(content)
        return service.datasets.add_upload(name, receiver.received(), by=by)


def kept(tmp_path: Path) -> list[str]:
    folder = tmp_path / "home" / "datasets"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_an_upload_can_be_searched_on_and_is_gone_when_it_is_removed(service: Service, tmp_path: Path) -> None:
    added = upload(service, "mine", archive(1, 2, 3))
    assert (added.kind, added.images, added.created_by, added.created_at) == (DatasetKind.UPLOAD, 3, "ada", NOW)
    assert added.size_bytes == sum(len(picture(seed)) for seed in (1, 2, 3))
    assert len(added.sha256) == 64
    search = service.submit({"dataset": {"train": "mine"}})
    assert len(service.datasets.survey("mine").pairs) == 3
    with pytest.raises(DatasetKept, match=search.id):
        service.datasets.remove("mine", by="ada")
    service.cancel(search.id)
    assert service.datasets.remove("mine", by="ada") == added
    assert kept(tmp_path) == []
    with pytest.raises(UnknownDataset):
        service.datasets.named("mine")


def test_every_unfinished_search_is_asked_and_validation_counts(service: Service) -> None:
    upload(service, "mine", archive(1, 2))
    service.submit({"dataset": {"train": "photos", "validation": "mine"}})
    for _ in range(201):
        service.submit({"dataset": {"train": "photos"}})
    with pytest.raises(DatasetKept):
        service.datasets.remove("mine")


def test_the_same_archive_again_changes_nothing_and_another_is_refused(service: Service, tmp_path: Path) -> None:
    added = upload(service, "mine", archive(1, 2))
    assert upload(service, "mine", archive(1, 2), by="eve") == added
    with pytest.raises(DatasetExists):
        upload(service, "mine", archive(1, 3))
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("name", ["photos", "nested"])
def test_an_upload_takes_no_name_of_a_folder(service: Service, name: str) -> None:
    with pytest.raises(DatasetExists):
        upload(service, name, archive(1, 2))


def test_the_loser_of_a_race_leaves_nothing(service: Service, store: MemoryStore, tmp_path: Path) -> None:
    first = upload(service, "mine", archive(1, 2))
    store.remove_dataset("mine", at=NOW)
    late = Service(store, Settings(home=tmp_path / "home", images_root=tmp_path / "images"), clock=lambda: NOW)
    late.datasets._taken = lambda *_: False  # type: ignore[method-assign]  # it looked before the other had written
    store.add_dataset(first)
    with pytest.raises(DatasetExists):
        upload(late, "mine", archive(1, 3))
    assert kept(tmp_path) == [Path(first.folder).name]


def test_what_holds_no_usable_image_is_no_dataset(service: Service, tmp_path: Path) -> None:
    pairs = archive(1, folder="a/b/c")
    with pytest.raises(InvalidInput, match="a folder with images"):
        upload(service, "mine", pairs)
    with pytest.raises(InvalidUpload):
        upload(service, "mine", b"no archive")
    with pytest.raises(UploadTooLarge):
        upload(service, "mine", bytes(2**24))
    assert kept(tmp_path) == []
    assert [entry.name for entry in service.datasets.all()] == ["nested", "photos"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "a b", "é", "a" * 101, "a\n"])
def test_a_name_is_no_path(service: Service, name: str) -> None:
    with pytest.raises(InvalidInput, match="letters, digits"):
        service.datasets.add_folder(name, "photos")


def test_a_folder_is_registered_under_any_name(service: Service, root: Path) -> None:
    added = service.datasets.add_folder("inner", "nested/inner", by="root")
    assert (added.kind, added.folder, added.images) == (DatasetKind.FOLDER, "nested/inner", 2)
    assert service.datasets.add_folder("inner", "nested/../nested/inner") == added
    assert service.datasets.add_folder("photos", "photos").folder == "photos"
    assert [entry.name for entry in service.datasets.all()] == ["inner", "nested", "photos"]
    for name, folder in (("inner", "photos"), ("nested", "photos")):
        with pytest.raises(DatasetExists):
            service.datasets.add_folder(name, folder)
    for folder in ("..", "none"):
        with pytest.raises(InvalidInput, match="inside"):
            service.datasets.add_folder("new", folder)
    service.datasets.remove("inner", by="root")
    assert (root / "nested" / "inner" / "0.png").exists()


def test_a_folder_that_nobody_registered_is_not_removed(service: Service) -> None:
    with pytest.raises(DatasetKept, match="registered by nobody") as caught:
        service.datasets.remove("photos")
    assert "on the server" in caught.value.hint
    with pytest.raises(UnknownDataset):
        service.datasets.remove("none")


def test_changes_are_audited_with_who(service: Service, store: MemoryStore) -> None:
    upload(service, "mine", archive(1, 2))
    service.datasets.remove("mine", by="eve")
    assert [(entry.who, entry.subject) for entry in store.audit()] == [("ada", "mine"), ("eve", "mine")]


def test_the_next_upload_sweeps_what_old_ones_left_and_no_dataset(service: Service, tmp_path: Path) -> None:
    """Nor where the database is new and knows none."""
    upload(service, "mine", archive(1, 2))
    (tmp_path / "home" / "datasets" / ".draft-orphan-1").mkdir()
    later = Service(
        MemoryStore(),
        Settings(home=tmp_path / "home", images_root=tmp_path / "images"),
        clock=lambda: datetime.now(UTC) + timedelta(days=2),
    )
    upload(later, "other", archive(4, 5))
    assert [name.partition("-")[0] for name in kept(tmp_path)] == ["mine", "other"]


def limited(store: MemoryStore, tmp_path: Path, size_bytes: int) -> Service:
    """A service where all uploads together hold so many bytes."""
    home, images = tmp_path / "home", tmp_path / "images"
    settings = Settings(home=home, images_root=images, uploads_gib=size_bytes / 2**30)
    return Service(store, settings, clock=lambda: NOW)


def test_all_uploads_together_hold_no_more_than_is_allowed(root: Path, tmp_path: Path, store: MemoryStore) -> None:
    service = limited(store, tmp_path, len(archive(1, 2)) + 500)
    added = upload(service, "mine", archive(1, 2))
    with pytest.raises(NoRoom, match="all uploads together"):
        upload(service, "other", archive(3))
    assert upload(service, "mine", archive(1, 2)) == added, "the same again needs no room"
    assert len(kept(tmp_path)) == 1
    service.datasets.remove("mine")
    upload(service, "other", archive(3))


def test_what_no_database_knows_takes_its_room(root: Path, tmp_path: Path, store: MemoryStore) -> None:
    size = len(archive(1, 2)) + 500
    upload(limited(store, tmp_path, size), "mine", archive(1, 2))
    with pytest.raises(NoRoom):
        upload(limited(MemoryStore(), tmp_path, size), "other", archive(3))


def test_uploads_side_by_side_share_the_bound(
    root: Path, tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were let in; whichever is unpacked last finds no room."""
    service = limited(store, tmp_path, len(archive(1, 2)) + 500)
    unpack = datasets.unpack

    def beside(*arguments: Any) -> Unpacked:
        (tmp_path / "home" / "datasets" / "another").mkdir()
        (tmp_path / "home" / "datasets" / "another" / "1.png").write_bytes(picture(1))
        return unpack(*arguments)

    monkeypatch.setattr(datasets, "unpack", beside)
    with pytest.raises(NoRoom):
        upload(service, "mine", archive(1, 2))
    assert kept(tmp_path) == ["another"]


def test_images_that_no_search_can_use_count_too(service: Service) -> None:
    small = io.BytesIO()
    with ZipFile(small, "w") as packed:
        packed.writestr("HR/1.png", picture(1))
        packed.writestr("LR/X2/1.png", picture(2, 48))
        packed.writestr("LR/X2/9.png", picture(3, 48))
    size = len(picture(1)) + len(picture(2, 48)) + len(picture(3, 48))
    assert upload(service, "mine", small.getvalue()).size_bytes == size
