"""A store that does not always answer. What it stands for cannot tell whether its call was carried out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import wraps
from itertools import repeat
from typing import Any, Literal

from ..store.base import Store, StoreUnavailable

Fate = Literal["ok", "before", "after"]
"""A call is answered; or it fails before it has done anything, or after it has done it all."""


class FlakyStore:
    """Another store, whose calls meet fates that a test decides; see `nas.store.base.Store` for the verbs.

    Args:
        store: What carries the calls out.
        fates: One for each call; all that follow are answered.
        verbs: The calls that this is about; all when None.

    Attributes:
        failed: How many calls were not answered.
    """

    def __init__(self, store: Store, fates: Iterable[Fate] = (), verbs: Collection[str] | None = None) -> None:
        self._store, self._fates, self._verbs = store, iter(fates), verbs
        self.failed = 0

    def go_away(self) -> None:
        """Answer nothing from now on."""
        self._fates = repeat("before")

    def come_back(self) -> None:
        """Answer everything from now on."""
        self._fates = iter(())

    def __getattr__(self, name: str) -> Any:
        """A verb of the store."""
        verb = getattr(self._store, name)

        @wraps(verb)
        def call(*args: Any, **kwargs: Any) -> Any:
            fate = next(self._fates, "ok") if self._verbs is None or name in self._verbs else "ok"
            self.failed += fate != "ok"
            if fate == "before":
                raise StoreUnavailable(f"{name}: connection refused")
            answer = verb(*args, **kwargs)
            if fate == "after":
                raise StoreUnavailable(f"{name}: the answer was lost")
            return answer

        return call
