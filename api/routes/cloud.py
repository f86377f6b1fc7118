"""The cloud of a search: its candidates as columns of numbers, for plots."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from nas.backdrop import landmarks
from nas.plots.documents import MOST, cloud_document

from ..deps import ServiceDep
from ..freshness import NOT_MODIFIED
from ..kept import kept_answer
from ..responses import problems
from ..schemas import CloudView

router = APIRouter(prefix="/v1/searches", tags=["front"])


class CloudQuery(BaseModel):
    """How many candidates."""

    model_config = ConfigDict(extra="forbid")

    most: int = Field(
        MOST,
        ge=1,
        le=MOST,
        description="Most candidates to return; more come only where the front and what is in flight alone are more.",
    )


@router.get("/{search_id}/cloud", response_model=CloudView, responses={**NOT_MODIFIED, **problems(404, 422)})
def get_cloud(
    search_id: str,
    query: Annotated[CloudQuery, Query()],
    service: ServiceDep,
    request: Request,
    if_none_match: Annotated[str | None, Header(description="The `ETag` of the cloud that the sender holds.")] = None,
) -> Response:
    """Look at the candidates of a search as columns of one length, and at what they are seen against.

    Every member of the front over the search's own objectives is there, and whatever has no outcome yet; the others are
    evenly spread over the search. Published networks of its scale stand beside them with exact costs and with the
    scores that their authors print, most of which do not compare. Its `ETag` is that of its bytes.
    """
    standing = service.standing(search_id)

    def made() -> bytes:
        search = service.search(search_id)
        seen = standing.piece("landmarks", lambda: landmarks(search.spec))
        found = cloud_document(search, standing.cloud(query.most), seen)
        return CloudView.of(found).model_dump_json().encode()

    document = standing.document(("cloud", query.most), made)
    return kept_answer(document, "application/json", request, if_none_match=if_none_match)
