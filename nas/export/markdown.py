"""Tables in Markdown, as GitHub reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], lines: Iterable[Sequence[str]], *, texts: Iterable[int] = (0,)) -> str:
    r"""A table, without a line break at its end.

    >>> print(table(["network", "dB"], [["a|b", "33.1"]]))
    | network | dB |
    | --- | ---: |
    | a\|b | 33.1 |

    Args:
        headings: What stands over the columns.
        lines: The cells of each line, as many as headings.
        texts: Which columns hold words, from 0; figures stand to the right.
    """
    words = set(texts)
    rules = ["---" if column in words else "---:" for column in range(len(headings))]
    return "\n".join(_line(cells) for cells in (headings, rules, *lines))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
