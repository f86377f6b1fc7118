"""Words of the form of a new search: what fields are called, what an empty one stands for, and one line about each.

Whatever is not named here says what its schema says of it.
"""

from __future__ import annotations

from collections.abc import Mapping

LABELS: Mapping[str, str] = {
    "space": "Search space",
    "channels": "Trained on",
    "dataset.train": "Training images",
    "dataset.validation": "Validation images",
    "objectives.*.metric": "Optimise",
    "objectives.*.sense": "Better is",
    "constraints.*.min": "At least",
    "constraints.*.max": "At most",
    "recipe.name": "Recipe",
    "engine.name": "Engine",
    "initial": "Networks to look at first",
    "front_seeds": "Trainings of each front member",
    "parallelism": "Candidates in flight",
}
"""Names for people, where one made of the field's name would not do."""

EMPTIES: Mapping[str, str] = {
    "name": "such as: holiday pictures, first try",
    "dataset.train": "Choose images …",
    "dataset.validation": "held out of the training images",
    "dataset.train_limit": "all images",
    "dataset.validation_limit": "all images",
    "dataset.validation_crop": "whole images",
    "latency.profile": "the newest that fits",
    "engine.lag": "four times the workers",
    "parallelism": "every worker",
    "budget.steps": "no limit",
    "budget.wall_time_s": "no limit",
    "budget.worker_hours": "no limit",
    "budget.patience": "until the budget is spent",
}
"""What an empty control stands for."""

HELPS: Mapping[str, str] = {
    "name": "",
    "scale": "",
    "channels": "",
    "dataset.train": "",
    "dataset.validation": "Without any, every fifth training image is held out.",
    "dataset.train_limit": "Only the first so many training images.",
    "dataset.validation_limit": "Only the first so many validation images.",
    "dataset.validation_crop": "Their middle square is scored, of so many LR pixels.",
    "latency": "Which latency is meant, and how it is found.",
    "latency.mode": "By a device's profile, or on the worker that trains.",
    "latency.width": "Of the LR image, in pixels.",
    "latency.height": "Of the LR image, in pixels.",
    "latency.profile": "What `srnas profile-device` has written.",
    "recipe.name": "",
    "recipe.steps": "Of the optimiser, for each network.",
    "recipe.patch": "Its side in LR pixels.",
    "recipe.schedule": "What the rate does after the warm-up.",
    "recipe.decay_fraction": "Share of the steps at whose end it falls.",
    "recipe.gradient_clip": "Largest norm; 0 turns it off.",
    "recipe.ema_decay": "Of the weights' average; 0 scores them as they are.",
    "recipe.initialisation": "How the weights begin.",
    "recipe.image_residual": "The network adds to the bicubic upscaling.",
    "recipe.protocol": "By which images are scored.",
    "recipe.device": "The kind that may train.",
    "recipe.precision": "What a training computes in.",
    "recipe.deterministic": "Equal results every time on a GPU, some slower.",
    "recipe.settle_window": "Steps compared to end what gets no sharper; 0 ends nothing.",
    "recipe.settle_tolerance": "The change that counts as none.",
    "recipe.rungs": "Lengths at which a network may be judged.",
    "recipe.rung_factor": "How many times longer each is than the one below.",
    "engine.name": "",
    "engine.mode": "Child by child, or whole generations.",
    "engine.order": "Outcomes count as they arrive, or as they were asked for.",
    "engine.lag": "How far asking runs ahead where order counts.",
    "engine.start": "How the first population is drawn.",
    "engine.crossover": "How two parents are mixed.",
    "engine.mult_adds_share": "Weight of replacing a cell, by a cheaper one likelier.",
    "engine.params_share": "Weight of replacing a cell, by a smaller one likelier.",
    "engine.reinforced_share": "Weight of mutations that a policy has learnt.",
    "engine.surrogate": "A model of the outcomes picks among many children.",
    "engine.surrogate_refit": "Outcomes between two fits, at first.",
    "engine.surrogate_min_tau": "Kendall's tau under which the model is silent.",
    "engine.control_share": "Share of children that the model does not screen.",
    "engine.rung_min_tau": "Kendall's tau under which the lowest rung is raised.",
    "population": "Networks that are kept and bred from.",
    "initial": "Published names or genotypes, one a line.",
    "budget.evaluations": "Networks tried; failures count.",
    "budget.steps": "Of training, over all networks.",
    "budget.wall_time_s": "Such as 3 d, 12 h or 90 min.",
    "budget.worker_hours": "Of training and scoring, over all workers.",
    "budget.patience": "Ends after so many outcomes without a gain.",
    "front_seeds": "From other seeds: how much its figures vary.",
    "parallelism": "May be changed while it runs.",
    "priority": "Higher ones get free workers first.",
    "evaluation_timeout_s": "After which a training is given up.",
    "seed": "The same spec and seed repeat a search.",
}
"""One line about each, with code between backticks; of nothing more to say, an empty one."""

UP_FRONT: Mapping[str, tuple[str, ...]] = {
    "dataset": ("train", "validation"),
    "recipe": ("name", "steps", "batch", "patch"),
    "engine": ("name",),
    "budget": ("evaluations", "wall_time_s", "patience"),
}
"""Fields of a group that are seen at once, where there are others too."""
