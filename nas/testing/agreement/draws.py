"""What the machine draws from: few of each, so that calls meet."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle

from ...records import ArtifactId, SearchId, SearchState, TokenId
from ...store.base import Lease
from ..builders import make_request

search_ids = st.sampled_from(["00000001", "00000002", "00000003"]).map(SearchId)
artifact_ids = st.sampled_from(["a", "b", "c"]).map(ArtifactId)
ordinals = st.integers(0, 4)
states = st.sampled_from(SearchState)
owners = st.sampled_from(["controller-1", "controller-2"])
lease_lengths = st.sampled_from([0.0, 2.0, 60.0])
limits = st.sampled_from([0, 1, 3, 100])
priorities = st.sampled_from([-1, 0, 1])
dataset_names = st.sampled_from(["a", "b"])
token_ids = st.sampled_from(["0000000a", "0000000b"]).map(TokenId)
requests = st.builds(
    make_request, st.sampled_from(["k1", "k2"]), who=st.just("anna"), digest=st.sampled_from(["d", "e"])
)

leases: Bundle[Lease] = Bundle("leases")
"""Every lease that a claim gave."""
