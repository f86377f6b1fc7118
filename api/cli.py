"""The console script `srnas`: first it looks whether its own packages are the ones that Python finds."""

from __future__ import annotations

import sys

from .packages import shadowed


def main() -> None:
    """Run the verb that the command line names."""
    wrong = shadowed()
    if wrong:
        hint = "hint: rename what is in the way, take its folder off PYTHONPATH, or start srnas from another folder"
        sys.exit("\n".join(["error: srnas cannot start", *wrong, hint]))

    from .verbs import app

    app(prog_name="srnas")
