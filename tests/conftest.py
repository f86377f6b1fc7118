"""Fixtures that every test may use; assets that are not shipped are found through settings or skipped with a reason."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Tests share their cores with other tests: how long an example takes says nothing.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a GPU where there is none, and keep apart what takes a machine for itself."""
    _skip_without_gpu([item for item in items if item.get_closest_marker("gpu")])
    for item in items:
        # One Ray at a time; and the tests of a file share what they start, in one process.
        group = "ray" if item.get_closest_marker("ray") else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))


def _skip_without_gpu(on_gpu: list[pytest.Item]) -> None:
    if on_gpu:
        import torch

        if not torch.cuda.is_available():
            for item in on_gpu:
                item.add_marker(pytest.mark.skip(reason="no CUDA device here"))


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
