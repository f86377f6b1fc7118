"""Metrics, for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from ..metrics import Metrics
from ..responses import content, problems

router = APIRouter(tags=["health"])

OPEN_METRICS = "application/openmetrics-text"

FORMS = content(
    "The metrics, in the text format of Prometheus, or of OpenMetrics for whoever asks.", "text/plain", OPEN_METRICS
)


@router.get("/metrics", response_class=Response, responses={**FORMS, **problems()})
def get_metrics(request: Request) -> Response:
    """Tell the figures of the installation and of this process, as docs/reference/metrics.md lists them.

    While the store does not answer `srnas_up` is 0, and what it would know is left out.
    """
    metrics: Metrics = request.app.state.metrics
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(metrics.registry), headers={"Content-Type": media_type})
