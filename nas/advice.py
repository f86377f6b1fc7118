"""What a submitter should know of a spec before believing its search. Advises, and refuses nothing."""

from __future__ import annotations

from collections.abc import Iterator

from evaluator.latency.profile import DeviceProfile

from .figures import in_full
from .latency import profile_of
from .objectives import LATENCY
from .reach import reach
from .spec import SearchSpec

MOST_ERROR, LEAST_TAU = 0.1, 0.85
"""What the predictions of a profile should keep to, on networks that were held out."""


def budget_warnings(spec: SearchSpec) -> tuple[str, ...]:
    """What a submitter should know of a budget: whether it is too small for any network to reach the top rung."""
    rungs, engine = spec.recipe.rungs, spec.engine
    needed = sum(engine.promote_after * spec.recipe.rung_factor**rung for rung in range(rungs - 1)) + 1
    if rungs == 1 or spec.budget.evaluations >= needed:
        return ()
    return (
        f"a budget of {spec.budget.evaluations} evaluations is too small for {rungs} rungs: a network reaches the top "
        f"rung, from which the front is drawn, after {needed} at the earliest; raise budget.evaluations, or lower "
        "recipe.rungs or engine.promote_after",
    )


def latency_warnings(spec: SearchSpec) -> tuple[str, ...]:
    """What a submitter should know of a latency: whether to believe it, and bounds that seem out of reach."""
    if spec.timing is None:
        return ()
    profile = profile_of(spec)
    return tuple(_on_measuring(spec) if profile is None else (*_doubts(profile), *_far_bounds(spec)))


def _on_measuring(spec: SearchSpec) -> Iterator[str]:
    """Between whom a measured latency compares, and from where it counts."""
    yield (
        "latency_ms is measured on the worker that trains a network, beside whatever the machine's other workers do, "
        "and taken over from earlier searches on any machine: it compares only between workers of one kind, equally "
        "busy"
    )
    bounded = any(bound.metric == LATENCY and bound.maximum is not None for bound in spec.constraint_values)
    if LATENCY in {objective.metric for objective in spec.objectives} and not bounded:
        limit = in_full(reach(spec, LATENCY).high)
        yield f"no constraint is a max of latency_ms: the hypervolume counts it from {limit} ms, far off on a GPU"


def _doubts(profile: DeviceProfile) -> Iterator[str]:
    """Why a profile's predictions are not to be relied on."""
    found = profile.held_out
    if found is None:
        yield f"nobody has compared what the profile {profile.name} predicts with what its device takes"
    elif found.mean_error > MOST_ERROR or (found.tau or 0.0) < LEAST_TAU:
        off = f"by {found.mean_error:.0%} on average, Kendall's tau {found.tau or 0.0:.2f}"
        yield f"the profile {profile.name} is wrong {off}: make it anew while its device does nothing else"


def _far_bounds(spec: SearchSpec) -> Iterator[str]:
    """Bounds beyond all that was found in a space too large to predict the latency of each of its networks."""
    for number, bound in enumerate(spec.constraint_values):
        if bound.metric != LATENCY:
            continue
        found, field = reach(spec, LATENCY), f"constraints.{number}"
        low, high = in_full(found.low), in_full(found.high)
        if bound.maximum is not None and bound.maximum < found.low:
            yield f"{field}.max: {bound.maximum:g} ms is less than the {low} ms of the fastest network found"
        if bound.minimum is not None and bound.minimum > found.high:
            yield f"{field}.min: {bound.minimum:g} ms is more than the {high} ms of the slowest network found"
