"""One cell of a genotype: five genes in canonical form. Whether they make sense is for `checks`."""

from __future__ import annotations

from dataclasses import dataclass

from .ops import OPERATORS


@dataclass(frozen=True)
class Cell:
    """The micro genes of one cell.

    A residual joins the output of the first repeat to that of the last, so with one repeat it would do
    nothing: the canonical cell clears it, and two cells that build the same layers are equal.

    Attributes:
        operator: A name in `ops.OPERATORS`.
        channels: Channels of its output.
        kernel: Side of its square kernels, in pixels; odd.
        repeats: How many times the operator is applied.
        residual: Whether the first repeat's output is added to the last's.

    Example:
        >>> Cell("conv", 16, 3, 1, residual=True)
        Cell(operator='conv', channels=16, kernel=3, repeats=1, residual=False)
    """

    operator: str
    channels: int
    kernel: int
    repeats: int
    residual: bool

    def __post_init__(self) -> None:
        if self.residual is True and self.repeats == 1:
            object.__setattr__(self, "residual", False)

    def __str__(self) -> str:
        """Its text form, `ib-k1-f48-n2-r`."""
        token = OPERATORS[self.operator].token
        return f"{token}-k{self.kernel}-f{self.channels}-n{self.repeats}{'-r' if self.residual else ''}"
