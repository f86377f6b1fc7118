"""Search spaces on the wire."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from search_space.space import Gene, SearchSpace

from .wire import Links, Wire


class GeneView(Wire):
    """One free choice of a space."""

    name: str = Field(description="Where it sits: `cells[0].kernel`, or `skip[0,2]` from block 0 to block 2.")
    choices: list[bool | int | str] = Field(description="The values it may take.")

    @classmethod
    def of(cls, gene: Gene) -> GeneView:
        """The wire form of a gene."""
        return cls(name=gene.name, choices=list(gene.choices))


class SpaceSummary(Wire):
    """A search space, in short."""

    name: str = Field(description="Its name in specs.")
    n_cells: int = Field(description="Number of cells.")
    n_genes: int = Field(description="Number of free choices.")
    size: str = Field(description="Combinations of gene values: an exact integer, as decimal digits.")
    distinct_size: str = Field(description="Different networks: an exact integer, as decimal digits.")
    links: Links

    @classmethod
    def of(cls, space: SearchSpace) -> SpaceSummary:
        """The short wire form of a space."""
        return cls(**_summary(space))


class SpaceView(SpaceSummary):
    """A search space, in full."""

    genes: list[GeneView] = Field(description="Every free choice.")
    genotype_schema: dict[str, Any] = Field(description="JSON Schema (draft 2020-12) of the space's genotypes.")

    @classmethod
    def of(cls, space: SearchSpace) -> SpaceView:
        """The wire form of a space."""
        genes = [GeneView.of(gene) for gene in space.genes]
        return cls(**_summary(space), genes=genes, genotype_schema=space.json_schema())


class SpaceList(Wire):
    """Every search space."""

    items: list[SpaceSummary] = Field(description="The spaces.")


def _summary(space: SearchSpace) -> dict[str, Any]:
    return {
        "name": space.name,
        "n_cells": space.n_cells,
        "n_genes": len(space.genes),
        "size": str(space.size),
        "distinct_size": str(space.distinct_size),
        "links": {"self": f"/v1/spaces/{space.name}"},
    }
