"""Facts of a model that never was: one of which all is known, and one of which next to nothing is."""

from __future__ import annotations

from datetime import UTC, datetime

from evaluator.finishing import FinishingRecipe
from evaluator.metadata import Metadata
from evaluator.recipe import Recipe
from search_space.published import published_genotype

from ..export.benchmark_document import BenchmarkDocument, BenchmarkSet, Latency, SetScore, of_its_size
from ..export.facts import Found, ImagesUsed, ModelFacts, ModelFile, Trained
from ..records import ENDINGS

METADATA = Metadata(genotype=published_genotype("falsr-b"), recipe=Recipe(), scale=2, channels=1)


def sparse_facts() -> ModelFacts:
    """A file of weights from somewhere."""
    return ModelFacts(id="weights", name="weights", metadata=METADATA)


def full_facts() -> ModelFacts:
    """A finished model with everything that can be known of one."""
    recipe = FinishingRecipe.from_json({"name": "quick", "distil": {"teacher": "0123456789ab"}})
    return ModelFacts(
        id="fedcba987654",
        name="sparrow-x2",
        metadata=METADATA,
        created_at=datetime(2026, 3, 4, 12, tzinfo=UTC),
        trained=Trained(
            recipe=recipe.for_search(METADATA.recipe),
            steps=10_000,
            train_s=3_725.4,
            seed=7,
            device="cpu (1 thread, x86_64)",
            precision="float32",
            train=ImagesUsed(name="photos2k", count=100, terms="see ATTRIBUTION.tsv in photos2k"),
            validation=ImagesUsed(name="Kodak24", count=24),
            data_digest="da7a" * 8,
            code_digest="c0de" * 8,
            protocol="y-float",
            figures={"psnr_db": 35.125, "ssim": 0.9376, "fsds_db": 41.5, "fsds_si_db": 38.25},
        ),
        found=Found(
            search_id="00000001",
            candidate_id="00000001-4",
            psnr_db=33.5,
            protocol="y-float",
            objectives=("psnr", "mult_adds"),
            rank=2,
            front_size=9,
        ),
        benchmark=make_benchmark(),
        files=tuple(_file(form, number) for number, form in enumerate(_FORMS)),
        license="CC-BY-4.0",
    )


def make_benchmark() -> BenchmarkDocument:
    """What it scored on one set."""
    figures = {"model": (37.61, 0.9585), "bicubic": (33.61, 0.929)}
    params, mult_adds = 324_745, 74_502_144_000
    return BenchmarkDocument(
        name="sparrow-x2",
        genotype=str(METADATA.genotype),
        scale=2,
        channels=1,
        sets=(BenchmarkSet(name="Set5", images=5, digest="5e75" * 8, lr="as given"),),
        scores=tuple(
            SetScore(
                network="model" if network == "model" else "bicubic",
                set="Set5",
                protocol="falsr",
                psnr_db=psnr_db,
                ssim=ssim,
                fsds_db=34.5,
                fsds_si_db=None,
            )
            for network, (psnr_db, ssim) in figures.items()
        ),
        latencies=(
            Latency(
                place="cpu",
                device="EPYC (1 thread, x86_64)",
                runtime="onnxruntime 1.31.1",
                timed="luma network",
                output="1280x720",
                warm_up=2,
                repeats=5,
                median_ms=1234.5,
                lower_ms=1200.0,
                upper_ms=1300.0,
            ),
        ),
        published=of_its_size(params, mult_adds, 2),
        device="cpu (1 thread, x86_64)",
        versions={"torch": "2.13.0"},
        notes=("Set5: nothing was done",),
        params=params,
        mult_adds=mult_adds,
    )


_FORMS = ("onnx", "onnx-fp16", "onnx-int8", "onnx-luma", "safetensors", "pth", "torchscript", "arch")


def _file(form: str, number: int) -> ModelFile:
    return ModelFile(
        name=f"sparrow-x2{ENDINGS[form]}",
        form=form,
        size_bytes=1_000_000 + number,
        sha256=f"{number:064x}",
        max_difference=1.5e-6,
        tolerance=None if form == "onnx-int8" else 1e-4,
        tool="onnxruntime 1.31.1" if form.startswith("onnx") else "torch 2.13.0",
        note="loses 0.051 dB on 24 photographs" if form == "onnx-int8" else "",
    )
