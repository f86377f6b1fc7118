"""Describing, counting and drawing a network needs no torch: front ends stay light."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIGHT = ("", ".genotype", ".space", ".spaces", ".encoding", ".cost", ".published", ".drawing")


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_leaves_torch_alone(module: str) -> None:
    program = f"import sys, search_space{module}; assert not {{'torch', 'hypothesis'}} & set(sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
