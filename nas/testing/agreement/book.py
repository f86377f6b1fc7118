"""Calls about datasets, tokens and the audit."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from ...records import TokenId
from ..builders import START, make_dataset, make_token
from .draws import dataset_names, limits, token_ids
from .pair import Pair


class BookCalls(Pair):
    """Registering, removing and reading."""

    @rule(name=dataset_names, images=st.integers(0, 3))
    def add_dataset(self, name: str, images: int) -> None:
        """Under a free name or a taken one."""
        self.both(lambda store: store.add_dataset(make_dataset(name, images=images)))

    @rule(name=dataset_names)
    def remove_dataset(self, name: str) -> None:
        """There or not."""
        at = self.now()
        self.both(lambda store: store.remove_dataset(name, at=at, by="anna"))
        self.both(lambda store: store.dataset(name))

    @rule(token_id=token_ids, minute=st.integers(0, 1))
    def add_token(self, token_id: TokenId, minute: int) -> None:
        """Under a free id or a taken one."""
        token = make_token(token_id, created_at=START + timedelta(minutes=minute))
        self.both(lambda store: store.add_token(token))

    @rule(token_id=token_ids)
    def revoke_token(self, token_id: TokenId) -> None:
        """There or not, live or not."""
        at = self.now()
        self.both(lambda store: store.revoke_token(token_id, at=at, by="anna"))

    @rule(after=st.integers(0, 9), limit=limits)
    def audit(self, after: int, limit: int) -> None:
        """From anywhere, of any length."""
        self.both(lambda store: store.audit(after=after, limit=limit))
