"""For tests: records made with one call, and what every store promises. Needs pytest."""

from .builders import (
    START,
    make_artifact,
    make_candidate,
    make_dataset,
    make_evaluation,
    make_genotype,
    make_progress,
    make_report,
    make_request,
    make_search,
    make_tiny_spec,
    make_token,
    make_training,
    make_worker,
    told,
)
from .store_contract import StoreContract

__all__ = [
    "START",
    "StoreContract",
    "make_artifact",
    "make_candidate",
    "make_dataset",
    "make_evaluation",
    "make_genotype",
    "make_progress",
    "make_report",
    "make_request",
    "make_search",
    "make_tiny_spec",
    "make_token",
    "make_training",
    "make_worker",
    "told",
]
