"""Hostile archives leave nothing behind and get an answer that says why; honest ones are unpacked whole."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import random
import shutil
import stat
import struct
import tempfile
import zlib
from collections import namedtuple
from collections.abc import Callable, Mapping
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from evaluator.data.folders import scan
from nas.uploads import (
    Disk,
    InvalidUpload,
    Limits,
    NoRoom,
    Received,
    Receiver,
    Room,
    Unpacked,
    UploadTooLarge,
    held,
    sweep,
    unpack,
)
from nas.uploads import tiff as tiffs
from nas.uploads.pictures import NotAnImage, check_image

LIMITS = Limits(archive_bytes=2**24, unpacked_bytes=2**25, files=200, image_bytes=2**24)
SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}


def encoded(file_format: str = "PNG", side: int = 40) -> bytes:
    """An image of noise, so that nothing packs it."""
    noise = random.Random(side).randbytes(side * side * 3)
    stream = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(stream, file_format)
    return stream.getvalue()


PHOTO = encoded()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row of nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows


def zipped(files: Mapping[str, bytes], kind: int = ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(ZipInfo("placeholder"), b"") if not name else _write(archive, name, data, kind)
    return stream.getvalue()


def _write(archive: ZipFile, name: str, data: bytes, kind: int, mode: int = stat.S_IFREG | 0o644) -> None:
    info = ZipInfo(name)
    info.filename = name  # as it is: ZipInfo mends some of what is tried here
    info.external_attr, info.compress_type = mode << 16, kind
    archive.writestr(info, data)


def entry_of_mode(mode: int) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w") as archive:
        _write(archive, "photo.png", b"/etc/passwd", ZIP_STORED, mode)
    return stream.getvalue()


def patched(archive: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """The archive with some bytes of every record of a kind replaced."""
    data, at = bytearray(archive), -1
    while (at := data.find(signature, at + 1)) >= 0:
        data[at + offset : at + offset + len(value)] = value
    return bytes(data)


LOCAL, CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def flagged(bits: int) -> bytes:
    archive = zipped({"photo.png": PHOTO})
    value = struct.pack("<H", bits)
    return patched(patched(archive, CENTRAL, 8, value), LOCAL, 6, value)


def claiming(size: int) -> bytes:
    """An archive whose one file says that it has some size unpacked, below 4 GiB."""
    return patched(zipped({"photo.png": PHOTO}, ZIP_STORED), CENTRAL, 24, struct.pack("<I", size))


def claiming_ten_gigabytes() -> bytes:
    """The same beyond 4 GiB, in the field that zip64 has for it."""
    archive = zipped({"photo.png": PHOTO}, ZIP_STORED)
    at = archive.index(CENTRAL)
    extra = struct.pack("<HHQ", 1, 8, 10 * 10**9)
    record = bytearray(archive[at : at + 46 + len("photo.png")])
    record[24:28], record[30:32] = b"\xff" * 4, struct.pack("<H", len(extra))
    end = bytearray(archive[-22:])
    end[12:16] = struct.pack("<I", len(record) + len(extra))
    return archive[:at] + bytes(record) + extra + bytes(end)


def overlapping() -> bytes:
    """A bomb without ratio: many names for the same bytes."""
    archive = zipped({"photo.png": PHOTO}, ZIP_STORED)
    at = archive.index(CENTRAL)
    record, end = archive[at:-22], bytearray(archive[-22:])
    records = b"".join(record.replace(b"photo", f"pho{n:02}".encode()) for n in range(50))
    end[8:12], end[12:16] = struct.pack("<HH", 50, 50), struct.pack("<I", len(records))
    return archive[:at] + records + bytes(end)


def directory_of(entries: int) -> bytes:
    """A directory of so many entries, and nothing else."""
    name = b"a.png"
    record = struct.pack("<4s6H3I5H2I", CENTRAL, 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    size = entries * len(record)
    return record * entries + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, entries % 65536, entries % 65536, size, 0, 0)


def jpeg_of_junk() -> bytes:
    """Pillow looks for the next marker byte by byte."""
    return b"\xff\xd8\xff\xe0\x00\x04ab" + random.Random(0).randbytes(2**16).replace(b"\xff", b"a") * 64


ATTACKS: dict[str, tuple[Callable[[], bytes], type[InvalidUpload], str]] = {
    "no zip file": (lambda: b"GIF89a" * 100, InvalidUpload, "a zip file"),
    "nothing": (lambda: b"", InvalidUpload, "a zip file"),
    "an empty archive": (lambda: zipped({}), InvalidUpload, "no image"),
    "half an archive": (lambda: zipped({"photo.png": PHOTO})[:-40], InvalidUpload, "a zip file"),
    "out of the folder": (lambda: zipped({"../photo.png": PHOTO}), InvalidUpload, "a path inside the archive"),
    "out of it later": (lambda: zipped({"a/../../photo.png": PHOTO}), InvalidUpload, "a path inside the archive"),
    "an absolute path": (lambda: zipped({"/tmp/photo.png": PHOTO}), InvalidUpload, "a path inside the archive"),
    "backslashes": (lambda: zipped({"..\\photo.png": PHOTO}), InvalidUpload, "a path inside the archive"),
    "a drive": (lambda: zipped({"C:photo.png": PHOTO}), InvalidUpload, "a path inside the archive"),
    "a newline": (lambda: zipped({"a\nb.png": PHOTO}), InvalidUpload, "control characters"),
    "a NUL": (
        lambda: zipped({"photoX.png": PHOTO}).replace(b"photoX", b"photo\0"),
        InvalidUpload,
        "control characters",
    ),
    "a long name": (lambda: zipped({"a" * 300 + ".png": PHOTO}), InvalidUpload, "255 bytes"),
    "deep folders": (lambda: zipped({"a/b/c/d/1.png": PHOTO, "2.png": PHOTO}), InvalidUpload, "folders deep"),
    "a link": (lambda: entry_of_mode(stat.S_IFLNK | 0o777), InvalidUpload, "a link"),
    "a device": (lambda: entry_of_mode(stat.S_IFCHR | 0o666), InvalidUpload, "a device"),
    "two of one name": (lambda: zipped({"A.png": PHOTO, "a.PNG": PHOTO}), InvalidUpload, "another entry"),
    "a file as a folder": (lambda: zipped({"x/a.png/b.png": PHOTO, "x/a.png": PHOTO}), InvalidUpload, "another entry"),
    "encryption": (lambda: flagged(0x1), InvalidUpload, "encrypted"),
    "another compression": (lambda: zipped({"a.png": PHOTO}, ZIP_BZIP2), InvalidUpload, "compression method 12"),
    "4 GB claimed": (lambda: claiming(2**32 - 2), UploadTooLarge, "4 GiB unpacked"),
    "10 GB claimed": (claiming_ten_gigabytes, UploadTooLarge, "9.313 GiB unpacked"),
    "a little more claimed": (lambda: claiming(len(PHOTO) + 9), InvalidUpload, "the archive says"),
    "less claimed": (lambda: claiming(len(PHOTO) - 9), InvalidUpload, "can be unpacked"),
    "a large image": (lambda: claiming(2**24 + 1), InvalidUpload, "at most 16 MiB"),
    "a bomb": (lambda: zipped({"photo.png": bytes(2**24)}), InvalidUpload, "100 times smaller"),
    "a large picture that packs well": (
        lambda: zipped({"a.png": png_header(20_000, 8) + random.Random(0).randbytes(2**15) + bytes(2**21)}),
        InvalidUpload,
        "20000x8",
    ),
    "bytes shared": (overlapping, InvalidUpload, "bytes that are not its own"),
    "many files": (lambda: zipped({f"{n}.png": b"" for n in range(201)}), UploadTooLarge, "201 files"),
    "a long directory": (lambda: directory_of(200_000), UploadTooLarge, "a directory of"),
    "entries beyond limits": (lambda: directory_of(3_000), UploadTooLarge, "too many entries"),
    "a program": (lambda: zipped({"photo.png": PHOTO, "run.sh": b"ls"}), InvalidUpload, "archive[run.sh]"),
    "a text by an image's name": (lambda: zipped({"photo.png": b"hello"}), InvalidUpload, "no image"),
    "an archive in it": (lambda: zipped({"photo.png": zipped({"a.png": PHOTO})}), InvalidUpload, "no image"),
    "65,536 pixels": (lambda: zipped({"a.png": png_header(65_536, 8)}), InvalidUpload, "65536x8"),
    "many pixels": (lambda: zipped({"a.png": png_header(9_000, 9_000)}), InvalidUpload, "64 megapixels"),
    "too many pixels": (lambda: zipped({"a.png": png_header(16_000, 16_000)}), InvalidUpload, "megapixels"),
    "a slow header": (lambda: zipped({"a.jpg": jpeg_of_junk()}, ZIP_STORED), InvalidUpload, "too many pieces"),
    "a broken checksum": (
        lambda: zipped({"a.png": PHOTO}, ZIP_STORED).replace(PHOTO[900:910], b"\0" * 10),
        InvalidUpload,
        "Bad CRC-32",
    ),
}


Usage = namedtuple("Usage", "total free")


def room_in(folder: Path, left_bytes: int = 2**40, disk: Disk = lambda _: Usage(2**42, 2**41)) -> Room:
    return Room(folder=folder, left_bytes=left_bytes, disk=disk)


def unpacked(content: bytes, folder: Path, limits: Limits = LIMITS, room: Room | None = None) -> Unpacked:
    with Receiver(room_in(folder.parent), limits) as receiver:
        for start in range(0, len(content), 2**20):
            receiver.write(content[start : start + 2**20])
        return unpack(receiver.received(), folder, limits, room or room_in(folder.parent))


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_with_a_reason_and_leaves_nothing(attack: str, tmp_path: Path) -> None:
    make, kind, reason = ATTACKS[attack]
    content, home = make(), tmp_path / "home"
    with pytest.raises(InvalidUpload) as caught:
        unpacked(content, home / "photos")
    assert type(caught.value) is kind
    assert reason in str(caught.value)
    assert len(caught.value.problems) <= 5
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert list(home.iterdir()) == []


def test_the_last_file_is_looked_at_before_the_first_is_written(tmp_path: Path) -> None:
    """And one that takes long to look at is the last."""
    slow = jpeg_of_junk()
    with pytest.raises(InvalidUpload) as caught:
        unpacked(zipped({f"{n}.jpg": slow for n in range(3)} | {"3.png": b"x"}, ZIP_STORED), tmp_path / "photos")
    assert [problem.field for problem in caught.value.problems] == ["archive[0.jpg]"]
    with pytest.raises(InvalidUpload) as caught:
        unpacked(zipped({"0.png": PHOTO, "1.png": b"x"}), tmp_path / "photos")
    assert [problem.field for problem in caught.value.problems] == ["archive[1.png]"]


def test_files_that_pack_well_each_are_refused_where_they_are_many(tmp_path: Path) -> None:
    files = {f"{number}.bmp": random.Random(number).randbytes(40_000) + bytes(3 * 10**6) for number in range(30)}
    with pytest.raises(UploadTooLarge, match="8 times smaller, all together"):
        unpacked(zipped(files), tmp_path / "photos", Limits())


@pytest.mark.parametrize("file_format", SUFFIXES)
def test_an_image_of_any_kind_is_taken_whole_and_refused_cut(file_format: str, tmp_path: Path) -> None:
    name, data = f"photo.{SUFFIXES[file_format]}", encoded(file_format)
    assert unpacked(zipped({name: data}), tmp_path / "whole").pixels == 1600
    assert (tmp_path / "whole" / name).read_bytes() == data
    with pytest.raises(InvalidUpload, match=name):
        unpacked(zipped({name: data[: len(data) * 3 // 4]}), tmp_path / "cut")


def test_a_folder_of_photographs_comes_back_as_it_was(sample_dir: Path, tmp_path: Path) -> None:
    shutil.copytree(sample_dir, tmp_path / "photos", ignore=shutil.ignore_patterns("*.md"))
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", tmp_path, "photos"))
    found = unpacked(archive.read_bytes(), tmp_path / "home" / "mine", Limits())
    assert found.images == 8
    assert found.size_bytes == sum(path.stat().st_size for path in sample_dir.glob("*.png"))
    assert below(tmp_path / "home" / "mine") == sorted(path.name for path in sample_dir.glob("*.png"))
    assert len(scan(tmp_path / "home" / "mine", scale=2).pairs) == 8
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["mine"]


def test_real_photographs_are_taken(images_dir: Path, tmp_path: Path) -> None:
    folders = ("train/T91", "train/BSDS200", "train/DIV2K_Y181", "val/gb82")
    photos = [path for folder in folders for path in sorted((images_dir / folder).iterdir())[:4]]
    files = {path.name: path.read_bytes() for path in photos}
    assert unpacked(zipped(files), tmp_path / "photos", Limits()).images == len(files) == 16


def test_what_file_managers_leave_is_left_out(tmp_path: Path) -> None:
    junk = {
        "__MACOSX/holiday/._1.png": b"x",
        "holiday/.DS_Store": b"x",
        "holiday/Thumbs.db": b"x",
        "holiday/._1.png": b"",
    }
    unpacked(zipped({"holiday/": b"", "holiday/1.png": PHOTO, **junk}), tmp_path / "photos")
    assert below(tmp_path / "photos") == ["1.png"]


def test_pairs_keep_their_folders(tmp_path: Path) -> None:
    files = {"set/HR/1.png": encoded(side=48), "set/LR_bicubic/X2/1x2.png": encoded(side=24)}
    unpacked(zipped(files), tmp_path / "photos")
    found = scan(tmp_path / "photos", scale=2)
    assert (found.layout, len(found.pairs), found.problems) == ("edsr-benchmark", 1, ())


def test_a_folder_that_is_there_stays(tmp_path: Path) -> None:
    unpacked(zipped({"1.png": PHOTO}), tmp_path / "photos")
    with pytest.raises(FileExistsError):
        unpacked(zipped({"2.png": PHOTO}), tmp_path / "photos")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]
    assert below(tmp_path / "photos") == ["1.png"]


def test_receiving_ends_at_the_limit_and_nothing_stays(tmp_path: Path) -> None:
    with Receiver(room_in(tmp_path), Limits(archive_bytes=100)) as receiver:
        receiver.expect(100)
        with pytest.raises(UploadTooLarge, match="101 B"):
            receiver.expect(101)
        receiver.write(b"a" * 60)
        with pytest.raises(UploadTooLarge, match="at most 100 B"):
            receiver.write(b"a" * 60)
    assert list(tmp_path.iterdir()) == []


def test_what_was_received_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    with Receiver(room_in(tmp_path / "new"), LIMITS) as receiver:
        receiver.write(b"ab")
        receiver.write(b"c")
        received = receiver.received()
        assert received.path.read_bytes() == b"abc"
    assert received.size_bytes == 3
    assert received.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_only_old_leftovers_are_swept(tmp_path: Path) -> None:
    """A finished folder never is one, though no database knows it."""
    names = (".draft-photos-old", ".draft-photos-new", "photos-old")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(PHOTO)
        os.utime(tmp_path / name, (0, 0 if name.endswith("old") else 90_000))
    (tmp_path / ".archive-x.zip").touch()
    os.utime(tmp_path / ".archive-x.zip", (0, 0))
    sweep(tmp_path, now=100_000.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft-photos-new", "photos-old"]
    sweep(tmp_path / "none", now=100_000.0)


@pytest.mark.parametrize(("total", "free"), [(2**33, 2**30 + 99), (2**40, 2**40 // 20 + 99)])
def test_a_disk_keeps_its_reserve(total: int, free: int, tmp_path: Path) -> None:
    room = room_in(tmp_path, disk=lambda _: Usage(total, free))
    room.require(99)
    with pytest.raises(NoRoom, match="too full"):
        room.require(100)
    with Receiver(room, LIMITS) as receiver:
        with pytest.raises(NoRoom, match="too full for 100 B"):
            receiver.expect(100)
        receiver.write(b"a" * 50)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_it_is_received_ends_it(tmp_path: Path) -> None:
    left = itertools.chain([2**41], itertools.repeat(2**20))
    limits = Limits(archive_bytes=2**26)
    with Receiver(room_in(tmp_path, disk=lambda _: Usage(2**42, next(left))), limits) as receiver:
        for _ in range(17):
            receiver.write(b"a" * 2**20)
        with pytest.raises(NoRoom, match="too full"):
            receiver.write(b"a" * 2**20)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_while_it_is_unpacked_keeps_nothing(tmp_path: Path) -> None:
    left = itertools.chain([2**41, 2**41], itertools.repeat(2**20))
    room = room_in(tmp_path, disk=lambda _: Usage(2**42, next(left)))
    with pytest.raises(NoRoom, match="too full"):
        unpacked(zipped({"1.png": PHOTO, "2.png": PHOTO}), tmp_path / "photos", room=room)
    assert list(tmp_path.iterdir()) == []


def test_all_uploads_together_have_a_bound(tmp_path: Path) -> None:
    content = zipped({"1.png": PHOTO, "2.png": PHOTO})
    with pytest.raises(NoRoom, match="all uploads together"):
        unpacked(content, tmp_path / "photos", room=room_in(tmp_path, 2 * len(PHOTO) - 1))
    assert list(tmp_path.iterdir()) == []
    unpacked(content, tmp_path / "photos", room=room_in(tmp_path, 2 * len(PHOTO)))
    (tmp_path / ".archive-x.zip").write_bytes(b"a" * 1000)
    assert held(tmp_path, {}) == 2 * len(PHOTO)
    assert held(tmp_path, {"photos": 7, "gone": 1}) == 8
    with Receiver(room_in(tmp_path, 99), LIMITS) as receiver, pytest.raises(NoRoom, match="the 99 B"):
        receiver.write(b"a" * 100)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "mkdir", "rename"])
def test_a_full_disk_is_told_and_nothing_stays(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    with Receiver(room_in(tmp_path), LIMITS) as receiver:
        receiver.write(zipped({"1.png": PHOTO}))
        received = receiver.received()
        monkeypatch.setattr(os, call, full)
        with pytest.raises(NoRoom, match="full"):
            unpack(received, tmp_path / "photos", LIMITS, room_in(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_is_full_at_the_last_byte_is_told(tmp_path: Path) -> None:
    with Receiver(room_in(tmp_path), LIMITS) as receiver:
        with open("/dev/full", "wb") as full:  # swapped in below a file that is open already
            os.dup2(full.fileno(), receiver._file.fileno())
        receiver.write(b"abc")
        with pytest.raises(NoRoom, match="full"):
            receiver.received()
    assert list(tmp_path.iterdir()) == []


def tiff(order: str, entries: list[tuple[int, int, int]], number: int = 0, large: bool = False) -> bytes:
    """A TIFF's first directory with (tag, type, count) each, and some bytes that may be an image."""
    if large:
        head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HHHQQ", 43, 8, 0, 16, number or len(entries))
        return head + b"".join(struct.pack(order + "HHQQ", *entry, 8) for entry in entries) + PHOTO
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HLH", 42, 8, number or len(entries))
    return head + b"".join(struct.pack(order + "HHLL", *entry, 8) for entry in entries) + PHOTO


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("order", "<>")
def test_a_tiff_of_too_much_is_refused_before_it_is_read(
    order: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {
        "65,535 tags": tiff(order, [(number, 4, 1) for number in range(65_535)], large=large),
        "257 tags": tiff(order, [], number=257, large=large),
        "1,048,577 numbers": tiff(order, [(273, 4, 2**20 + 1)], large=large),
        "bytes in a file of": tiff(order, [(number, 1, 3000) for number in range(9)], large=large),
    }
    monkeypatch.setattr(Image, "open", None)
    for number, (reason, data) in enumerate(cases.items()):
        path = tmp_path / str(number)
        path.write_bytes(data)
        with pytest.raises(NotAnImage, match=reason):
            check_image(path, Limits())


@given(st.binary(max_size=60), st.sampled_from(tiffs.MAGIC))
def test_no_bytes_of_a_tiff_are_too_strange_to_be_looked_at(data: bytes, magic: bytes) -> None:
    with contextlib.suppress(OSError, ValueError, OverflowError):  # of places outside any file
        tiffs.excess(io.BytesIO(magic + data), len(data) + 4)


def test_limits_are_positive() -> None:
    with pytest.raises(ValueError, match="files"):
        Limits(files=0)


NAMES = st.text(st.sampled_from("ab./\\:~\0\n -_éÉ\u202e"), min_size=1, max_size=12).map(lambda name: name + ".png")


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
@example(["..png", ".../a.png"])
@example(["./a.png", "a.png"])
@settings(max_examples=100, deadline=None)
def test_no_name_leads_out_of_the_folder(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as root:
        home = Path(root) / "a" / "b"
        try:
            found = unpacked(zipped(dict.fromkeys(names, PHOTO)), home / "photos")
        except InvalidUpload:
            assert below(Path(root)) == []
        else:
            assert len(below(home / "photos")) == len(below(Path(root))) == found.images


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_broken_archive_is_unpacked_or_refused(data: st.DataObject) -> None:
    content = bytearray(zipped({"a/1.png": PHOTO[:300], "a/2.bmp": encoded("BMP", 4)}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as root:
        try:
            unpacked(bytes(content), Path(root) / "photos")
        except InvalidUpload:
            assert below(Path(root)) == []


@given(st.sampled_from(sorted(SUFFIXES)), st.data())
@settings(max_examples=100, deadline=None)
def test_a_broken_image_is_taken_or_refused(file_format: str, data: st.DataObject) -> None:
    image = bytearray(encoded(file_format, 6))
    for _ in range(data.draw(st.integers(1, 4))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as root:
        archive = Path(root) / "a.zip"
        archive.write_bytes(zipped({f"a.{SUFFIXES[file_format]}": bytes(image)}, ZIP_STORED))
        try:
            unpack(Received(archive, 0, ""), Path(root) / "photos", LIMITS, room_in(Path(root)))
        except InvalidUpload:
            assert not (Path(root) / "photos").exists()
