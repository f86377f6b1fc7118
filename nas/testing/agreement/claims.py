"""Calls about searches, as controllers make them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import multiple, rule

from ...records import SearchId, SearchState
from ...spec import BudgetSpec
from ...store.base import Lease
from .draws import lease_lengths, leases, owners, priorities, search_ids, states
from .pair import Pair


class ClaimCalls(Pair):
    """Claiming, keeping, beginning and ending."""

    @rule(
        target=leases,
        owner=owners,
        lease_s=lease_lengths,
        only=st.none() | search_ids,
        above=st.none() | priorities,
    )
    def claim_search(self, owner: str, lease_s: float, only: SearchId | None, above: int | None) -> Any:
        """Whatever there is."""
        at = self.now()
        lease = self.both(lambda store: store.claim_search(owner, at=at, lease_s=lease_s, only=only, above=above))
        return multiple() if lease is None else lease

    @rule(target=leases, lease=leases, lease_s=lease_lengths)
    def renew_lease(self, lease: Lease, lease_s: float) -> Any:
        """Held or lost."""
        at = self.now()
        renewed = self.both(lambda store: store.renew_lease(lease, at=at, lease_s=lease_s))
        return multiple() if renewed is None else renewed[0]

    @rule(lease=leases)
    def release_lease(self, lease: Lease) -> None:
        """Held or lost."""
        self.both(lambda store: store.release_lease(lease))

    @rule(lease=leases, figure=st.floats(allow_nan=False))
    def begin_search(self, lease: Lease, figure: float) -> None:
        """With an infinite figure, too."""
        at = self.now()
        self.both(
            lambda store: store.begin_search(
                lease,
                at=at,
                data_digest="data",
                data_notes=("a note",),
                baseline={"psnr_db": figure},
                reference_point={"psnr": 20.0},
                environment={"torch": "2.13.0"},
            )
        )

    @rule(lease=leases, state=states, evaluations=st.none() | st.sampled_from([5, 100]))
    def end_search(self, lease: Lease, state: SearchState, evaluations: int | None) -> None:
        """Legal or not, whatever its budget or for one only: 100 is what each has first."""
        at = self.now()
        present = None if evaluations is None else BudgetSpec.model_validate({"evaluations": evaluations})
        self.both(lambda store: store.end_search(lease, state, at=at, reason="ended", present=present))
