"""Search spaces: what a spec may name."""

from __future__ import annotations

from fastapi import APIRouter

from search_space.spaces import SPACES, get_space

from ..responses import problems
from ..schemas import SpaceList, SpaceSummary, SpaceView

router = APIRouter(prefix="/v1/spaces", tags=["spaces"])


@router.get("", responses=problems())
def list_spaces() -> SpaceList:
    """List the search spaces."""
    return SpaceList(items=[SpaceSummary.of(space) for space in SPACES.values()])


@router.get("/{name}", responses=problems(404))
def read_space(name: str) -> SpaceView:
    """Look at one search space: its genes, its size, and the JSON Schema of its genotypes."""
    return SpaceView.of(get_space(name))
