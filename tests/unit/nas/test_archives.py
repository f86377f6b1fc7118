from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from nas import archives
from nas.archives import member


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as written:
        written.writestr("a.png", b"picture")
        written.writestr("folder/", b"")
        written.writestr("../outside.png", b"odd")
    return path


def test_a_member_is_found_by_its_exact_name_in_the_listing(archive: Path) -> None:
    assert member(archive, "a.png") == b"picture"
    assert [member(archive, name) for name in ("A.PNG", "./a.png", "/a.png", "", "folder/", "b.png")] == [None] * 6


def test_a_name_is_never_a_path_on_the_disk(archive: Path) -> None:
    (archive.parent.parent / "outside.png").write_bytes(b"secret")
    assert member(archive, "../outside.png") == b"odd"


def test_a_member_that_is_too_large_is_not_read(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 6)
    assert member(archive, "a.png") is None


def test_a_broken_archive_has_no_members(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    assert member(tmp_path / "a.zip", "a.png") is None
