"""How times and sizes are written on a page: coarse, for they are read at a glance."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def why(state: str, reason: str) -> str:
    """A reason as people read it: one for which a search is queued again is no fault, and needs nobody.

    >>> why("queued", "its controller stopped")
    'its controller stopped; goes on by itself as soon as a controller takes it over'
    >>> why("paused", "by request"), why("queued", "")
    ('by request', '')
    """
    goes_on = reason == "its controller stopped" or reason.startswith("made way for ")
    return (
        f"{reason}; goes on by itself as soon as a controller takes it over"
        if state == "queued" and goes_on
        else reason
    )


def span(seconds: float) -> str:
    """A time that passed or is left, in at most two units.

    >>> span(4.2), span(61), span(3_725), span(200_000)
    ('4 s', '1 min', '1 h 2 min', '2 d 7 h')
    """
    for number, (size, unit) in enumerate(_UNITS):
        if seconds >= size:
            rest, smaller = seconds % size, _UNITS[number + 1] if number < 2 else None
            more = 0 if smaller is None else int(rest // smaller[0])
            return f"{seconds // size:.0f} {unit}" + (f" {more} {smaller[1]}" if smaller and more else "")
    return f"{max(0.0, seconds):.0f} s"


def size(count: int) -> str:
    """Bytes as people read them.

    >>> size(900), size(48_400), size(2_500_000)
    ('900 B', '48 kB', '2.5 MB')
    """
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
