"""Which workers a cluster has room for, and where they sit."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ray")

from evaluator.ray_pool.seats import Claim, Node, Seat, Seating


def node(number: int, cpus: float = 4, gpus: float = 0) -> Node:
    return Node(id=f"id-{number}", name=f"node-{number}", cpus=cpus, gpus=gpus)


def claim(**changes: Any) -> Claim:
    return Claim(**{"workers": None, "cpus": 1.0, "gpus": 0.0, "cpu_nodes": False} | changes)


def seated(claimed: Claim, *nodes: Node) -> list[Seat]:
    seating = Seating(claimed)
    seating.follow(nodes)
    return list(seating.seats.values())


@pytest.mark.parametrize(
    ("claimed", "there", "room"),
    [
        (claim(), node(1), 4),
        (claim(cpus=1.5), node(1), 2),
        (claim(cpus=0.1), node(1, cpus=1), 10),
        (claim(cpus=0.0), node(1), 4),
        (claim(cpus=0.0, workers=9), node(1), 9),
        (claim(), node(1, cpus=0), 0),
        (claim(), node(1, gpus=2), 4),
        (claim(gpus=1.0), node(1), 0),
        (claim(gpus=1.0, cpu_nodes=True), node(1), 4),
        (claim(gpus=1.0), node(1, gpus=2), 2),
        (claim(gpus=0.25), node(1, cpus=16, gpus=2), 8),
        (claim(gpus=0.25), node(1, cpus=6, gpus=2), 6),
        (claim(gpus=0.4), node(1, cpus=16, gpus=2), 4),
        (claim(gpus=2.0), node(1, gpus=5), 2),
        (claim(gpus=0.5, cpus=0.0), node(1, cpus=0, gpus=1), 2),
    ],
)
def test_room_is_what_cpus_and_gpus_give(claimed: Claim, there: Node, room: int) -> None:
    assert claimed.room(there) == room


@pytest.mark.parametrize("changes", [{"workers": 0}, {"cpus": -1}, {"gpus": -1}])
def test_a_claim_of_nothing_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        claim(**changes)


def test_fewer_workers_than_there_is_room_for_are_spread_over_nodes_and_gpus() -> None:
    seats = seated(claim(workers=4, gpus=0.5), node(1, gpus=2), node(2, gpus=2))
    assert Counter((seat.node_id, seat.gpu) for seat in seats) == {
        ("id-1", 0): 1,
        ("id-1", 1): 1,
        ("id-2", 0): 1,
        ("id-2", 1): 1,
    }


def test_workers_of_one_gpu_share_its_memory_and_no_others_do() -> None:
    seats = seated(claim(gpus=0.5, cpu_nodes=True), node(1, cpus=8, gpus=2), node(2, cpus=2))
    assert [(seat.place.device, seat.place.shared) for seat in seats] == [
        ("cuda", "id-1/gpu-0"),
        ("cpu", ""),
        ("cuda", "id-1/gpu-1"),
        ("cpu", ""),
        ("cuda", "id-1/gpu-0"),
        ("cuda", "id-1/gpu-1"),
    ]


def test_workers_that_need_several_gpus_do_not_share_any() -> None:
    assert [seat.gpu for seat in seated(claim(gpus=2.0), node(1, gpus=5))] == [0, 2]


def test_threads_match_the_cpus_of_a_worker() -> None:
    threads = [seated(claim(cpus=cpus), node(1))[0].place.threads for cpus in (0.25, 1, 2.5)]
    assert threads == [1, 1, 2]


@given(
    st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=8),
    st.one_of(st.none(), st.integers(1, 12)),
)
def test_a_seat_lasts_as_long_as_its_node_and_no_name_comes_twice(history: list[set[int]], workers: int | None) -> None:
    seating = Seating(claim(workers=workers))
    ever: dict[str, str] = {}
    before: dict[str, Seat] = {}
    for there in history:
        seating.follow([node(number, cpus=number) for number in sorted(there)])
        seats = seating.seats
        room = sum(there)
        assert len(seats) == (room if workers is None else min(workers, room))
        kept = {name: seat for name, seat in before.items() if seat.node_id in {f"id-{number}" for number in there}}
        assert kept.items() <= seats.items()
        for name in seats.keys() - before.keys():
            assert name not in ever
        taken = Counter(seat.node_id for seat in seats.values())
        assert all(taken[f"id-{number}"] <= number for number in there)
        ever |= {name: seat.node_id for name, seat in seats.items()}
        before = dict(seats)
