"""Two stores that are asked alike. Knows no verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from ...store.base import Store
from ...store.memory import MemoryStore
from ..builders import START


class Pair(RuleBasedStateMachine):
    """A store in memory and another one, and a clock.

    Args:
        other: The other store, empty.
    """

    def __init__(self, other: Store) -> None:
        super().__init__()
        self.memory: Store = MemoryStore()
        self.other = other
        self.seconds = 0

    def now(self) -> datetime:
        """The next moment."""
        self.seconds += 1
        return START + timedelta(seconds=self.seconds)

    def both(self, call: Callable[[Store], Any]) -> Any:
        """Make one call of both stores; its result, or None where both refused it alike."""
        expected, found = _outcome(call, self.memory), _outcome(call, self.other)
        assert found == expected
        return None if isinstance(expected[0], type) else expected[1]

    def read(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """What a verb gives, equal from both."""
        return self.both(lambda store: getattr(store, verb)(*args, **kwargs))


def _outcome(call: Callable[[Store], Any], store: Store) -> tuple[Any, ...]:
    """What a call returned, or the type and the words of what it raised."""
    try:
        return "returned", call(store)
    except Exception as error:
        return type(error), str(error)
