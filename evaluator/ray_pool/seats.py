"""Which workers a cluster has room for, and on which of its nodes: arithmetic. Imports no Ray."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ..pool.crew import Place

ROUNDING = 1e-6
"""Shares such as 0.1 are not exact: ten of them are one."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine of a cluster.

    Attributes:
        id: Unique for ever; a machine that comes back has another one.
        name: Its host name.
        cpus: Processors that it offers, used or not.
        gpus: GPUs likewise.
    """

    id: str
    name: str
    cpus: float
    gpus: float


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What workers are asked for.

    Attributes:
        workers: At most so many; as many as there is room for when None.
        cpus: Processors that each reserves; torch gets as many threads, at least one.
        gpus: GPUs, or a share of one, that each reserves; 0 trains on CPUs.
        cpu_nodes: Whether nodes without GPUs train too, on their CPUs, when ``gpus`` is above 0.
    """

    workers: int | None
    cpus: float
    gpus: float
    cpu_nodes: bool

    def __post_init__(self) -> None:
        if (self.workers is not None and self.workers < 1) or self.cpus < 0 or self.gpus < 0:
            raise ValueError("a pool needs at least one worker and no negative resources")

    @property
    def threads(self) -> int:
        """Threads of each worker's torch."""
        return max(1, int(self.cpus))

    def on_gpus(self, node: Node) -> bool:
        """Whether workers on this node train on its GPUs."""
        return self.gpus > 0 and node.gpus > 0

    def room(self, node: Node) -> int:
        """Workers that a node has room for, if it is all theirs."""
        by_cpu = int(node.cpus / self.cpus + ROUNDING) if self.cpus else self.workers or int(node.cpus)
        if self.on_gpus(node):
            by_gpu = int(node.gpus) * int(1 / self.gpus + ROUNDING) if self.gpus < 1 else int(node.gpus / self.gpus)
            return min(by_gpu, by_cpu) if self.cpus else by_gpu
        return by_cpu if self.cpu_nodes or not self.gpus else 0


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A place, and where exactly it is.

    Attributes:
        place: What a pool knows of it.
        node_id: The node that its worker is tied to.
        gpu: Which of the node's GPUs the worker uses, from 0; None on a CPU.
    """

    place: Place
    node_id: str
    gpu: int | None


class Seating:
    """The seats of one pool, kept as nodes come and go: a seat lasts as long as its node.

    Where there is room for more workers than were asked for, they are spread: every node gets its first before any
    gets its second, and so with the GPUs of a node.

    Args:
        claim: What workers are asked for.
    """

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._numbers = count(1)
        self.seats: dict[str, Seat] = {}
        """By the name of the place."""

    def follow(self, nodes: Sequence[Node]) -> None:
        """Leave the seats of nodes that are gone, and take new ones where there is room."""
        there = {node.id for node in nodes}
        self.seats = {name: seat for name, seat in self.seats.items() if seat.node_id in there}
        taken = Counter(seat.node_id for seat in self.seats.values())
        rows = (
            (row, position)
            for position, node in enumerate(nodes)
            for row in range(taken[node.id], self._claim.room(node))
        )
        workers = self._claim.workers
        wanted = None if workers is None else max(0, workers - len(self.seats))
        for row, position in sorted(rows)[:wanted]:
            seat = self._seat(nodes[position], row)
            self.seats[seat.place.name] = seat

    def _seat(self, node: Node, row: int) -> Seat:
        claim, gpu = self._claim, None
        if claim.on_gpus(node):
            gpu = row % int(node.gpus) if claim.gpus < 1 else row * int(claim.gpus)
        place = Place(
            name=f"worker-{next(self._numbers)}",
            node=node.name,
            device="cpu" if gpu is None else "cuda",
            threads=claim.threads,
            shared="" if gpu is None else f"{node.id}/gpu-{gpu}",
        )
        return Seat(place=place, node_id=node.id, gpu=gpu)
