"""What may not be loaded by whom, tried in fresh interpreters: front ends start fast and run without the heavy half."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "ray", "pymoo", "onnx", "onnxruntime", "onnxscript", "plotly", "matplotlib", "hypothesis", "pytest")
WEB = ("fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "psycopg")
ABSENT = {
    "search_space": (*HEAVY, *WEB, "numpy", "pydantic"),
    "evaluator": (*HEAVY, *WEB, "pydantic"),
    "nas": (*HEAVY, *WEB, "pydantic"),
    "nas.service": (*HEAVY, *WEB),
    "api": (*HEAVY, *WEB, "pydantic"),
    "api.schemas": (*HEAVY, *WEB, "nas.store", "nas.service"),
    "api.client": (*HEAVY, *WEB, "nas.store", "nas.service"),
    "api.app": HEAVY,
}


@pytest.mark.parametrize("module", ABSENT)
def test_a_module_leaves_what_it_does_not_need_alone(module: str) -> None:
    program = f"import sys, {module}; print(*sorted({set(ABSENT[module])} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == []


def test_an_application_that_answers_has_loaded_nothing_heavy(tmp_path: Path) -> None:
    program = f"""
import sys
from api.app import create_app
from api.testing import InProcess
from api.client import Client
with Client("http://localhost", InProcess(create_app())) as client:
    assert client.ready() and client.spaces()
print(*sorted({set(HEAVY) - {"pytest", "hypothesis"}} & set(sys.modules)))
"""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "SRNAS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1].strip() == ""
