"""What a search is run with here: versions of all that decides a proposal or a score, and the processor.

Nothing heavy is imported for it, and nothing in it names the machine or a person.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from evaluator.provenance import code_digest, processor_name

SRNAS = "srnas"

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "pymoo", "moocore", "ray", "onnxruntime")
"""Distributions whose version is told where they are installed."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Something that is not as it was when a search ran.

    Attributes:
        name: What, e.g. "numpy".
        recorded: What it was, each value once; several where several controllers ran the search.
        here: What it is; empty where there is none.
    """

    name: str
    recorded: tuple[str, ...]
    here: str

    def __str__(self) -> str:
        was = " and ".join(value or "none" for value in self.recorded)
        return f"{self.name} {was} recorded, {self.here or 'none'} here"


def environment() -> dict[str, str]:
    """What stands with every search that this process runs, by name; what is not installed is left out.

    ``code_digest`` covers the packages that decide a score, ``nas_digest`` the one that proposes.
    """
    found = {
        SRNAS: srnas_version(),
        "code_digest": code_digest(),
        "nas_digest": _nas_digest(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": processor_name(),
        **{name: _version(name) for name in LIBRARIES},
    }
    return {name: value for name, value in found.items() if value}


def srnas_version() -> str:
    """The version of this distribution; empty where the sources are used without being installed."""
    return _version(SRNAS)


def drift(recorded: Sequence[Mapping[str, str]], here: Mapping[str, str]) -> list[Drift]:
    """What differs between the environments that a search was run in and another one, by name.

    Environments that say nothing are left out: those of searches from before they were recorded.
    """
    told = [environment for environment in recorded if environment]
    names = sorted({name for environment in told for name in (*environment, *here)})
    found = []
    for name in names:
        was = tuple(dict.fromkeys(environment.get(name, "") for environment in told))
        if was != (here.get(name, ""),):
            found.append(Drift(name=name, recorded=was, here=here.get(name, "")))
    return found


@cache
def _nas_digest() -> str:
    """32 hexadecimal characters over the sources of this package."""
    digest = blake2b(digest_size=16)
    root = Path(__file__).resolve().parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
