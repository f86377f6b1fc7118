"""The learning rate of each step, and for how long it does not matter how many steps there will be."""

from __future__ import annotations

import math

from .recipe import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """Return the step size of one step, counted from 0: warm-up to the peak, then the recipe's schedule."""
    if step < recipe.warmup_steps:
        return recipe.learning_rate * (step + 1) / recipe.warmup_steps
    if recipe.schedule == "cosine":
        done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
        return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    decay_steps = _decay_steps(recipe)
    left = recipe.steps - step
    return recipe.learning_rate * (left / decay_steps if left < decay_steps else 1.0)


def stable_steps(recipe: Recipe) -> int:
    """Return the length of the stable phase: the leading steps that every longer recipe of this kind takes alike.

    It is the largest number of steps n such that the rate of each step below n is as if there were no end, so a
    training of more steps may go on from there. A "stable-decay" has decayed by nothing at its first decaying step,
    which is therefore still within.

    Returns:
        From 0 to ``recipe.steps``: all of them when the rate never decays; 0 when there is no such phase, under
        "cosine", or under a stopping rule, which looks back further than a resumed training can.
    """
    if recipe.schedule == "cosine" or recipe.settle_window:
        return 0
    undecayed = recipe.steps - math.ceil(_decay_steps(recipe)) + 1
    return min(recipe.steps, max(recipe.warmup_steps, undecayed))


def _decay_steps(recipe: Recipe) -> float:
    return recipe.decay_fraction * recipe.steps if recipe.schedule == "stable-decay" else 0.0
