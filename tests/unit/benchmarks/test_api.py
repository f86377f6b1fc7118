"""A filled database is one that the service understands, and figures are what they say."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.api import _choices
from benchmarks.asking import EMPTY, figures, share_of
from benchmarks.filling import candidates, copy, fill, in_flight
from nas.records import SearchId, SearchState
from nas.standing import Standing
from nas.store.opening import open_store
from nas.testing.builders import START, make_progress


def test_a_filled_search_can_be_read_and_gone_on_with(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'filled.sqlite'}"
    search = fill(url, "00000001", 60)
    assert (search.state, search.progress.evaluated) == (SearchState.QUEUED, 60)
    with closing(open_store(url)) as store:
        standing = Standing(store, search.id)
        front = standing.front()
        assert len(front.members) > 5
        assert front.hypervolume == pytest.approx(store.told_rows(search.id)[-1].hypervolume)
        assert {member.feasible for member in front.members} == {True}
        assert store.events(search.id)[-1].ordinal == store.pulse(search.id).event_count == 121
        lease = store.claim_search("tests", at=START, lease_s=60.0)
        assert lease is not None
        (more,) = candidates(search, 1, seed=1, first=60)
        assert more.evaluation is not None
        store.record_ask(lease, in_flight(more))
        store.record_tell(lease, more, more.evaluation, make_progress(61))
        assert standing.front().scored in (front.scored, front.scored + 1)
        assert standing.rows == 61


def test_a_filled_search_trains_some_networks_again_on_the_next_rung(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'filled.sqlite'}"
    search = fill(url, "00000001", 60, asked={"recipe": {"rungs": 2}})
    with closing(open_store(url)) as store:
        rows = store.told_rows(search.id)
        assert len(rows) == 60
        promoted = [row for row in rows if row.rung == 1]
        assert 10 < len(promoted) < 40
        assert {row.operator for row in promoted} == {"promotion"}
        top = {row.genotype_digest for row in promoted}
        assert {member.genotype.digest for member in Standing(store, search.id).front().members} <= top


def test_a_copied_search_stands_where_the_first_one_does(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'filled.sqlite'}"
    search = fill(url, "00000001", 30)
    copy(url, search, ["00000002", "00000003"])
    with closing(open_store(url)) as store:
        first, *others = (Standing(store, SearchId(f"0000000{number}")).front() for number in (1, 2, 3))
        for number, other in enumerate(others, start=2):
            assert other.hypervolume == first.hypervolume
            assert {member.search_id for member in other.members} == {f"0000000{number}"}
            assert store.pulse(SearchId(f"0000000{number}")).event_count == store.pulse(search.id).event_count


def test_requests_are_compared_with_the_empty_one_of_their_round() -> None:
    laps = [{EMPTY: 0.001, "front": 0.002}, {EMPTY: 0.002, "front": 0.003}, {EMPTY: 0.004, "front": 0.004}]
    empty, front = figures(laps)
    assert (empty.paired, empty.p50, empty.p99) == (1.0, 1.0, 1.0)
    assert (front.p50_ms, front.p99_ms, front.paired, front.p50, front.p99) == (3.0, 4.0, 1.5, 1.5, 1.0)
    assert share_of([5.0], 0.99) == 5.0


def test_every_choice_of_objectives_is_another_one() -> None:
    found = list(itertools.islice(_choices(), 1000))
    assert len(set(found)) == 1000
