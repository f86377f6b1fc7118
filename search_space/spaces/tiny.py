"""A space of 1152 small genotypes: few enough to build each one, so that a front can be checked exactly."""

from __future__ import annotations

from ..space import SearchSpace

TINY = SearchSpace(
    name="tiny",
    features=8,
    n_cells=2,
    operators=("conv", "group2"),
    channels=(8, 16),
    kernels=(3,),
    repeats=(1, 2),
    residuals=(False, True),
)
