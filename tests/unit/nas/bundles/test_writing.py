from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from nas.bundles import filename, open_bundle, pack, writing
from nas.records import Candidate, SearchId
from nas.store.base import NotFound, Store
from nas.store.memory import MemoryStore
from nas.store.opening import open_store
from nas.testing import START


def packed(store: Any, search_id: str) -> bytes:
    return b"".join(pack(store, SearchId(search_id), at=START))


def test_what_was_recorded_is_read_back(recorder: Any, bundle: Path) -> None:
    store: Store = recorder.store
    with open_bundle(bundle) as found:
        assert list(found.candidates()) == store.candidates(recorder.id)
        assert list(found.events()) == store.events(recorder.id)
        assert found.search.spec == store.search(recorder.id).spec
        assert found.search.reference_point == {"psnr": 28.0}
        assert (found.manifest.candidates, found.manifest.told) == (7, 5)
        assert found.manifest.made_at == START


def test_environments_stand_there_once_and_codes_too(bundle: Path) -> None:
    with open_bundle(bundle) as found:
        assert found.environments == ({"numpy": "2.1.0"}, {"numpy": "2.2.0"})
    with ZipFile(bundle) as archive:
        assert json.loads(archive.read("search.json"))["code_digests"] == ["code"]


def test_it_is_a_zip_of_json_that_anything_can_read(bundle: Path) -> None:
    with ZipFile(bundle) as archive:
        assert archive.testzip() is None
        candidates = [json.loads(line) for line in archive.read("candidates.jsonl").splitlines()]
        evaluations = [json.loads(line) for line in archive.read("evaluations.jsonl").splitlines()]
    assert [candidate["ordinal"] for candidate in candidates] == list(range(7))
    told = [candidate["evaluation_key"] for candidate in candidates if candidate["told_ordinal"] is not None]
    assert [evaluation["key"] for evaluation in evaluations] == told
    assert {"protocol", "data_digest", "code_digest", "device", "precision", "seed", "setbacks"} <= set(evaluations[0])


def test_the_same_content_gives_the_same_bytes_from_every_store(
    recorder: Any, recorder_of: Callable[..., Any], tmp_path: Path
) -> None:
    sql = open_store(f"sqlite:///{tmp_path / 'srnas.sqlite'}")
    try:
        recorder_of(sql).play()
        assert packed(sql, recorder.id) == packed(recorder.store, recorder.id)
    finally:
        sql.close()


def test_pages_leave_no_trace(recorder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = packed(recorder.store, recorder.id)
    monkeypatch.setattr(writing, "PAGE", 2)
    monkeypatch.setattr(writing, "CHUNK", 64)
    chunks = list(pack(recorder.store, recorder.id, at=START))
    assert len(chunks) >= 5
    assert b"".join(chunks) == whole


class Living:
    """A log whose search goes on between any two reads, page by page."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.largest = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.recorder.store, name)

    def events(self, *args: Any, **options: Any) -> Any:
        self._go_on()
        return self.recorder.store.events(*args, **options)

    def candidates(self, *args: Any, limit: int, **options: Any) -> list[Candidate]:
        self._go_on()
        self.largest = max(self.largest, limit)
        found: list[Candidate] = self.recorder.store.candidates(*args, limit=limit, **options)
        return found

    def _go_on(self) -> None:
        recorder = self.recorder
        recorder.ask()
        recorder.tell(next(c.ordinal for c in recorder.store.candidates(recorder.id) if c.told_ordinal is None))


def test_a_search_that_runs_is_packed_as_it_was_when_that_began(
    recorder: Any, recorder_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(writing, "PAGE", 2)
    before = packed(recorder.store, recorder.id)
    living = Living(recorder)
    assert packed(living, recorder.id) == before
    assert len(recorder.asked) > 12
    assert living.largest == 2


def test_a_search_that_waits_has_an_empty_log(recorder_of: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / filename("00000001")
    path.write_bytes(packed(recorder_of(MemoryStore()).store, "00000001"))
    assert path.name == "search-00000001.zip"
    with open_bundle(path) as found:
        assert list(found.candidates()) == []
        assert [event.kind for event in found.events()] == ["submitted", "claimed"] + ["started"] * 4


def test_an_unknown_search_is_missing_before_anything_is_written() -> None:
    with pytest.raises(NotFound):
        pack(MemoryStore(), SearchId("nobody"), at=START)
