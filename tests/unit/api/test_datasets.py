"""Datasets over HTTP, through the client and from the command line."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import httpx
import pytest
import structlog
from PIL import Image
from typer.testing import CliRunner

from api import supplying
from api.app import create_app
from api.client import ApiError, Client
from api.settings import ApiSettings
from api.testing import InProcess, connect
from api.verbs import app
from nas.records import Role
from nas.store.memory import MemoryStore
from nas.tokens import make_token

ZIP = {"Content-Type": "application/zip"}


def archive(*names: str) -> bytes:
    """The same bytes at any time of day."""
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        for seed, name in enumerate(names):
            picture = io.BytesIO()
            Image.frombytes("RGB", (96, 96), random.Random(seed).randbytes(3 * 96 * 96)).save(picture, "PNG")
            packed.writestr(ZipInfo(name), picture.getvalue())
    return stream.getvalue()


@pytest.fixture
def settings(tmp_path: Path, sample_dir: Path) -> ApiSettings:
    """The sample photographs and a nested folder of them."""
    shutil.copytree(sample_dir, tmp_path / "images" / "photos")
    shutil.copytree(sample_dir, tmp_path / "images" / "more" / "inner")
    return ApiSettings(home=tmp_path / "home", images_root=tmp_path / "images", upload_gib=0.001)


def test_an_upload_is_listed_searched_on_kept_while_needed_and_removed(
    http: httpx.Client, spec: dict[str, Any]
) -> None:
    made = http.put("/v1/datasets/mine", content=archive("a.png", "b.png", "c.png"), headers=ZIP)
    assert made.status_code == 201, made.text
    assert made.headers["Location"] == "/v1/datasets/mine"
    assert (made.json()["images"], made.json()["kind"], made.json()["registered"]) == (3, "upload", True)
    assert http.get("/v1/datasets/mine").json() == made.json()
    listed = http.get("/v1/datasets").json()["items"]
    assert [(entry["name"], entry["images"]) for entry in listed] == [("mine", 3), ("more", None), ("photos", None)]
    again = http.put("/v1/datasets/mine", content=archive("a.png", "b.png", "c.png"), headers=ZIP)
    assert (again.status_code, again.json()) == (201, made.json())
    search = http.post("/v1/searches", json=spec | {"dataset": {"train": "mine"}})
    assert search.status_code == 202, search.text
    kept = http.delete("/v1/datasets/mine")
    assert (kept.status_code, kept.json()["type"]) == (409, "urn:srnas:problem:dataset-kept")
    assert search.json()["id"] in kept.json()["detail"]
    http.post(f"/v1/searches/{search.json()['id']}/cancel")
    assert http.delete("/v1/datasets/mine").json() == made.json()
    assert http.get("/v1/datasets/mine").status_code == 404


REFUSED: dict[str, tuple[int, str, Callable[[], dict[str, Any]]]] = {
    "no zip file": (422, "invalid-input", lambda: {"content": b"abc", "headers": ZIP}),
    "no image": (422, "invalid-input", lambda: {"content": archive("a.txt"), "headers": ZIP}),
    "traversal": (422, "invalid-input", lambda: {"content": archive("../a.png"), "headers": ZIP}),
    "json": (415, "not-zip", lambda: {"json": {}}),
    "no type": (415, "not-zip", lambda: {"content": archive("a.png")}),
    "too large": (413, "upload-too-large", lambda: {"content": bytes(2**21), "headers": ZIP}),
    "too large, unannounced": (413, "upload-too-large", lambda: {"content": iter([bytes(2**21)]), "headers": ZIP}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_upload_is_refused_with_the_right_status_and_leaves_nothing(
    http: httpx.Client, settings: ApiSettings, case: str
) -> None:
    status, kind, request = REFUSED[case]
    answer = http.put("/v1/datasets/mine", **request())
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:srnas:problem:{kind}")
    assert answer.json()["hint"]
    assert list((settings.home / "datasets").glob("*")) == []
    assert http.get("/v1/datasets/mine").status_code == 404


@pytest.mark.parametrize("where", ["quota", "received", "unpacked"])
def test_an_upload_without_room_is_refused_with_a_hint(
    settings: ApiSettings, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where != "quota":
        monkeypatch.setattr(*{"received": (tempfile, "NamedTemporaryFile"), "unpacked": (os, "fsync")}[where], full)
    chosen = settings.model_copy(update={"uploads_gib": 0.0} if where == "quota" else {})
    with connect(create_app(chosen, store)) as http:
        answer = http.put("/v1/datasets/mine", content=archive("a.png"), headers=ZIP)
        assert (answer.status_code, answer.json()["type"]) == (507, "urn:srnas:problem:no-room")
        assert "SRNAS_UPLOADS_GIB" in answer.json()["hint"]
        assert answer.json()["detail"]
        assert http.get("/v1/datasets/mine").status_code == 404
    assert list((settings.home / "datasets").glob("*")) == []


def test_a_name_that_is_taken_or_none_is_refused(http: httpx.Client) -> None:
    assert http.put("/v1/datasets/photos", content=archive("a.png"), headers=ZIP).status_code == 409
    assert http.put("/v1/datasets/.a", content=archive("a.png"), headers=ZIP).status_code == 422
    assert http.delete("/v1/datasets/photos").status_code == 409
    assert http.delete("/v1/datasets/none").status_code == 404


def test_a_folder_of_the_server_is_registered_inside_the_root_alone(http: httpx.Client) -> None:
    made = http.post("/v1/datasets", json={"name": "inner", "folder": "more/inner"})
    assert (made.status_code, made.json()["images"], made.json()["kind"]) == (201, 8, "folder")
    for wrong in ({"name": "x", "folder": "../.."}, {"name": "a/b", "folder": "."}, {"name": "x"}, {"nmae": "x"}):
        refused = http.post("/v1/datasets", json=wrong)
        assert refused.status_code == 422
        assert refused.json()["errors"]
    assert http.post("/v1/datasets", json={"name": "inner", "folder": "photos"}).status_code == 409


def test_roles_look_upload_their_own_and_do_everything(settings: ApiSettings, store: MemoryStore) -> None:
    def token(name: str, role: Role) -> dict[str, str]:
        made, text = make_token(name, role, at=datetime.now(UTC), by="tests")
        store.add_token(made)
        return {"Authorization": f"Bearer {text}"}

    eve, ada, ben = token("eve", Role.VIEWER), token("ada", Role.SUBMITTER), token("ben", Role.SUBMITTER)
    root, content = token("root", Role.ADMIN), archive("a.png", "b.png")
    folder = {"name": "inner", "folder": "more/inner"}
    closed = settings.model_copy(update={"require_token": True})
    with connect(create_app(closed, store)) as http:

        def put(who: dict[str, str]) -> int:
            return http.put("/v1/datasets/mine", content=content, headers=ZIP | who).status_code

        assert (put({}), put(eve), put(ada)) == (401, 403, 201)
        assert [http.get("/v1/datasets", headers=who).status_code for who in ({}, eve)] == [401, 200]
        assert http.get("/v1/datasets/mine", headers=eve).json()["created_by"] == "ada"
        assert [http.post("/v1/datasets", json=folder, headers=who).status_code for who in (ada, root)] == [403, 201]
        assert [http.delete("/v1/datasets/mine", headers=who).status_code for who in (eve, ben, ada)] == [403, 403, 200]
        assert [http.delete("/v1/datasets/inner", headers=who).status_code for who in (ben, root)] == [403, 200]


def test_the_client_does_all_of_it_and_tells_how_far_it_is(client: Client, tmp_path: Path) -> None:
    (tmp_path / "mine.zip").write_bytes(archive("a.png", "b.png"))
    told: list[tuple[int, int]] = []
    made = client.upload("mine", tmp_path / "mine.zip", on_progress=lambda sent, total: told.append((sent, total)))
    assert told[-1] == ((tmp_path / "mine.zip").stat().st_size,) * 2
    assert client.dataset("mine") == made
    assert client.add_folder("inner", "more/inner").images == 8
    assert [dataset.name for dataset in client.datasets()] == ["inner", "mine", "more", "photos"]
    assert client.remove_dataset("mine") == made
    with pytest.raises(ApiError) as refused:
        client.dataset("mine")
    assert refused.value.status == 404


@pytest.fixture
def run(settings: ApiSettings, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Runs `srnas datasets` against a silent application in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    transport = InProcess(create_app(settings, store))
    with monkeypatch.context() as patched:
        patched.setattr(supplying, "Client", lambda url: Client("http://localhost", transport))
        patched.setattr(transport, "close", lambda: None)
        yield lambda *arguments: CliRunner().invoke(app, ["datasets", *map(str, arguments)])
    transport.close()
    structlog.reset_defaults()


def test_a_folder_is_packed_sent_listed_and_removed(run: Callable[..., Any], sample_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for picture in sorted(sample_dir.glob("*.png"))[:2]:
        shutil.copy(picture, tmp_path / "mine")
    (tmp_path / "mine" / "notes.txt").touch()
    sent = run("upload", "mine", tmp_path / "mine")
    assert (sent.exit_code, sent.stdout) == (0, "dataset mine has 2 images; a spec names it in dataset.train\n")
    assert json.loads(run("add", "inner", "more/inner", "--json").stdout)["images"] == 8
    listed = run("list").stdout
    assert [line.split()[0] for line in listed.splitlines() if line.strip()][2:] == ["inner", "mine", "more", "photos"]
    assert [entry["name"] for entry in json.loads(run("list", "--json").stdout)][:2] == ["inner", "mine"]
    assert run("remove", "mine").stdout == "dataset mine is removed\n"
    assert run("remove", "mine").exit_code == 2


def test_a_folder_without_images_is_wrong_input(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    refused = run("upload", "mine", tmp_path / "none")
    assert (refused.exit_code, "a folder with images" in refused.stderr) == (2, True)
    assert run("upload", "mine", tmp_path / "absent.zip").exit_code == 1
