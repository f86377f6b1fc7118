"""What plots of a search are fed with: its candidates as columns, what they are seen against, and its history.

A service answers with these documents, and pages that stand alone hold them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ..backdrop import Landmark
from ..fields import Document
from ..records import CandidateState, Search
from ..statistics.cloud import STATES, Cloud
from ..statistics.documents import Figure, Point

MOST = 5000
"""Candidates that a plot can show and a browser can move."""

DECIMALS = 6
"""Of figures here; a candidate itself has every digit."""

Column = list[float | None]
Figures = dict[str, Figure]


class PrintedScoreView(Document):
    """One score of a published network, as its authors print it."""

    dataset: str = Field(description="On which images.")
    protocol: str = Field(description="How it was measured.")
    psnr_db: float = Field(description="Mean PSNR.")
    ssim: float = Field(description="Mean SSIM.")
    comparable: bool = Field(
        description="Whether the search scores by the same protocol on the same images, whole; otherwise the score "
        "says nothing beside those of candidates."
    )


class LandmarkView(Document):
    """A published network of the search's scale."""

    name: str = Field(description="What specs call it.")
    title: str = Field(description="Its name in print.")
    figures: Figures = Field(
        description="Its costs as this search counts them, exact, and its latency where this search predicts that."
    )
    printed: list[PrintedScoreView] = Field(description="What its authors report of it.")
    source: str = Field(description="Where they do.")

    @classmethod
    def of(cls, landmark: Landmark) -> LandmarkView:
        """The document of a landmark."""
        network = landmark.network
        printed = [
            PrintedScoreView(
                dataset=score.dataset,
                protocol=score.protocol,
                psnr_db=score.psnr_db,
                ssim=score.ssim,
                comparable=score.dataset in landmark.comparable,
            )
            for score in network.scores
        ]
        return cls(
            name=network.name,
            title=network.title,
            figures=dict(landmark.figures),
            printed=printed,
            source=network.source,
        )


class CloudDocument(Document):
    """Candidates of a search as columns of one length, by ordinal, and what they are seen against."""

    search_id: str = Field(description="Whose they are.")
    told: int = Field(description="How many candidates of the search have an outcome.")
    untold: int = Field(description="How many have none: in flight, or given up; all of them are here.")
    states: list[CandidateState] = Field(description="What `state` points at.")
    operators: list[str] = Field(description="What `operator` points at.")
    ordinal: list[int] = Field(description="Number of each ask; a candidate's id is `SEARCH-ORDINAL`.")
    state: list[int] = Field(description="Where each stands, as its place in `states`.")
    feasible: list[bool] = Field(description="Whether it was scored and violates no constraint.")
    front: list[bool] = Field(description="Whether it is on the front over the search's own objectives.")
    rung: list[int] = Field(description="Rung of its training; only those of the highest compare with the front.")
    replicate: list[int] = Field(description="Number of its training seed; those from 1 confirm others.")
    operator: list[int] = Field(description="What bred it, as its place in `operators`.")
    figures: dict[str, Column] = Field(
        description="Its figures by column, to six decimals, null where one is not known; a latency is the predicted "
        "one where the search predicts."
    )
    baseline: Figures = Field(description="What bicubic upscaling scores on the validation images, by column.")
    protocol: str = Field(description="Scoring protocol of the search.")
    published: list[LandmarkView] = Field(description="Published networks of the search's scale.")


class HistoryDocument(Document):
    """How a search has come to where it is."""

    search_id: str = Field(description="Whose it is.")
    points: list[Point] = Field(
        description="A point for each outcome, in order; evenly thinned to 2000, the first and the last kept."
    )


def cloud_document(search: Search, cloud: Cloud, landmarks: Sequence[Landmark]) -> CloudDocument:
    """The document of a search's cloud."""
    return CloudDocument(
        search_id=search.id,
        told=cloud.told,
        untold=cloud.untold,
        states=list(STATES),
        operators=list(cloud.operators),
        ordinal=cloud.ordinal.tolist(),
        state=cloud.state.tolist(),
        feasible=cloud.feasible.tolist(),
        front=cloud.front.tolist(),
        rung=cloud.rung.tolist(),
        replicate=cloud.replicate.tolist(),
        operator=cloud.operator.tolist(),
        figures={name: _column(values) for name, values in cloud.figures.items()},
        baseline=dict(search.baseline),
        protocol=search.spec.recipe.protocol,
        published=[LandmarkView.of(landmark) for landmark in landmarks],
    )


def _column(values: NDArray[np.float64]) -> Column:
    """Numbers for JSON: none that is not finite, and no more digits than a plot shows."""
    finite = np.isfinite(values)
    rounded = np.round(np.where(finite, values, 0.0), DECIMALS).astype(object)
    rounded[~finite] = None
    column: Column = rounded.tolist()
    return column
