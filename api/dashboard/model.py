"""The page of a finished model: what it scores and how it came there, its benchmark as papers print it, its files."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from nas.figures import giga, heading, shown
from nas.records import ArtifactState
from nas.trainings import Model

from ..access import Viewer
from ..deps import ServiceDep
from .benchmark import benchmark_of, missing, tables
from .candidate import drawing
from .curves import Chart, bars, curve
from .files import form_rows, may_change, pictures_of
from .rendering import page
from .views import may_submit
from .wording import span

router = APIRouter(include_in_schema=False)

POINT_COLUMNS = ("psnr_db", "ssim", "fsds_db", "fsds_si_db")


@router.get("/models/{model_id}")
def show_model(model_id: str, request: Request, service: ServiceDep, who: Viewer) -> Response:
    """Show one finished model."""
    model = service.trainings.model(model_id)
    training, spec = model.training, model.search.spec
    artifacts = service.model_artifacts(model_id)
    benchmark = benchmark_of(model_id, service)
    return page(
        request,
        "model.html",
        model=model,
        name=spec.name or f"Search {model.search.id}",
        task=f"×{spec.scale} {'luma' if spec.channels == 1 else 'RGB'}",
        figures=final_figures(model),
        mult_adds=giga(model.candidate.mult_adds),
        train_time=span(training.train_s),
        charts=charts(model),
        drawing=drawing(model.candidate.genotype, f"{spec.name or model.search.id}, {model.candidate.id}"),
        benchmark=benchmark,
        missing=missing(artifacts),
        tables=[] if benchmark is None else tables(benchmark),
        forms=form_rows(artifacts),
        card=next((row.href for row in form_rows(artifacts) if row.name == "card"), ""),
        upscales=any(made.format == "onnx" and made.state is ArtifactState.READY for made in artifacts),
        pictures=pictures_of(artifacts),
        may_change=may_change(who, model.search),
        may_upscale=may_submit(who),
    )


def final_figures(model: Model) -> list[tuple[str, str, str]]:
    """What a model scores on the validation images: name, figure, and what to set it beside."""
    final = model.training.final
    if final is None:
        return []
    partial = model.candidate.evaluation.psnr_db if model.candidate.evaluation else None
    beside = [
        f"{words} {shown('psnr_db', value)}"
        for words, value in (("bicubic", model.bicubic_psnr_db), ("in its search", partial))
        if value is not None
    ]
    return [
        (heading(column), shown(column, getattr(final, column)), ", ".join(beside) if column == "psnr_db" else "")
        for column in POINT_COLUMNS
    ]


def charts(model: Model) -> list[Chart]:
    """How a model came to its scores, and what it learnt of each band of frequencies."""
    points, final = model.training.points, model.training.final
    shares = final.bands.correspondence if final and final.bands else ()
    scores = [(point.step, point.psnr_db) for point in points]
    drawn = (
        curve("PSNR over the training", scores, x_name="step", y_name="PSNR (dB)"),
        bars("Correspondence by band", shares, x_name="band of frequencies, lowest first", y_name="share learnt"),
    )
    return [chart for chart in drawn if chart is not None]
