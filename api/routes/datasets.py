"""Datasets: the images that a spec may name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from nas.catalogue import Listed
from nas.checks import spec_problems
from nas.records import Dataset, Role
from nas.service import Service
from nas.uploads import Receiver
from search_space.errors import InvalidInput

from ..access import Admin, Principal, Submitter
from ..deps import JsonObject, ServiceDep
from ..errors import BadBody, Forbidden, NotZip
from ..responses import CREATED, problems
from ..schemas import DatasetList, DatasetView, FolderRequest

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

Name = Annotated[str, Path(description="Name of a dataset.")]

ARCHIVE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A zip file of images, and of nothing else.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}

FOLDER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": FolderRequest.model_json_schema()}},
    }
}


@router.get("", responses=problems())
def list_datasets(service: ServiceDep) -> DatasetList:
    """List what a spec may name: registered datasets, and the folders of the images root that hold images."""
    return DatasetList(items=[DatasetView.of(listed) for listed in service.datasets.all()])


@router.get("/{name}", responses=problems(404))
def get_dataset(name: Name, service: ServiceDep) -> DatasetView:
    """Look at one dataset."""
    return DatasetView.of(service.datasets.named(name))


@router.post(
    "",
    status_code=201,
    responses={**CREATED, **problems(400, 403, 409, 413, 415, 422)},
    openapi_extra=FOLDER_BODY,
)
def register_folder(asking: Admin, document: JsonObject, service: ServiceDep, response: Response) -> DatasetView:
    """Register a folder of the server inside the images root. The same again changes nothing."""
    try:
        wanted = FolderRequest.model_validate(document)
    except ValidationError as error:
        raise InvalidInput(spec_problems(error, FolderRequest, {})) from None
    return _added(service.datasets.add_folder(wanted.name, wanted.folder, by=asking.name), response)


@router.put(
    "/{name}",
    status_code=201,
    responses={**CREATED, **problems(400, 403, 409, 413, 415, 422, 507)},
    openapi_extra=ARCHIVE_BODY,
)
async def upload_dataset(
    name: Name, request: Request, service: ServiceDep, asking: Submitter, response: Response
) -> DatasetView:
    """Upload a zip file of images. The same archive again changes nothing.

    One folder around all images is left out. Anything but images is refused by its name, as is what would be written
    elsewhere, is larger than it says, or breaks off; what file managers add unasked is left out.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("application/zip", "application/x-zip-compressed"):
        raise NotZip(f"the body's Content-Type is {media_type or 'missing'}")
    with await run_in_threadpool(service.datasets.receive, name) as receiver:
        await _receive(request, receiver)
        return _added(await run_in_threadpool(_add, service, name, receiver, asking.name), response)


@router.delete("/{name}", responses=problems(403, 404, 409))
def remove_dataset(name: Name, service: ServiceDep, asking: Submitter) -> DatasetView:
    """Forget a dataset that no unfinished search names; what was uploaded is deleted, a folder of the server stays."""
    listed = service.datasets.named(name)
    _require_owner(asking, listed)
    service.datasets.remove(name, by=asking.name)
    return DatasetView.of(listed)


async def _receive(request: Request, receiver: Receiver) -> None:
    """Write a body to the disk, chunk by chunk; `UploadTooLarge`, `NoRoom`, before it is sent where it says so."""
    if (announced := request.headers.get("content-length", "")).isdecimal():
        receiver.expect(int(announced))
    try:
        async for chunk in request.stream():
            await run_in_threadpool(receiver.write, chunk)
    except ClientDisconnect:
        raise BadBody("it broke off") from None


def _add(service: Service, name: str, receiver: Receiver, by: str) -> Dataset:
    return service.datasets.add_upload(name, receiver.received(), by=by)


def _added(dataset: Dataset, response: Response) -> DatasetView:
    view = DatasetView.of(Listed(dataset.name, dataset))
    response.headers["Location"] = view.links["self"]
    return view


def _require_owner(asking: Principal, listed: Listed) -> None:
    """Let a submitter remove own uploads only, and an admin anything; `Forbidden`."""
    owner = listed.registered.created_by if listed.registered else ""
    if asking.role is not Role.ADMIN and owner != asking.name:
        raise Forbidden(f"dataset {listed.name} is not of {asking.name}, and only its owner or an admin may remove it")
