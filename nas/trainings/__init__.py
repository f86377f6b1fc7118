"""What people do with full trainings: ask for them, look, cancel, and see whether the search's ranking was right.

It refuses to know torch: controllers train. Its use cases, which know a store, are in `cases`; what is here knows none.
"""

from .agreement import Reranked, rerank
from .asking import NotFinishable, TrainingRequest, recipe_document
from .model import Model, bicubic_psnr_db

__all__ = [
    "Model",
    "NotFinishable",
    "Reranked",
    "TrainingRequest",
    "bicubic_psnr_db",
    "recipe_document",
    "rerank",
]
