"""Datasets, tokens, requests and the audit, in memory. Knows no search but by its id."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from ...records import AuditEntry, Dataset, Request, SearchId, Token, TokenId
from .. import trail
from ..base import REMEMBERED, AlreadyStored, KeyReused, NotFound
from ..trail import Deed


class Book:
    """What people have registered and done."""

    def __init__(self) -> None:
        self._datasets: dict[str, Dataset] = {}
        self._tokens: dict[TokenId, Token] = {}
        self._requests: dict[tuple[str, str], tuple[str, SearchId, datetime]] = {}
        self._audit: list[AuditEntry] = []

    def note(self, deed: Deed) -> None:
        """Number a deed and keep it."""
        self._audit.append(AuditEntry(ordinal=len(self._audit) + 1, **deed._asdict()))

    def audit(self, after: int, limit: int) -> list[AuditEntry]:
        """Deeds in order."""
        return self._audit[after : after + limit]

    def answered(self, request: Request, at: datetime) -> SearchId | None:
        """The search that came of a request that is not forgotten by then; `KeyReused`."""
        known = self._requests.get((request.who, request.key))
        if known is None or known[2] <= at - REMEMBERED:
            return None
        if known[0] != request.digest:
            raise KeyReused(request.key)
        return known[1]

    def remember(self, request: Request, search_id: SearchId, at: datetime) -> None:
        """Keep what came of a request, and forget what is old."""
        self._requests = {name: kept for name, kept in self._requests.items() if kept[2] > at - REMEMBERED}
        self._requests[request.who, request.key] = (request.digest, search_id, at)

    def add_dataset(self, dataset: Dataset) -> None:
        """Register a dataset; `AlreadyStored`."""
        if dataset.name in self._datasets:
            raise AlreadyStored("dataset", dataset.name)
        self._datasets[dataset.name] = dataset
        self.note(trail.registered(dataset))

    def dataset(self, name: str) -> Dataset:
        """One dataset; `NotFound`."""
        if name not in self._datasets:
            raise NotFound("dataset", name)
        return self._datasets[name]

    def datasets(self) -> list[Dataset]:
        """Every dataset, by name."""
        return [self._datasets[name] for name in sorted(self._datasets)]

    def remove_dataset(self, name: str, at: datetime, by: str) -> Dataset:
        """Forget a dataset; `NotFound`."""
        removed = self.dataset(name)
        del self._datasets[name]
        self.note(trail.removed(removed, at, by))
        return removed

    def add_token(self, token: Token) -> None:
        """Keep a token; `AlreadyStored`."""
        if token.id in self._tokens:
            raise AlreadyStored("token", token.id)
        self._tokens[token.id] = token
        self.note(trail.granted(token))

    def token(self, token_id: TokenId) -> Token:
        """One token; `NotFound`."""
        if token_id not in self._tokens:
            raise NotFound("token", token_id)
        return self._tokens[token_id]

    def tokens(self) -> list[Token]:
        """Every token, oldest first."""
        return sorted(self._tokens.values(), key=lambda token: (token.created_at, token.id))

    def revoke_token(self, token_id: TokenId, at: datetime, by: str) -> Token:
        """End a token; `NotFound`."""
        token = self.token(token_id)
        if token.revoked_at is None:
            token = self._tokens[token_id] = replace(token, revoked_at=at)
            self.note(trail.revoked(token, at, by))
        return token
