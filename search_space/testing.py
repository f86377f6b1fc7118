"""For tests: a Hypothesis strategy of genotypes, and what every search space promises."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .cost import Metric, cost_range, mult_adds, params
from .encoding import decode, encode, upper_bounds
from .genotype import Genotype
from .space import SearchSpace


def genotypes(space: SearchSpace) -> st.SearchStrategy[Genotype]:
    """Return a strategy for every genotype of a space; it shrinks towards first choices and no skips."""
    return st.tuples(*(st.sampled_from(gene.choices) for gene in space.genes)).map(space.assemble)


# The same test runs once for each space that inherits it, which Hypothesis would take for a mistake.
_inherited = settings(deadline=None, suppress_health_check=[HealthCheck.differing_executors])


class SearchSpaceContract:
    """What every search space promises; a test class inherits it and names its `space`.

    Example:
        class TestTiny(SearchSpaceContract):
            space = TINY
    """

    space: ClassVar[SearchSpace]

    @_inherited
    @given(data=st.data())
    def test_a_genotype_survives_encoding(self, data: st.DataObject) -> None:
        """decode(encode(g)) == g."""
        genotype = data.draw(genotypes(self.space))
        assert decode(self.space, encode(self.space, genotype)) == genotype

    @_inherited
    @given(data=st.data())
    def test_every_vector_within_bounds_is_a_genotype_of_the_space(self, data: st.DataObject) -> None:
        """The bounds are those of the space, no wider; encoding again changes only dead residuals."""
        bounds = upper_bounds(self.space)
        vector = data.draw(st.tuples(*(st.integers(0, int(bound)) for bound in bounds)))
        genotype = decode(self.space, vector)
        again = encode(self.space, genotype)
        assert self.space.contains(genotype)
        assert again.dtype == np.int64
        assert decode(self.space, again) == genotype
        changed = {self.space.genes[i].name for i in np.flatnonzero(again != vector)}
        dead = {f"cells[{i}].residual" for i, cell in enumerate(genotype.cells) if cell.repeats == 1}
        assert changed <= dead

    @_inherited
    @given(data=st.data())
    def test_a_genotype_survives_text_and_json(self, data: st.DataObject) -> None:
        """parse(str(g)) == g, from_json(g.to_json()) == g."""
        genotype = data.draw(genotypes(self.space))
        assert Genotype.parse(str(genotype)) == genotype
        assert Genotype.from_json(genotype.to_json()) == genotype

    @_inherited
    @given(seed=st.integers(0, 2**32))
    def test_a_sample_is_contained_and_repeats_with_its_seed(self, seed: int) -> None:
        """sample(rng) draws from the space, by the generator alone."""
        genotype = self.space.sample(np.random.default_rng(seed))
        assert self.space.contains(genotype)
        assert genotype == self.space.sample(np.random.default_rng(seed))

    def test_the_sizes_count_combinations_and_distinct_genotypes(self) -> None:
        """Both sizes follow from the gene table."""
        combinations = 1
        for bound in upper_bounds(self.space):
            combinations *= int(bound) + 1
        assert self.space.size == combinations
        assert self.space.distinct_size <= self.space.size

    @_inherited
    @given(data=st.data(), scale=st.sampled_from((2, 3, 4)), channels=st.sampled_from((1, 3)))
    def test_no_genotype_costs_less_or_more_than_the_range(
        self, data: st.DataObject, scale: int, channels: int
    ) -> None:
        """cost_range bounds every genotype."""
        genotype = data.draw(genotypes(self.space))
        metrics: tuple[Metric, ...] = ("params", "mult_adds")
        for metric, count in zip(metrics, (params, mult_adds), strict=True):
            least, most = cost_range(self.space, metric, scale=scale, channels=channels)
            assert least <= count(genotype, scale=scale, channels=channels) <= most
