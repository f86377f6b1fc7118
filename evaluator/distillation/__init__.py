"""What a network learns from a teacher while it is trained: lessons in place of plain L1, one trick a module.

The face is light: torch is loaded when a lesson is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ..data.patches import ResidentImages
    from ..finishing import Distillation
    from ..lesson import Lesson
    from ..model import SRModel
    from ..recipe import Recipe

__all__ = ["make_lesson"]


def make_lesson(
    distil: Distillation,
    teacher: bytes,
    *,
    model: SRModel,
    images: ResidentImages,
    recipe: Recipe,
    seed: int,
    device: torch.device,
) -> Lesson:
    """Put together what a network learns from a teacher, for one training.

    Args:
        distil: Which cues and tricks.
        teacher: The teacher's checkpoint.
        model: What is trained, on the device. Nothing stays on it between the lesson's calls.
        images: What patches are cropped from.
        recipe: How the model is trained; what goes along with it follows the same schedule.
        seed: Of the training. Equal seeds give equal lessons; torch's global generator is left alone.
        device: Where everything is.

    Returns:
        The lesson before the first step; `resume` takes it to a later one.

    Raises:
        InvalidInput: The bytes are no checkpoint, or the teacher's scale or channels are not the model's.
    """
    from .making import assemble

    return assemble(distil, teacher, model=model, images=images, recipe=recipe, seed=seed, device=device)
