"""What a search that was submitted may be asked for beyond its spec: more budget, or the same with changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from search_space.errors import Problem

from .checks import InvalidSpec, spec_problems
from .spec import BudgetSpec


def extended_budget(present: BudgetSpec, document: Mapping[str, Any]) -> BudgetSpec:
    """A budget with new values, none of which allows less than the present one.

    Args:
        present: The budget now.
        document: New values by field, a JSON object; None lifts a limit that may be absent.

    Raises:
        InvalidSpec: with every problem of every field.
    """
    known = present.model_dump(mode="json")
    problems: list[Problem] = []
    wrong: set[str] = set()
    budget = present
    try:
        budget = BudgetSpec.model_validate({**known, **document})
    except ValidationError as error:
        problems = spec_problems(error, BudgetSpec, {})
        wrong = {str(entry["loc"][0]) for entry in error.errors()}
    problems += [
        Problem(name, value, _at_least(known[name]))
        for name, value in document.items()
        if name not in wrong and _allows_less(value, known[name])
    ]
    if not document:
        problems = [Problem("budget", {}, f"at least one of {', '.join(known)}")]
    if problems:
        raise InvalidSpec(problems)
    return budget


def _allows_less(value: float | None, present: float | None) -> bool:
    return value is not None and (present is None or value < present)


def _at_least(present: float | None) -> str:
    if present is None:
        return "null, as it is: there is no such limit now, and an extension sets none"
    return f"at least {present:,.10g}, as it is"


def patched(document: Any, patch: Any) -> Any:
    """A JSON value with a merge patch applied (RFC 7396): objects are merged, None removes, all else replaces.

    Example:
        >>> patched({"seed": 0, "budget": {"evaluations": 100, "steps": 9}}, {"budget": {"steps": None}})
        {'seed': 0, 'budget': {'evaluations': 100}}
    """
    if not isinstance(patch, Mapping):
        return patch
    result = dict(document) if isinstance(document, Mapping) else {}
    for name, change in patch.items():
        if change is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), change)
    return result
