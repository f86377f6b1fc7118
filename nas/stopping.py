"""When a controller should stop. It knows signals and parents, and nothing of searches."""

from __future__ import annotations

import os
import signal


class StopRequest:
    """Whether to stop: after SIGTERM or SIGINT, or when the parent process is gone, however it went.

    The handlers are set when it is first asked, not before, since Ray sets handlers of its own when it starts.

    Args:
        parent: Process that must stay the parent of this one; None to outlive any.
    """

    def __init__(self, parent: int | None = None) -> None:
        self.interrupted = False
        self._parent = parent
        self._listening = False
        self._stopped = False

    def __call__(self) -> bool:
        """Answer; never waits."""
        if not self._listening:
            self._listening = True
            signal.signal(signal.SIGTERM, self._stop)
            signal.signal(signal.SIGINT, self._stop)
        return self._stopped or (self._parent is not None and os.getppid() != self._parent)

    def _stop(self, number: int, _frame: object) -> None:
        self._stopped = True
        self.interrupted = number == signal.SIGINT
