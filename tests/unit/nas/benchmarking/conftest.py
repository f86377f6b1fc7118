"""Small tables: a complete one of plain rows, and one of sixty FALSR networks with made-up scores and curves."""

import numpy as np
import pytest

from nas.benchmarking.landscape import build_landscape
from nas.benchmarking.table import table_of
from nas.engine.testing import synthetic_scores
from search_space.encoding import encode
from search_space.spaces import get_space

FALSR = get_space("falsr")


@pytest.fixture
def toy_document():
    """Four genes, 54 genotypes, every one of them scored: accuracy up, work down."""
    space = {"kind": ["plain", "wide", "deep"], "width": [1, 2, 4], "skip": [False, True], "depth": [1, 2, 3]}
    rows = [
        {"genes": [kind, width, skip, depth], "scores": [accuracy(kind, width, skip, depth), width * depth]}
        for kind in space["kind"]
        for width in space["width"]
        for skip in space["skip"]
        for depth in space["depth"]
    ]
    objectives = [{"name": "accuracy", "sense": "max"}, {"name": "work", "sense": "min"}]
    return {"space": space, "objectives": objectives, "rows": rows, "reference": {"accuracy": 0.0, "work": 13.0}}


def accuracy(kind, width, skip, depth):
    return ["plain", "wide", "deep"].index(kind) + width**0.5 + (0.3 if skip and depth > 1 else 0.0) + 0.5 * depth


@pytest.fixture(scope="session")
def falsr_document():
    """Sixty networks as a generator of tables writes them: indexes of choices, curves, ten rows of three seeds."""
    rng = np.random.default_rng(5)
    rows = [_falsr_row(FALSR.sample(rng), rng, seeds=3 if i < 10 else 1) for i in range(60)]
    return {
        "space": {gene.name: list(gene.choices) for gene in FALSR.genes},
        "objectives": [
            {"name": "psnr", "sense": "max"},
            {"name": "fsds", "sense": "max"},
            {"name": "mult_adds", "sense": "min"},
        ],
        "scale": 2,
        "channels": 1,
        "recipe": {"decay_fraction": 0.2},
        "reference": {"psnr": 30.0},
        "rows": rows,
    }


def _falsr_row(genotype, rng, seeds):
    psnr, mult_adds = synthetic_scores(genotype)
    seen = [round(psnr + 0.07 * rng.standard_normal(), 4) for _ in range(seeds)]
    lower = [
        [steps, seen[0] - gap + 0.02 * rng.standard_normal(), seen[0] / 2] for steps, gap in ((60, 0.6), (120, 0.3))
    ]
    return {
        "genes": encode(FALSR, genotype).tolist(),
        "scores": [seen, [value / 2 for value in seen], mult_adds],
        "genotype": str(genotype),
        "curve": [*lower, [240, seen[0], seen[0] / 2]],
    }


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def toy(toy_document):
    return table_of(toy_document, name="toy")


@pytest.fixture(scope="session")
def falsr(falsr_document):
    return table_of(falsr_document, name="falsr").only(["psnr", "mult_adds"])


@pytest.fixture
def toy_landscape(toy):
    return build_landscape(toy)


@pytest.fixture(scope="session")
def falsr_landscape(falsr):
    return build_landscape(falsr, repeats=1)
