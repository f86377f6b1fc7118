"""Tokens are shown once, kept as digests, and found by their secret alone."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.records import Role, Token
from nas.store.memory import MemoryStore
from nas.tokens import Tokens, digest_of, make_token, parse_token
from search_space.errors import InvalidInput

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def tokens_at(store: MemoryStore, at: datetime = NOW) -> Tokens:
    return Tokens(store, lambda: at)


def test_a_token_is_found_by_its_text(store: MemoryStore) -> None:
    token, text = tokens_at(store).create("alice", Role.SUBMITTER, by="root")
    assert tokens_at(store).bearer(text) == token == store.token(token.id)
    assert (token.name, token.role, token.created_at, token.created_by) == ("alice", Role.SUBMITTER, NOW, "root")


def test_a_store_holds_no_secret(store: MemoryStore) -> None:
    token, text = tokens_at(store).create("alice", Role.SUBMITTER, by="root")
    secret = text.removeprefix(f"srnas_{token.id}_")
    assert len(secret) == 43
    assert secret not in repr((store.tokens(), store.audit()))
    assert digest_of(secret) == token.digest


@pytest.mark.parametrize("change", ["secret", "id", "nothing of it", "case"])
def test_another_text_finds_nobody(store: MemoryStore, change: str) -> None:
    token, text = tokens_at(store).create("alice", Role.ADMIN, by="root")
    other = {
        "secret": text[:-1] + ("A" if text[-1] != "A" else "B"),
        "id": text.replace(token.id, f"{int(token.id, 16) ^ 1:08x}"),
        "nothing of it": "letmein",
        "case": text.upper(),
    }[change]
    assert tokens_at(store).bearer(other) is None


def test_a_token_ends_when_it_is_revoked_or_expires(store: MemoryStore) -> None:
    _, brief = tokens_at(store).create("alice", Role.ADMIN, by="root", expires_at=NOW + timedelta(hours=1))
    lasting, text = tokens_at(store).create("alice", Role.ADMIN, by="root")
    later = tokens_at(store, NOW + timedelta(hours=1))
    assert tokens_at(store).bearer(brief)
    assert later.bearer(brief) is None
    assert later.has_admin()
    assert later.revoke(lasting.id, by="root").revoked_at == NOW + timedelta(hours=1)
    assert later.bearer(text) is None
    assert not later.has_admin()


def test_an_id_that_nobody_has_costs_the_same_comparison(store: MemoryStore) -> None:
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    tokens = Tokens(store, lambda: NOW, compare=compare)
    token, text = tokens.create("alice", Role.ADMIN, by="root")
    assert tokens.bearer(text) == token
    assert tokens.bearer(f"srnas_00000000_{'x' * 43}") is None
    assert [len(digest) for pair in compared for digest in pair] == [64] * 4


def test_a_comparison_decides_whatever_it_compares(store: MemoryStore) -> None:
    tokens = Tokens(store, lambda: NOW, compare=lambda one, other: False)
    assert tokens.bearer(tokens.create("alice", Role.ADMIN, by="root")[1]) is None


@pytest.mark.parametrize("name", ["", "local", "a b", "-x", "x" * 65, "a\nb", "ä"])
def test_a_name_that_may_not_be_borne_is_refused(store: MemoryStore, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        tokens_at(store).create(name, Role.VIEWER, by="root", expires_at=NOW)
    assert [problem.field for problem in refused.value.problems] == ["name", "expires_at"]
    assert store.tokens() == []


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=32, max_size=32))
def test_every_token_is_parsed_into_what_it_was_made_of(token_id: bytes, secret: bytes) -> None:
    entropy = {4: token_id, 32: secret}
    token, text = make_token("alice", Role.VIEWER, at=NOW, by="root", random=entropy.__getitem__)
    parsed = parse_token(text)
    assert parsed is not None
    assert (token.id, token.digest) == (parsed[0], digest_of(parsed[1]))
    assert parsed[0] == token_id.hex()


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    assert parse_token(text) is None
    assert Tokens(MemoryStore(), lambda: NOW).bearer(text) is None


def test_tokens_that_are_made_at_once_differ() -> None:
    made: list[Token] = [make_token("alice", Role.VIEWER, at=NOW, by="root")[0] for _ in range(20)]
    assert len({token.digest for token in made}) == 20
