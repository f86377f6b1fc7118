"""A file is run in a process of its own that has nothing of srnas."""

from __future__ import annotations

import pytest
import torch

from nas.export.network.reload import reload
from nas.export.network.subject import ExportError

DOUBLES = """
def load(path):
    return lambda images: 2 * images
"""

FOREVER = """
while True:
    pass
"""


def test_outputs_come_back_whatever_their_sizes() -> None:
    images = [torch.rand(1, 3, 5, 4), torch.rand(2, 1, 3, 7)]
    found = reload("arch", "weights", {"arch.py": DOUBLES.encode(), "weights": b""}, images)
    assert all(torch.equal(output, 2 * image) for output, image in zip(found.outputs, images, strict=True))
    assert found.versions == {"torch": str(torch.__version__)}


def test_nothing_of_srnas_can_be_imported_there() -> None:
    for package in ("search_space.genotype", "evaluator.model", "nas.export", "api"):
        with pytest.raises(ExportError, match=f"ModuleNotFoundError: .*{package.split('.')[0]}"):
            reload("arch", "arch.py", {"arch.py": f"import {package}".encode()}, [torch.rand(1, 3, 4, 4)])


def test_a_file_that_never_ends_is_given_up() -> None:
    with pytest.raises(ExportError, match=r"arch.py was not through in 0.2 s"):
        reload("arch", "arch.py", {"arch.py": FOREVER.encode()}, [torch.rand(1, 3, 4, 4)], limit_s=0.2)
