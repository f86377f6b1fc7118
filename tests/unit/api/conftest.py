"""An application over a store in memory, and a search in it that a controller has worked on."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.client import Client
from api.settings import ApiSettings
from api.testing import SPEC, InProcess, connect, record_search
from nas.records import Candidate
from nas.store.memory import MemoryStore


@pytest.fixture
def settings(tmp_path: Path, sample_dir: Path) -> ApiSettings:
    return ApiSettings(home=tmp_path, images_root=sample_dir.parent)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def http(settings: ApiSettings, store: MemoryStore) -> Iterator[httpx.Client]:
    """A plain HTTP client of the application."""
    with connect(create_app(settings, store)) as client:
        yield client


@pytest.fixture
def client(settings: ApiSettings, store: MemoryStore) -> Iterator[Client]:
    """The typed client of the application."""

    def no_sleep(seconds: float) -> None:
        raise AssertionError("nothing to wait for")

    with Client("http://localhost", InProcess(create_app(settings, store)), sleep=no_sleep) as client:
        yield client


@pytest.fixture
def spec() -> dict[str, Any]:
    return copy.deepcopy(SPEC)


@dataclass(frozen=True)
class Recorded:
    """A search that a controller has worked on."""

    id: str
    candidates: list[Candidate]


@pytest.fixture
def recorded(http: httpx.Client, store: MemoryStore, spec: dict[str, Any]) -> Recorded:
    submitted = http.post("/v1/searches", json=spec)
    assert submitted.status_code == 202, submitted.text
    return Recorded(submitted.json()["id"], record_search(store))
