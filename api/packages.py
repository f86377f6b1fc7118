"""Whether the packages of this distribution are the ones that Python finds: their names are common words."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("search_space", "evaluator", "nas", "api")


def _origin(package: str) -> Path | None:
    spec = find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin)


def shadowed(origin: Callable[[str], Path | None] = _origin) -> list[str]:
    """What stands in the way of each package that does not lie beside this file's own.

    Args:
        origin: Where Python would load a package from.

    Returns:
        One sentence for each package that is missing or shadowed; empty when all is well.
    """
    home = Path(__file__).resolve().parents[1]
    wrong = []
    for package in PACKAGES:
        found = origin(package)
        if found is None:
            wrong.append(f"the package {package} is missing: it should lie in {home / package}")
        elif found.resolve() != home / package / "__init__.py":
            wrong.append(f"the package {package} is shadowed by {found}: it should be {home / package}")
    return wrong
