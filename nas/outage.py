"""When a store that does not answer is asked again: after a second, then twice as long each time, up to half a minute.

Knows no store: whoever asks it says here how that went.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

logger = structlog.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0

MARGIN_S = 5.0
"""What others may need, beyond their pause, until they have renewed their leases."""


class Outage:
    """Whether the store is away, and for how long it is left alone.

    Args:
        clock: UTC now.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._began_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._pause_s = 0.0
        self._others_until: datetime | None = None

    @property
    def others_pause(self) -> bool:
        """Whether others may not have noticed yet that the store is back: what lapsed meanwhile is still theirs."""
        until = self._others_until
        if self._began_at is not None:
            return True
        return until is not None and 0 < (until - self._clock()).total_seconds() <= LONGEST_PAUSE_S + MARGIN_S

    @property
    def left_s(self) -> float:
        """Seconds until the store may be asked again; 0 where it may now, or where the clock was set back."""
        if self._asked_at is None:
            return 0.0
        passed_s = (self._clock() - self._asked_at).total_seconds()
        return max(0.0, self._pause_s - passed_s) if passed_s >= 0 else 0.0

    def begin(self, error: Exception) -> None:
        """Take in that the store did not answer; only the first time is worth a line in the log."""
        if self._began_at is None:
            self._began_at = self._clock()
            logger.warning("store away", reason=str(error), hint="trainings go on, and are recorded once it is back")
        self._asked_at = self._clock()
        self._pause_s = min(2 * self._pause_s or FIRST_PAUSE_S, LONGEST_PAUSE_S)

    def end(self) -> None:
        """Take in that it answered."""
        if self._began_at is not None:
            away_s = max(0.0, (self._clock() - self._began_at).total_seconds())
            logger.warning("store back", away_s=round(away_s, 1))
            longest_s = min(away_s + FIRST_PAUSE_S, LONGEST_PAUSE_S)  # no pause is longer than all before it and one
            self._others_until = self._clock() + timedelta(seconds=longest_s + MARGIN_S)
        self._began_at = self._asked_at = None
        self._pause_s = 0.0
