"""Every route of the OpenAPI document under generated requests, good and bad, from everybody who may send them.

Nobody meets a server error, a status, header or body that the document does not name, or a route that should be shut.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
import requests
import schemathesis
import structlog
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import APIOperation, Case, HookContext
from schemathesis.core import NOT_SET
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from starlette.types import Message, Scope

from api.app import create_app
from api.guards import HARMLESS, OPEN
from api.openapi import document
from api.settings import ApiSettings
from api.testing import SPEC, make_benchmark, record_search
from evaluator.metadata import KEY, Metadata
from evaluator.recipe import Recipe
from nas.export.benchmark_row import to_json
from nas.onnx_models import FACE
from nas.records import (
    BENCHMARK,
    PICTURES,
    ArtifactState,
    DatasetKind,
    Role,
    SearchId,
    SearchState,
    TokenId,
    Training,
    TrainingId,
    TrainingStatus,
)
from nas.spec import SearchSpec
from nas.store.memory import MemoryStore
from nas.testing import (
    START,
    advanced,
    make_artifact,
    make_dataset,
    make_genotype,
    make_search,
    make_training,
    make_worker,
)
from nas.testing.nearest import write_nearest
from nas.tokens import make_token


def archive(*names: str) -> bytes:
    """A zip file of one photograph under some names."""
    photo = next((Path(__file__).parents[2] / "examples" / "photos").glob("*.png")).read_bytes()
    stream = io.BytesIO()
    with ZipFile(stream, "w") as packed:
        for name in names:
            packed.writestr(name, photo)
    return stream.getvalue()


def picture(form: str) -> bytes:
    """A small picture in some format."""
    stream = io.BytesIO()
    Image.new("RGB", (9, 7), "teal").save(stream, form)
    return stream.getvalue()


CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
)

EXAMPLES = 6
"""Random requests a route beside those that try every bound and type of its parameters."""

STATES = ("running", "completed", "failed", "paused", "cancelled", "queued")
SEARCHES = {f"0000000{number}": state for number, state in enumerate(STATES, start=1)}
FOREIGN = "0000000f"
"""A search of somebody else."""

ARTIFACTS = {f"00000000000{number}": state for number, state in enumerate(ArtifactState, start=1)}
TRAININGS = {
    "0000000000c1": TrainingStatus.COMPLETED,
    "0000000000c2": TrainingStatus.FAILED,
    "0000000000c3": TrainingStatus.CANCELLED,
    "0000000000c4": TrainingStatus.RUNNING,
    "0000000000c5": TrainingStatus.QUEUED,
}
MODEL, BENCHMARK_FILE, NETWORK_FILE = "0000000000c1", "0000000000b1", "0000000000b2"
"""A finished model, the file of its benchmark, and the network that the web process runs."""

PICTURES_FILE, PART = "0000000000b3", "index.json"
"""Pictures of a candidate, and one of its parts."""

TOKENS = ("0000000a", "0000000b")

KNOWN: Mapping[str, tuple[str, ...]] = {
    "search_id": (*SEARCHES, FOREIGN),
    "candidate_id": tuple(f"00000001-{ordinal}" for ordinal in range(5)),
    "artifact_id": (*ARTIFACTS, PICTURES_FILE),
    "training_id": tuple(TRAININGS),
    "model_id": tuple(TRAININGS),
    "token_id": TOKENS,
    "name": ("photos", "mine", "inner", "tiny", "falsr", PART),
}
"""What there is for each parameter of a path."""

BODIES: Mapping[str, tuple[Any, ...]] = {
    "POST /v1/searches": (SPEC,),
    "POST /v1/estimates": (SPEC,),
    "PATCH /v1/searches/{search_id}": ({"parallelism": 3, "priority": -7}, {"parallelism": None}),
    "POST /v1/searches/{search_id}/extend": ({"evaluations": 1000},),
    "POST /v1/searches/{search_id}/clone": ({"changes": {"seed": 3}},),
    "POST /v1/candidates/{candidate_id}/exports": ({"format": "onnx"}, {"format": "safetensors"}),
    "POST /v1/candidates/{candidate_id}/trainings": (
        {"recipe": {"name": "quick", "patch": 16}},
        {"recipe": {"name": "standard", "patch": 16, "warm_start": False}, "seed": 3, "dataset": {"train": "photos"}},
    ),
    "POST /v1/models/{model_id}/upscale": (picture("PNG"),),
    "POST /v1/models/{model_id}/exports": ({"format": "onnx-fp16"}, {"format": "benchmark"}),
    "POST /v1/datasets": ({"name": "other", "folder": "photos"},),
    "PUT /v1/datasets/{name}": (archive("a.png", "b.png"),),
    "POST /v1/tokens": ({"name": "eve", "role": "viewer"},),
}
"""What a route can do something with, where it takes a body."""

NOTHING: Mapping[str, str] = MappingProxyType({})

ADMINS_ALONE = {
    "POST /v1/datasets",
    "GET /v1/tokens",
    "POST /v1/tokens",
    "DELETE /v1/tokens/{token_id}",
    "GET /v1/audit",
}
"""What takes an admin; everything else that changes something takes a submitter, and anything at all a token."""

FORMS: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "GET /v1/searches/{search_id}/events": ({"Accept": "text/event-stream"},),
    "GET /v1/searches/{search_id}/front": ({"Accept": "text/csv"}, {"If-None-Match": "*"}),
    "GET /v1/searches/{search_id}/history": ({"Accept-Encoding": "identity"}, {"If-None-Match": "*"}),
    "GET /v1/artifacts/{artifact_id}/file": (
        {"Range": "bytes=1-2"},
        {"Range": "bytes=0-0,2-2"},
        {"Range": "bytes=999-"},
        {"Range": "lines=1-2"},
    ),
    "GET /metrics": ({"Accept": "application/openmetrics-text; version=1.0.0"},),
}
"""Headers that ask for another form of an answer: each request is sent with each of them too."""


schemathesis.openapi.media_type(
    "application/zip",
    st.one_of(st.binary(max_size=64), st.sampled_from([archive("a.png", "b.png"), archive("../a.png"), archive()])),
)

for form in ("PNG", "JPEG", "WEBP"):
    schemathesis.openapi.media_type(
        f"image/{form.lower()}", st.one_of(st.binary(max_size=64), st.just(picture(form)), st.just(picture("BMP")))
    )

schema = schemathesis.openapi.from_dict(document())
schema.config.generation.update(with_security_parameters=False)  # who asks is said by the test


@schema.hook
def before_generate_path_parameters(context: HookContext, strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Ask for what there is as often as for anything else."""
    names = [parameter.name for parameter in context.operation.path_parameters]
    return strategy | st.fixed_dictionaries({name: st.sampled_from(KNOWN[name]) for name in names})


class Service:
    """An application in this thread: no hop to another one, for there are thousands of requests."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self._app, self._runner = app, runner

    def send(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request; of a stream, which may have no end, the head."""
        answer = self._runner.run(self._exchange(request))
        answer.request, answer.elapsed = request, timedelta(0)
        return answer

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        sent: list[Message] = []
        asked, enough = asyncio.Event(), asyncio.Event()

        async def receive() -> Message:
            if asked.is_set():
                await enough.wait()
                return {"type": "http.disconnect"}
            asked.set()
            return {"type": "http.request", "body": request.content, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)
            if dict(message.get("headers", ())).get(b"content-type", b"").startswith(b"text/event-stream"):
                enough.set()

        with suppress(Exception):  # which was answered already
            await self._app(scope_of(request), receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)


@dataclass(frozen=True)
class Caller:
    """Somebody who asks.

    Attributes:
        name: What is said of them when something is wrong.
        role: What they may do; None where they should get in nowhere.
        service: Whom they ask.
        authorization: What they show.
    """

    name: str
    role: Role | None
    service: Service
    authorization: str | None = None


@pytest.fixture
def images(tmp_path: Path, sample_dir: Path) -> Path:
    """A folder of a server with photographs in it."""
    for folder in ("photos", "more/inner"):
        (tmp_path / "images" / folder).mkdir(parents=True)
        for photo in sorted(sample_dir.glob("*.png"))[:2]:
            shutil.copy(photo, tmp_path / "images" / folder)
    return tmp_path / "images"


@pytest.fixture
def callers(tmp_path: Path, images: Path) -> Iterator[list[Caller]]:
    """Everybody, before a service that wants tokens and one that wants none."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner() as runner, ExitStack() as stack:

        def service(folder: str, store: MemoryStore, **fields: Any) -> Service:
            chosen = ApiSettings(home=tmp_path / folder, images_root=images, requests_per_s=0, **fields)
            app = create_app(chosen, store)
            lifespan = app.router.lifespan_context(app)
            runner.run(lifespan.__aenter__())
            stack.callback(lambda: runner.run(lifespan.__aexit__(None, None, None)))
            return Service(app, runner)

        store, own = populated(tmp_path / "shared"), populated(tmp_path / "own")
        shared, local = service("shared", store, require_token=True), service("own", own)
        bearers = [Caller(str(role), role, shared, f"Bearer {token_of(role, store)}") for role in Role]
        nobody, stranger = (
            Caller("nobody", None, shared),
            Caller("stranger", None, shared, f"Bearer srnas_00000000_{'x' * 43}"),
        )
        yield [nobody, stranger, *bearers, Caller("local", Role.ADMIN, local)]
    structlog.reset_defaults()


def token_of(role: Role, store: MemoryStore) -> str:
    token, text = make_token(str(role), role, at=datetime.now(UTC), by="tests")
    store.add_token(token)
    return text


def populated(home: Path) -> MemoryStore:
    """A store with a search in every state, scored, failed and unfinished candidates, files, datasets and tokens."""
    store, spec = MemoryStore(), SearchSpec.model_validate(SPEC)
    for number, (search_id, state) in enumerate(SEARCHES.items()):
        store.add_search(make_search(search_id, minute=number, spec=spec, owner="submitter"))
        if state in ("running", "completed", "failed"):
            record_search(store)
        if state in ("paused", "cancelled"):
            store.move_search(SearchId(search_id), SearchState(state), at=START)
        if state in ("completed", "failed"):
            later = START + timedelta(hours=9)
            lease = store.claim_search("tests", at=later, lease_s=60.0, only=SearchId(search_id))
            assert lease is not None
            store.end_search(lease, SearchState(state), at=later, reason="as it went")
    store.add_search(make_search(FOREIGN, minute=99, spec=spec, owner="somebody"))
    for number, (artifact_id, artifact_state) in enumerate(ARTIFACTS.items()):
        store.add_artifact(make_artifact(artifact_id, f"00000001-{number}"))
        keep_file(store, artifact_id, artifact_state, home)
    for number, (training_id, status) in enumerate(TRAININGS.items()):
        keep_training(store, make_training(training_id, "00000001-0", seed=number, digest=training_id), status)
    keep_benchmark(store, home)
    keep_network(store, home)
    keep_pictures(store, home)
    store.add_dataset(make_dataset("inner", folder="more/inner", created_by="admin"))
    store.add_dataset(make_dataset("mine", kind=DatasetKind.UPLOAD, folder="datasets/mine", created_by="submitter"))
    for token_id in TOKENS:
        spare, _ = make_token("spare", Role.VIEWER, at=START, by="tests")
        store.add_token(replace(spare, id=TokenId(token_id)))
    store.record_workers("controller-1", [make_worker()], at=datetime.now(UTC), lease_s=3600.0)
    return store


def keep_file(store: MemoryStore, artifact_id: str, state: ArtifactState, home: Path) -> None:
    """Bring an artifact into a state; one that is ready has a file."""
    if state in (ArtifactState.REQUESTED, ArtifactState.WRITING):
        return
    artifact = replace(store.artifact(artifact_id), state=state, finished_at=START)
    if state is ArtifactState.READY:
        home.mkdir(parents=True, exist_ok=True)
        (home / "network.onnx").write_bytes(b"network")
        digest = sha256(b"network").hexdigest()
        artifact = replace(artifact, path="network.onnx", sha256=digest, size_bytes=7)
    store.finish_artifact(artifact)


def keep_training(store: MemoryStore, training: Training, status: TrainingStatus) -> None:
    """Bring a full training into a status."""
    store.add_training(training)
    if status is TrainingStatus.CANCELLED:
        store.cancel_training(training.id, at=START)
    if status in (TrainingStatus.QUEUED, TrainingStatus.CANCELLED):
        return
    claimed = store.claim_training("tests", at=START, lease_s=1e6)
    assert claimed is not None
    reached = advanced(claimed[1], training.steps if status is TrainingStatus.COMPLETED else 1000, status=status)
    ended = {"finished_at": START, "reason": "as it went"} if status.ended else {}
    store.keep_training(claimed[0], replace(reached, **ended), at=START, lease_s=1e6)


def keep_benchmark(store: MemoryStore, home: Path) -> None:
    """Benchmark the finished model."""
    made = make_artifact(BENCHMARK_FILE, "00000001-0", format=BENCHMARK, training_id=TrainingId(MODEL))
    store.add_artifact(made)
    (home / "benchmark.json").write_text(json.dumps(to_json(make_benchmark())))
    ready = replace(made, state=ArtifactState.READY, finished_at=START, path="benchmark.json", sha256="0" * 64)
    store.finish_artifact(replace(ready, size_bytes=1))


def keep_network(store: MemoryStore, home: Path) -> None:
    """Make the ONNX file of the finished model: one that takes the nearest pixel."""
    made = make_artifact(NETWORK_FILE, "00000001-0", training_id=TrainingId(MODEL))
    store.add_artifact(made)
    metadata = Metadata(genotype=make_genotype(), recipe=Recipe(), scale=2, channels=1)
    write_nearest(home / "nearest.onnx", channels=3, **{KEY: metadata.to_text(), FACE: "rgb"})
    ready = replace(made, state=ArtifactState.READY, finished_at=START, path="nearest.onnx", sha256="1" * 64)
    store.finish_artifact(replace(ready, size_bytes=1))


def keep_pictures(store: MemoryStore, home: Path) -> None:
    """Make pictures of a candidate: an archive with nothing but its listing."""
    made = make_artifact(PICTURES_FILE, "00000001-0", format=PICTURES)
    store.add_artifact(made)
    with ZipFile(home / "pictures.zip", "w") as archive:
        archive.writestr(PART, "{}")
    ready = replace(made, state=ArtifactState.READY, finished_at=START, path="pictures.zip", sha256="2" * 64)
    store.finish_artifact(replace(ready, size_bytes=1))


everything = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("operation", [found.ok() for found in schema.get_all_operations()], ids=lambda op: op.label)
def test_a_route_does_what_it_is_for_and_says_why_where_it_does_not(
    operation: APIOperation, callers: list[Caller]
) -> None:
    """Over all that there is, by everybody: somebody succeeds."""
    names = [parameter.name for parameter in operation.path_parameters]
    media_type = next((body.media_type for body in operation.body), NOT_SET)
    seen = set()
    for caller, body, *ids in product(callers, BODIES.get(operation.label, (NOT_SET,)), *map(KNOWN.get, names)):
        case = operation.Case(
            path_parameters=dict(zip(names, ids, strict=True)),
            body=body,
            media_type=None if body is NOT_SET else media_type,
        )
        for form in ({}, *FORMS.get(operation.label, ())):
            answer = caller.service.send(request_of(case, caller, form))
            case.validate_response(answer, checks=list(CHECKS))
            seen.add(answer.status_code)
    assert min(seen) < 300, seen


@schema.parametrize()
@settings(everything, max_examples=EXAMPLES)
def test_a_route_keeps_its_word_to_whoever_may_come_in(case: Case, callers: list[Caller]) -> None:
    """Those who may come in ask in turn."""
    callers.append(callers.pop(0))
    caller = next(caller for caller in callers if not is_shut(case, caller))
    for form in ({}, *FORMS.get(case.operation.label, ())):
        case.validate_response(caller.service.send(request_of(case, caller, form)), checks=list(CHECKS))


@schema.parametrize()
@settings(everything, max_examples=EXAMPLES, phases=[Phase.generate])
def test_a_route_is_shut_for_everybody_else(case: Case, callers: list[Caller]) -> None:
    for caller in callers:
        if is_shut(case, caller):
            answer = caller.service.send(request_of(case, caller))
            expected = {403} if caller.role else {401, 404} if caller.authorization is None else {401, 404, 429}
            assert answer.status_code in expected, f"{caller.name}: {answer.status_code} {answer.text}"
            case.validate_response(answer, checks=[check for check in CHECKS if check is not unsupported_method])


def request_of(case: Case, caller: Caller, form: Mapping[str, str] = NOTHING) -> httpx.Request:
    """A case as the request of somebody who asks for some form of the answer."""
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    headers = {name: value for name, value in prepared.headers.items() if name.lower() != "authorization"}
    headers |= {} if caller.authorization is None else {"Authorization": caller.authorization}
    return httpx.Request(case.method, str(prepared.url), headers={**headers, **form}, content=prepared.body)


def scope_of(request: httpx.Request) -> Scope:
    """A request as ASGI has it."""
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.partition(b"?")[0],
        "query_string": url.query,
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }


def is_shut(case: Case, caller: Caller) -> bool:
    """Whether somebody may not do what a request asks for."""
    harmless = case.method.upper() in HARMLESS
    if harmless and case.operation.path in OPEN:
        return False
    if caller.role is None or not (harmless or caller.role.includes(Role.SUBMITTER)):
        return True
    return f"{case.method} {case.operation.path}" in ADMINS_ALONE and not caller.role.includes(Role.ADMIN)
