"""Objectives that say the same: which known figures rank a search's networks alike. Advises, and refuses nothing."""

from __future__ import annotations

from itertools import combinations

from .known import drawn_figures
from .objectives import METRICS, Objective
from .ranking import kendall_tau
from .spec import SearchSpec

ALIKE = 0.95
"""Kendall's tau, in absolute value, above which two objectives are one."""

INDEPENDENT = ("fsds_si", "fsds", "ssim", "psnr")
"""Metrics that do not follow from the size of a network, the first to be proposed first."""


def redundancy_warnings(spec: SearchSpec) -> tuple[str, ...]:
    """What a person should know of objectives that are known before training and rank networks alike.

    Each two of them are compared on networks drawn from the spec's space, always the same ones, without those that
    its constraints on known figures rule out. A latency that is predicted is one of them.

    Returns:
        One text for each two objectives whose tau is above 0.95 in absolute value; mostly none.

    Example:
        >>> spec = SearchSpec.model_validate(
        ...     {"dataset": {"train": "photos"}, "objectives": ["psnr", "params", "mult_adds"]}
        ... )
        >>> print(redundancy_warnings(spec)[0].split(":")[0])
        params and mult_adds rank the networks of the space falsr alike (Kendall's tau 0.998)
    """
    known = [objective for objective in spec.objective_values if spec.is_known(objective.metric)]
    if len(known) < 2:
        return ()
    figures = drawn_figures(spec)
    warnings = []
    for first, second in combinations(known, 2):
        tau = kendall_tau(*(o.sign * figures[o.column] for o in (first, second)))
        if tau is not None and abs(tau) > ALIKE:
            warnings.append(_text(first, second, tau, spec))
    return tuple(warnings)


def _text(first: Objective, second: Objective, tau: float, spec: SearchSpec) -> str:
    """Which two, how alike, why it matters, what to do."""
    if tau > 0:
        how = "alike"
        why = "they are one objective, and NSGA-II counts it twice in its crowding distance"
    else:
        how = "in opposite orders"
        why = "what gains in one loses in the other, so hardly any network dominates another and selection has no grip"
    chosen = {objective.metric for objective in spec.objectives}
    other = next(METRICS[name] for name in INDEPENDENT if name not in chosen)
    return (
        f"{first.metric} and {second.metric} rank the networks of the space {spec.space} {how} "
        f"(Kendall's tau {tau:.3f}): {why}. Keep one of them and optimise something independent in place of the "
        f"other, such as {other.name} ({other.description}); every cost is reported for each network anyway."
    )
