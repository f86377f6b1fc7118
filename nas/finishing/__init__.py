"""Full trainings in a controller: claimed, trained one stretch after another, and safe on disk after each."""

from .driver import Equipment, Finishing
from .files import TrainingFiles

__all__ = ["Equipment", "Finishing", "TrainingFiles"]
