"""The search space of FALSR (arXiv 1901.07261): seven cells of 160 kinds and 28 skips, 7.2e23 genotypes."""

from __future__ import annotations

from ..space import SearchSpace

FALSR = SearchSpace(
    name="falsr",
    features=32,
    n_cells=7,
    operators=("conv", "group2", "group4", "inverted_bottleneck"),
    channels=(16, 32, 48, 64),
    kernels=(1, 3),
    repeats=(1, 2, 4),
    residuals=(False, True),
)
