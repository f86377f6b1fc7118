from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas.bundles import InvalidBundle, open_bundle, reading

Content = tuple[Any, ...]


def content(path: Path) -> Content:
    """All that is in a bundle."""
    with open_bundle(path) as found:
        return (found.search, tuple(found.environments), list(found.candidates()), list(found.events()))


def refused(path: Path) -> str:
    with pytest.raises(InvalidBundle) as error:
        content(path)
    return str(error.value)


def members(path: Path) -> dict[str, bytes]:
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, files: Mapping[str, bytes], method: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def signed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files with a manifest that agrees with them, as somebody makes it who means harm."""
    manifest = json.loads(files["manifest.json"])
    for name in manifest["members"]:
        data = files[name]
        counts = {"lines": data.count(b"\n"), "bytes": len(data), "sha256": sha256(data).hexdigest()}
        manifest["members"][name] = counts
    for count, name in (("candidates", "candidates"), ("told", "evaluations"), ("events", "events")):
        manifest[count] = manifest["members"][f"{name}.jsonl"]["lines"]
    return {**files, "manifest.json": json.dumps(manifest).encode() + b"\n"}


def with_line(data: bytes, number: int, **changes: Any) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[number] = json.dumps(json.loads(lines[number]) | changes).encode() + b"\n"
    return b"".join(lines)


# -- not as it was written ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["candidates.jsonl", "evaluations.jsonl", "events.jsonl", "search.json"])
def test_a_file_that_was_changed_is_found_by_its_digest(bundle: Path, name: str) -> None:
    files = members(bundle)
    changed = files[name].replace(b"2026-03-01", b"2026-03-02", 1)
    assert changed != files[name]
    assert "SHA-256" in refused(write(bundle, files | {name: changed}))


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_byte_is_changed_it_is_refused_or_says_the_same(bundle: Path, data: st.DataObject) -> None:
    whole = bundle.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    path = bundle.with_name("changed.zip")
    path.write_bytes(whole[:place] + other + whole[place + 1 :])
    try:
        found = content(path)
    except InvalidBundle:
        return
    assert found == content(bundle)


@given(share=st.floats(0, 1, exclude_max=True))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bundle_that_breaks_off_is_refused(bundle: Path, share: float) -> None:
    whole = bundle.read_bytes()
    path = bundle.with_name("short.zip")
    path.write_bytes(whole[: int(share * len(whole))])
    assert "whole zip file" in refused(path)


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    assert "a readable file" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "nothing.zip")


# -- never written by srnas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", ["more.json", "../candidates.jsonl", "/etc/passwd", "candidates.jsonl/"])
def test_files_of_other_names_are_refused(bundle: Path, extra: str) -> None:
    assert "a zip file of" in refused(write(bundle, members(bundle) | {extra: b""}))


def test_a_missing_and_a_doubled_file_are_refused(bundle: Path) -> None:
    files = members(bundle)
    assert "a zip file of" in refused(write(bundle, {name: files[name] for name in files if name != "events.jsonl"}))
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(write(bundle, files), "a") as archive:
        archive.writestr("events.jsonl", b"")
    assert "a zip file of" in refused(bundle)


def test_another_packing_is_refused(bundle: Path) -> None:
    assert "stored or deflated" in refused(write(bundle, members(bundle), ZIP_BZIP2))


@pytest.mark.parametrize(
    ("name", "number", "changes", "what"),
    [
        ("candidates.jsonl", 3, {"ordinal": 4}, "candidates.jsonl[3].ordinal"),
        ("candidates.jsonl", 3, {"rung": "one"}, "candidates.jsonl[3].rung"),
        ("candidates.jsonl", 3, {"genotype": "f32|lstm:0|tail:0"}, "candidates.jsonl[3].genotype"),
        ("candidates.jsonl", 3, {"genotype": "f32|conv-k3-f16-n2-r:0|tail:0,1"}, "the network with the digest"),
        ("candidates.jsonl", 3, {"evaluation_key": "other"}, "the key of the next outcome"),
        ("candidates.jsonl", 3, {"told_ordinal": None}, "candidates.jsonl[3].state"),
        ("candidates.jsonl", 4, {"told_ordinal": 9}, "candidates.jsonl[4].state"),
        ("candidates.jsonl", 3, {"more": 1}, "candidates.jsonl[3].more"),
        ("evaluations.jsonl", 2, {"psnr_db": [30]}, "evaluations.jsonl[2].psnr_db"),
        ("evaluations.jsonl", 2, {"code_digest": None}, "evaluations.jsonl[2].code_digest"),
        ("events.jsonl", 2, {"ordinal": 2}, "events.jsonl[2].ordinal"),
        ("search.json", 0, {"id": "00000002"}, "search.json.id"),
        ("search.json", 0, {"spec": {"space": "tiny"}}, "search.json.spec.dataset"),
        ("search.json", 0, {"spec": {"dataset": {"train": "a"}, "engine": {"lag": 0}}}, "engine.lag"),
    ],
)
def test_what_is_not_of_the_format_is_named(
    bundle: Path, name: str, number: int, changes: dict[str, Any], what: str
) -> None:
    files = members(bundle)
    files[name] = with_line(files[name], number, **changes)
    assert what in refused(write(bundle, signed(files)))


@pytest.mark.parametrize("changes", [{"version": 2}, {"format": "zip"}, {"told": 4}, {"members": {}}])
def test_a_manifest_of_another_kind_is_refused(bundle: Path, changes: dict[str, Any]) -> None:
    files = members(bundle)
    changed = with_line(files["manifest.json"], 0, **changes)
    assert "manifest.json" in refused(write(bundle, files | {"manifest.json": changed}))


def test_an_outcome_too_many_is_refused(bundle: Path) -> None:
    files = members(bundle)
    files["evaluations.jsonl"] += files["evaluations.jsonl"].splitlines(keepends=True)[0]
    assert "an outcome more" in refused(write(bundle, signed(files)))


@pytest.mark.parametrize("text", [b"\n", b"[]\n", b"{", b"NaN\n", b"\x80\n", b"{}{}\n"])
def test_lines_that_are_no_objects_are_refused(bundle: Path, text: bytes) -> None:
    files = members(bundle)
    assert "events.jsonl" in refused(write(bundle, signed(files | {"events.jsonl": text})))


# -- made to hurt ------------------------------------------------------------------------------------------------------


BOMB_BYTES = 2**26


def sparingly(bundle: Path) -> str:
    """Why a bundle is refused, in less memory than a bomb in it would take."""
    tracemalloc.start()
    try:
        told = refused(bundle)
        assert tracemalloc.get_traced_memory()[1] < BOMB_BYTES
    finally:
        tracemalloc.stop()
    return told


def test_a_file_of_zeros_is_given_up_after_one_line(bundle: Path) -> None:
    bomb = bytes(BOMB_BYTES)
    files = members(bundle)
    assert "at most 16 MiB" in sparingly(write(bundle, signed(files | {"search.json": bomb})))
    assert "a longer line" in sparingly(write(bundle, signed(files | {"events.jsonl": bomb})))


def test_a_size_that_is_claimed_is_not_believed(bundle: Path) -> None:
    files = signed(members(bundle) | {"events.jsonl": b""})
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.getinfo("events.jsonl").file_size = 10 * 2**30
    bundle.write_bytes(buffer.getvalue())
    assert "events.jsonl" in refused(bundle)


def test_arrays_within_arrays_are_refused(bundle: Path) -> None:
    files = members(bundle)
    deep = b"[" * 100_000 + b"]" * 100_000
    line = b'{"ordinal":1,"at":"2026-03-01T12:00:00Z","kind":"x","detail":{"a":' + deep + b"}}\n"
    assert "events.jsonl[0]" in sparingly(write(bundle, signed(files | {"events.jsonl": line})))


def test_a_directory_of_many_files_is_not_read(bundle: Path) -> None:
    with ZipFile(bundle, "w") as archive:
        for number in range(5_000):
            archive.writestr(ZipInfo(str(number)), b"")
    assert "a directory of" in refused(bundle)


def test_lines_are_counted(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINES", 3)
    assert "more lines" in refused(bundle)
