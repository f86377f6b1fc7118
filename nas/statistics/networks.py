"""The networks of a search, each with the ask by which it came into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..records import CandidateState, LedgerRow


@dataclass(slots=True)
class Network:
    """What is kept of one network.

    Attributes:
        ordinal: Its first ask that was told, from the search's own seed.
        operator: What bred it.
        arm: Of that ask.
        survived: Whether it entered the population by that ask.
        scored: Whether any of its trainings from that seed was scored.
        full: Place of its full training among `FullTrainings`; None before it.
    """

    ordinal: int
    operator: str
    arm: str
    survived: bool | None
    scored: bool = False
    full: int | None = None


class Networks:
    """Networks by digest, from told rows.

    Attributes:
        told: How many there are, by arm.
        survived: How many of them entered the population by their first ask, by arm.
    """

    def __init__(self) -> None:
        self._found: dict[str, Network] = {}
        self.told: Counter[str] = Counter()
        self.survived: Counter[str] = Counter()

    def __getitem__(self, digest: str) -> Network:
        """A network of which there is a told row."""
        return self._found[digest]

    def get(self, digest: str) -> Network | None:
        """A network; None where no row of it was told."""
        return self._found.get(digest)

    def add(self, row: LedgerRow, full: int | None) -> bool:
        """Take in a told row from the search's own seed; whether it is the first of its network that was scored."""
        network = self._found.get(row.genotype_digest)
        if network is None:
            network = self._found[row.genotype_digest] = Network(row.ordinal, row.operator, row.arm, row.survived)
            self._count(network, 1)
        elif row.ordinal < network.ordinal:
            self._count(network, -1)
            network.ordinal, network.operator = row.ordinal, row.operator
            network.arm, network.survived = row.arm, row.survived
            self._count(network, 1)
        first_scored = row.state is CandidateState.SCORED and not network.scored
        network.scored |= first_scored
        network.full = network.full if full is None else full
        return first_scored

    def mark(self, row: LedgerRow) -> None:
        """Note whether a row survived that had borne no mark."""
        network = self._found[row.genotype_digest]
        if row.ordinal == network.ordinal:
            self._count(network, -1)
            network.survived = row.survived
            self._count(network, 1)

    def _count(self, network: Network, times: int) -> None:
        self.told[network.arm] += times
        self.survived[network.arm] += times * (network.survived is True)

    def asked_before(self, untold: Iterable[LedgerRow]) -> Mapping[str, LedgerRow]:
        """Of rows without an outcome those by which a network came into the search, by digest."""
        first: dict[str, LedgerRow] = {}
        for row in untold:
            known = self._found.get(row.genotype_digest)
            if row.replicate == 0 and (known is None or row.ordinal < known.ordinal):
                first.setdefault(row.genotype_digest, row)
        return first
