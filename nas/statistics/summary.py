"""Every statistic of a search at once, from its whole ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ..records import LedgerRow, Search
from .account import Account
from .documents import Statistics
from .rows import in_told_order


def account_of(search: Search, rows: Iterable[LedgerRow]) -> Account:
    """The account of a search, from rows in any order; those without an outcome are not in it."""
    account = Account(search.id, search.spec)
    for row in in_told_order(rows):
        account.add(row)
    return account


def statistics(search: Search, rows: Sequence[LedgerRow], now: datetime) -> Statistics:
    """What a search has shown so far, by its ledger.

    Args:
        search: Whose.
        rows: Its ledger.
        now: When it is looked at, for the estimate of its end.
    """
    untold = [row for row in rows if row.told_ordinal is None]
    return account_of(search, rows).statistics(search, untold, now)
