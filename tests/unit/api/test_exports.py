from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from api.settings import ApiSettings
from nas.records import Artifact, ArtifactState
from nas.store.memory import MemoryStore

CONTENT = b"a model"


@pytest.fixture
def requested(http: httpx.Client, recorded: Any) -> dict[str, Any]:
    answer = http.post(f"/v1/candidates/{recorded.candidates[1].id}/exports", json={"format": "onnx"})
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["links"]["self"]
    view: dict[str, Any] = answer.json()
    return view


def finish(store: MemoryStore, **fields: Any) -> Artifact:
    """End the oldest request as a controller would."""
    now = datetime.now(UTC)
    claimed = store.claim_artifact(at=now, stale_after_s=60)
    assert claimed is not None
    finished = replace(claimed, finished_at=now, **fields)
    store.finish_artifact(finished)
    return finished


def finish_with_file(store: MemoryStore, settings: ApiSettings, path: str = "artifacts/a.onnx") -> Artifact:
    file = settings.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(CONTENT)
    digest = sha256(CONTENT).hexdigest()
    return finish(store, state=ArtifactState.READY, path=path, sha256=digest, size_bytes=len(CONTENT))


def test_a_requested_export_is_listed_and_asked_for_once(http: httpx.Client, requested: dict[str, Any]) -> None:
    exports = f"/v1/candidates/{requested['candidate_id']}/exports"
    assert http.post(exports, json={"format": "onnx"}).json() == requested
    other = http.post(exports, json={"format": "safetensors"}).json()
    assert http.get(exports).json()["items"] == [requested, other]
    assert "file" not in requested["links"]


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [("bytes=2-", 206, CONTENT[2:]), ("bytes=0-0", 206, CONTENT[:1]), ("bytes=99-", 416, None), ("x", 400, None)],
)
def test_a_download_goes_on_where_it_broke_off(
    http: httpx.Client,
    store: MemoryStore,
    settings: ApiSettings,
    requested: Any,
    wanted: str,
    status: int,
    content: Any,
) -> None:
    finish_with_file(store, settings)
    part = http.get(f"{requested['links']['self']}/file", headers={"Range": wanted})
    assert part.status_code == status
    if content is None:
        assert (part.json()["type"], bool(part.json()["hint"])) == ("urn:srnas:problem:bad-range", True)
        assert part.headers.get("Content-Range") == (f"bytes */{len(CONTENT)}" if status == 416 else None)
    else:
        assert part.content == content


def test_a_ready_artifact_is_downloaded_with_its_digest(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, requested: dict[str, Any]
) -> None:
    finish_with_file(store, settings)
    view = http.get(requested["links"]["self"]).json()
    file = http.get(view["links"]["file"])
    assert file.content == CONTENT
    assert view["sha256"] == sha256(CONTENT).hexdigest()
    assert file.headers["etag"] == f'"{view["sha256"]}"'
    assert file.headers["repr-digest"] == f"sha-256=:{base64.b64encode(sha256(CONTENT).digest()).decode()}:"
    assert f'filename="{view["filename"]}"' in file.headers["content-disposition"]
    assert view["filename"] == f"srnas-{requested['candidate_id']}.onnx"


def test_a_file_that_is_not_ready_is_a_conflict(http: httpx.Client, requested: dict[str, Any]) -> None:
    refused = http.get(f"{requested['links']['self']}/file")
    assert refused.status_code == 409
    assert "until its state is ready" in refused.json()["hint"]


def test_a_failed_artifact_says_why(http: httpx.Client, store: MemoryStore, requested: dict[str, Any]) -> None:
    finish(store, state=ArtifactState.FAILED, detail={"message": "no room", "difference": float("nan")})
    view = http.get(requested["links"]["self"]).json()
    assert view["detail"] == {"message": "no room", "difference": None}
    refused = http.get(f"{requested['links']['self']}/file")
    assert refused.status_code == 409
    assert "again" in refused.json()["hint"]


def test_a_file_that_is_gone_is_not_found(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, requested: dict[str, Any]
) -> None:
    artifact = finish_with_file(store, settings)
    assert artifact.path is not None
    (settings.home / artifact.path).unlink()
    assert http.get(f"{requested['links']['self']}/file").status_code == 404


def test_a_path_outside_the_home_is_never_served(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, requested: dict[str, Any]
) -> None:
    finish_with_file(store, settings, path="../outside.onnx")
    assert http.get(f"{requested['links']['self']}/file").status_code == 404


@pytest.mark.parametrize("ordinal", [3, 4])
def test_a_candidate_without_weights_cannot_be_exported(http: httpx.Client, recorded: Any, ordinal: int) -> None:
    refused = http.post(f"/v1/candidates/{recorded.candidates[ordinal].id}/exports", json={"format": "onnx"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:srnas:problem:not-exportable"


@pytest.mark.parametrize(
    ("document", "field"), [({}, "format"), ({"format": "exe"}, "format"), ({"format": "onnx", "x": 1}, "x")]
)
def test_a_malformed_export_request_is_named(
    http: httpx.Client, recorded: Any, document: dict[str, Any], field: str
) -> None:
    refused = http.post(f"/v1/candidates/{recorded.candidates[0].id}/exports", json=document)
    assert refused.status_code == 422
    assert [entry["field"] for entry in refused.json()["errors"]] == [field]


def test_unknown_candidates_and_artifacts_are_not_found(http: httpx.Client) -> None:
    assert http.post("/v1/candidates/none/exports", json={"format": "onnx"}).status_code == 404
    assert http.get("/v1/artifacts/ffffffffffff").status_code == 404
    assert http.get("/v1/artifacts/ffffffffffff/file").status_code == 404


def test_an_analysis_is_requested_like_an_export_and_listed_beside_it(
    http: httpx.Client, recorded: Any, requested: dict[str, Any]
) -> None:
    analyses = f"/v1/candidates/{requested['candidate_id']}/analyses"
    answer = http.post(analyses)
    assert answer.status_code == 202
    assert answer.headers["location"] == answer.json()["links"]["self"]
    assert answer.json()["filename"].endswith("-analysis.zip")
    assert http.post(analyses).json() == answer.json()
    listed = http.get(f"/v1/candidates/{requested['candidate_id']}/exports").json()["items"]
    assert [artifact["format"] for artifact in listed] == ["onnx", "analysis"]


def test_an_untrained_candidate_has_no_analysis(http: httpx.Client, recorded: Any) -> None:
    untrained = [candidate for candidate in recorded.candidates if candidate.evaluation is None]
    assert untrained
    assert http.post(f"/v1/candidates/{untrained[0].id}/analyses").status_code == 409
    assert http.post("/v1/candidates/nothing/analyses").status_code == 404


@pytest.fixture
def pictured(http: httpx.Client, recorded: Any, store: MemoryStore, settings: ApiSettings) -> str:
    """The path of pictures that a controller has made."""
    asked = http.post(f"/v1/candidates/{recorded.candidates[1].id}/pictures")
    assert (asked.status_code, asked.json()["format"]) == (202, "pictures")
    assert asked.headers["location"] == asked.json()["links"]["self"]
    file = settings.home / "artifacts" / "a.zip"
    file.parent.mkdir(parents=True)
    with ZipFile(file, "w") as archive:
        for name in ("index.json", "1-lr.png", "page.html", "../../srnas.png"):
            archive.writestr(name, name)
    finish(store, state=ArtifactState.READY, path="artifacts/a.zip", sha256="a" * 64, size_bytes=1)
    path: str = asked.json()["links"]["self"]
    return path


def test_pictures_are_sent_one_by_one_and_kept_for_ever(http: httpx.Client, pictured: str) -> None:
    index = http.get(http.get(pictured).json()["links"]["index"])
    assert (index.content, index.headers["content-type"]) == (b"index.json", "application/json")
    picture = http.get(f"{pictured}/parts/1-lr.png")
    assert (picture.content, picture.headers["content-type"]) == (b"1-lr.png", "image/png")
    assert "immutable" in picture.headers["cache-control"]
    assert picture.headers["etag"] != index.headers["etag"]
    again = http.get(f"{pictured}/parts/1-lr.png", headers={"If-None-Match": picture.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["2-lr.png", "page.html", "", "..%2F..%2Fsrnas.png", "%2Fetc%2Fpasswd", "1-lr.PNG"])
def test_nothing_else_of_an_archive_is_sent(http: httpx.Client, pictured: str, name: str) -> None:
    assert http.get(f"{pictured}/parts/{name}").status_code == 404


def test_files_that_are_no_archives_have_no_parts(
    http: httpx.Client, store: MemoryStore, settings: ApiSettings, requested: dict[str, Any]
) -> None:
    finish_with_file(store, settings)
    assert http.get(f"{requested['links']['self']}/parts/index.json").status_code == 404


def test_pictures_that_are_not_made_yet_are_a_conflict(http: httpx.Client, recorded: Any) -> None:
    asked = http.post(f"/v1/candidates/{recorded.candidates[1].id}/pictures").json()
    assert http.get(f"{asked['links']['self']}/parts/index.json").status_code == 409
    assert "index" not in asked["links"]


def test_an_untrained_candidate_has_no_pictures(http: httpx.Client, recorded: Any) -> None:
    untrained = next(candidate for candidate in recorded.candidates if candidate.evaluation is None)
    assert http.post(f"/v1/candidates/{untrained.id}/pictures").status_code == 409
