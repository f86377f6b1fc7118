"""Turns are given in the order in which they were asked for."""

import threading
from collections.abc import Callable

import pytest

from nas.store.sql.turns import Turns


def _waiting(turns: Turns, number: int) -> bool:
    return len(turns._waiting) == number


def _until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    while not condition():
        pause.wait(0.001)


def test_turns_are_given_in_the_order_of_asking() -> None:
    turns, order = Turns(), list[int]()

    def take(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    with turns:
        for number, thread in enumerate(threads, start=1):
            thread.start()
            _until(lambda: _waiting(turns, number))  # noqa: B023
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_one_at_a_time_has_its_turn() -> None:
    turns, inside, most = Turns(), list[int](), list[int]()

    def take() -> None:
        for number in range(200):
            with turns:
                inside.append(number)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), len(most)) == (1, 1600)


def test_a_turn_ends_with_an_error_too() -> None:
    turns = Turns()
    with pytest.raises(KeyError), turns:
        raise KeyError
    with turns:
        pass


@pytest.mark.parametrize("came", [False, True], ids=["while it waits", "when its turn has come"])
def test_who_is_interrupted_passes_the_turn_on(came: bool) -> None:
    turns = Turns()
    with turns:
        gone, last = threading.Lock(), threading.Lock()
        for waiting in (gone, last):
            waiting.acquire()
            turns._waiting.append(waiting)
        if not came:
            turns._leave(gone)
    assert gone.locked() is (not came)
    if came:
        turns._leave(gone)
    assert not last.locked()
