"""The gate remembers good tokens for a moment, and keeps those out who guess."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from api.access import Principal
from api.errors import TooManyRequests, Unauthenticated
from api.gate import FAILURES, MOST_REMEMBERED, REMEMBERED_S, Gate
from nas.records import Role, Token, TokenId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD = b"Bearer good"


class Doors:
    """A gate whose clock and tokens the test holds."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.live = {"good"}
        self.looked_up: list[str] = []
        self.gate = Gate(self._bearer, required=True, clock=lambda: self.now_s)

    def ask(self, authorization: bytes, address: str = "192.0.2.1") -> Principal:
        return asyncio.run(self.gate.bearer_of(authorization, address))

    def _bearer(self, text: str) -> Token | None:
        self.looked_up.append(text)
        token = Token(id=TokenId("00000000"), name="alice", role=Role.VIEWER, digest="", created_at=NOW)
        return token if text in self.live or text.startswith("good-") else None


@pytest.fixture
def doors() -> Doors:
    return Doors()


def test_a_good_token_is_looked_up_once_in_a_while(doors: Doors) -> None:
    for _ in range(3):
        assert doors.ask(GOOD) == Principal("alice", Role.VIEWER)
    assert doors.looked_up == ["good"]
    doors.now_s += REMEMBERED_S
    doors.ask(GOOD)
    assert doors.looked_up == ["good"] * 2


def test_a_revocation_takes_no_longer_than_that(doors: Doors) -> None:
    doors.ask(GOOD)
    doors.live.clear()
    doors.now_s += REMEMBERED_S
    with pytest.raises(Unauthenticated):
        doors.ask(GOOD)


def test_a_token_is_forgotten_at_once_when_this_process_hears_of_it(doors: Doors) -> None:
    doors.ask(GOOD)
    doors.live.clear()
    doors.gate.forget()
    with pytest.raises(Unauthenticated):
        doors.ask(GOOD)


def test_a_revocation_of_one_token_keeps_nobody_else_out_while_somebody_guesses(doors: Doors) -> None:
    doors.ask(GOOD)
    for number in range(FAILURES):
        with pytest.raises(Unauthenticated):
            doors.ask(b"Bearer wrong %d" % number)
    doors.gate.forget()
    doors.ask(GOOD)


def test_who_guesses_has_to_wait_and_nobody_else(doors: Doors) -> None:
    doors.ask(GOOD)
    doors.now_s += REMEMBERED_S
    for number in range(FAILURES):
        with pytest.raises(Unauthenticated):
            doors.ask(b"Bearer guess %d" % number)
    before = len(doors.looked_up)
    with pytest.raises(TooManyRequests) as refused:
        doors.ask(b"Bearer guess")
    assert refused.value.headers == {"Retry-After": "6"}
    assert len(doors.looked_up) == before
    assert doors.ask(GOOD).name == "alice", "a token that was good goes in, though a neighbour guesses"
    assert doors.ask(b"Bearer good-new", "192.0.2.2").name == "alice"
    doors.now_s += 6.0
    assert doors.ask(b"bearer good-newer").name == "alice"


@pytest.mark.parametrize("sent", [b"", b"Bearer", b"Basic good", b"good", b"\xff\xfe", b"Bearer go od"])
def test_other_headers_let_nobody_in(doors: Doors, sent: bytes) -> None:
    with pytest.raises(Unauthenticated):
        doors.ask(sent)


def test_another_scheme_is_told_which_one_it_takes(doors: Doors) -> None:
    with pytest.raises(Unauthenticated, match="must be `Bearer TOKEN`"):
        doors.ask(b"Token good")


def test_no_more_than_so_many_are_remembered(doors: Doors) -> None:
    for number in range(MOST_REMEMBERED + 10):
        doors.gate._remember(b"%d" % number, Principal("alice", Role.VIEWER))
    assert len(doors.gate._seen) == MOST_REMEMBERED
