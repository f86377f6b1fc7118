"""Fixtures that every test may use; assets that are not shipped are found through settings or skipped with a reason."""

import os
from pathlib import Path

import pytest


def _directory(variable: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{what} not at hand: set {variable} to their folder")
    path = Path(value)
    assert path.is_dir(), f"{variable}={value} is not a folder"
    return path


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Published weights and golden vectors: `falsr/` and `spectral/`."""
    return _directory("SRNAS_TEST_REFERENCE_DIR", "published weights and golden vectors")


@pytest.fixture(scope="session")
def images_dir() -> Path:
    """Real photographs: `train/`, `val/` and `benchmarks/`."""
    return _directory("SRNAS_TEST_IMAGES_DIR", "benchmark and training photographs")


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """The eight photographs that the repository carries."""
    return Path(__file__).parents[1] / "examples" / "photos"
