"""What the machine draws from: few of each, so that calls meet."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import Bundle

from ...records import ArtifactId, CandidateId, SearchId, SearchState, TokenId, TrainingId, TrainingStatus
from ...store.base import Lease, TrainingLease
from ..builders import make_request

search_ids = st.sampled_from(["00000001", "00000002", "00000003"]).map(SearchId)
artifact_ids = st.sampled_from(["a", "b", "c"]).map(ArtifactId)
training_ids = st.sampled_from(["s", "t", "u"]).map(TrainingId)
training_statuses = st.sampled_from(TrainingStatus)
ordinals = st.integers(0, 4)
FIRST = CandidateId("00000001-0")
"""The candidate that is there in every run."""

candidate_ids = st.just(FIRST) | st.tuples(search_ids, ordinals).map(lambda of: CandidateId(f"{of[0]}-{of[1]}"))
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

training_leases: Bundle[TrainingLease] = Bundle("training_leases")
"""Every lease that a claim of a full training gave."""
