"""What every store promises about artifacts; a part of `StoreContract`."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ..records import Artifact, ArtifactId, ArtifactState, CandidateId
from ..store.base import AlreadyStored, NotFound, Store
from .builders import make_artifact, make_candidate, make_search, make_training
from .search_promises import LATER, claim

CANDIDATE = CandidateId("00000001-0")


def ready(artifact: Artifact) -> Artifact:
    """The finished form of an artifact."""
    return replace(
        artifact,
        state=ArtifactState.READY,
        finished_at=LATER,
        path="artifacts/x.onnx",
        sha256="a" * 64,
        size_bytes=2**40,
        detail={"largest_difference": 1e-6},
    )


def failed(artifact: Artifact) -> Artifact:
    """The failed form of an artifact."""
    return replace(artifact, state=ArtifactState.FAILED, finished_at=LATER, detail={"why": "no weights"})


class ArtifactPromises:
    """Artifacts of candidates."""

    @pytest.fixture
    def shop(self, store: Store) -> Store:
        """A store with two candidates."""
        store.add_search(make_search())
        lease = claim(store)
        store.record_ask(lease, make_candidate(ordinal=0))
        store.record_ask(lease, make_candidate(ordinal=1))
        return store

    def test_a_requested_artifact_comes_back(self, shop: Store) -> None:
        """By its id and among those of its candidate."""
        artifact = make_artifact(detail={"asked": "by test"})
        assert shop.add_artifact(artifact) == artifact
        assert shop.artifact(artifact.id) == artifact
        assert shop.artifacts(CANDIDATE) == [artifact]

    def test_a_format_is_requested_once(self, shop: Store) -> None:
        """The second request gets the first one's artifact; another format or candidate its own."""
        first = shop.add_artifact(make_artifact("a"))
        assert shop.add_artifact(make_artifact("b")) == first
        other = shop.add_artifact(make_artifact("c", format="safetensors"))
        assert shop.add_artifact(make_artifact("d", "00000001-1")).id == "d"
        assert shop.artifacts(CANDIDATE) == [first, other]

    def test_a_failed_artifact_may_be_requested_again(self, shop: Store) -> None:
        """It stays beside the new one."""
        first = shop.add_artifact(make_artifact("a"))
        shop.finish_artifact(failed(first))
        second = shop.add_artifact(make_artifact("b"))
        assert [artifact.id for artifact in shop.artifacts(CANDIDATE)] == ["a", "b"]
        shop.finish_artifact(ready(second))
        assert shop.add_artifact(make_artifact("c")) == ready(second)

    def test_an_id_is_taken_once_and_its_candidate_must_be_there(self, shop: Store) -> None:
        """Refused otherwise."""
        shop.add_artifact(make_artifact("a"))
        with pytest.raises(AlreadyStored):
            shop.add_artifact(make_artifact("a", "00000001-1"))
        with pytest.raises(NotFound):
            shop.add_artifact(make_artifact("b", "00000001-9"))

    def test_a_finished_model_has_artifacts_of_its_own(self, shop: Store) -> None:
        """Apart from those of its candidate's weights, and listed with them; who asked is written down."""
        model = shop.add_training(make_training()).id
        first = shop.add_artifact(make_artifact("a"))
        second = shop.add_artifact(make_artifact("b", training_id=model), by="anna")
        assert shop.add_artifact(make_artifact("c")) == first
        assert shop.add_artifact(make_artifact("c", training_id=model)) == second
        assert shop.artifacts(CANDIDATE) == [first, second]
        assert shop.audit()[-1].detail == {"format": "onnx", "training": model}
        shop.finish_artifact(failed(second))
        assert shop.add_artifact(make_artifact("c", training_id=model)).id == "c"
        shop.finish_artifact(replace(ready(second), id=ArtifactId("c"), training_id=None))
        assert shop.artifact(ArtifactId("c")).training_id == model

    def test_the_model_of_an_artifact_must_be_its_candidates(self, shop: Store) -> None:
        """One that is not there, or another's, is not found."""
        model = shop.add_training(make_training()).id
        for wrong in (make_artifact("a", training_id="none"), make_artifact("a", "00000001-1", training_id=model)):
            with pytest.raises(NotFound):
                shop.add_artifact(wrong)

    def test_an_artifact_that_is_being_written_is_not_stale(self, shop: Store) -> None:
        """For as long as its writer says so; nobody writes one that is finished, asked for or not there."""
        artifact = shop.add_artifact(make_artifact("a"))
        assert not shop.renew_artifact(artifact.id, at=LATER)
        shop.claim_artifact(at=LATER, stale_after_s=60.0)
        late = LATER + timedelta(seconds=59)
        assert shop.renew_artifact(artifact.id, at=late)
        assert shop.artifact(artifact.id) == replace(artifact, state=ArtifactState.WRITING)
        assert shop.claim_artifact(at=late + timedelta(seconds=60), stale_after_s=60.0) is None
        assert shop.claim_artifact(at=late + timedelta(seconds=61), stale_after_s=60.0) is not None
        shop.finish_artifact(ready(artifact))
        assert not shop.renew_artifact(artifact.id, at=late)
        assert not shop.renew_artifact(ArtifactId("none"), at=late)

    def test_the_oldest_requested_artifact_is_claimed_first(self, shop: Store) -> None:
        """Each once, until it is stale."""
        for name, minutes, candidate in (("a", 2, "00000001-0"), ("b", 1, "00000001-1")):
            created_at = LATER + timedelta(minutes=minutes)
            shop.add_artifact(make_artifact(name, candidate, created_at=created_at))
        at = LATER + timedelta(hours=1)
        claimed = [shop.claim_artifact(at=at, stale_after_s=60.0) for _ in range(3)]
        assert [artifact and artifact.id for artifact in claimed] == ["b", "a", None]
        assert shop.artifact(ArtifactId("a")).state is ArtifactState.WRITING
        assert shop.claim_artifact(at=at + timedelta(seconds=60), stale_after_s=60.0) is None
        again = shop.claim_artifact(at=at + timedelta(seconds=61), stale_after_s=60.0)
        assert again is not None
        assert again.id == "b"

    def test_a_finished_artifact_is_claimed_no_more(self, shop: Store) -> None:
        """It comes back with its file."""
        shop.add_artifact(make_artifact("a"))
        claimed = shop.claim_artifact(at=LATER, stale_after_s=60.0)
        assert claimed is not None
        shop.finish_artifact(ready(claimed))
        assert shop.artifact(claimed.id) == ready(claimed)
        assert shop.claim_artifact(at=LATER + timedelta(days=1), stale_after_s=60.0) is None

    def test_the_first_end_of_an_artifact_stands(self, shop: Store) -> None:
        """A writer that was given up and comes late changes nothing."""
        artifact = shop.add_artifact(make_artifact("a"))
        shop.finish_artifact(ready(artifact))
        shop.finish_artifact(failed(artifact))
        assert shop.artifact(artifact.id) == ready(artifact)

    def test_only_a_finished_artifact_is_finished(self, shop: Store) -> None:
        """Anything else is a mistake of the caller's."""
        artifact = shop.add_artifact(make_artifact("a"))
        with pytest.raises(ValueError, match="not finished"):
            shop.finish_artifact(artifact)

    def test_an_unknown_artifact_is_not_found(self, shop: Store) -> None:
        """An unknown candidate has none."""
        with pytest.raises(NotFound):
            shop.artifact(ArtifactId("a"))
        with pytest.raises(NotFound):
            shop.finish_artifact(ready(make_artifact("a")))
        assert shop.artifacts(CandidateId("00000001-9")) == []
