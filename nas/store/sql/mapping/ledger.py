"""Narrow rows of candidates, read by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....records import SCORE_COLUMNS, CandidateState, LedgerRow
from .candidates import predictions

LEDGER_CANDIDATE = (
    *("ordinal", "told_ordinal", "asked_at", "told_at", "genotype_digest", "state", "operator", "arm", "rung"),
    *("replicate", "cached", "violation", "survived", "hypervolume", "predicted", "params", "mult_adds", "latency_ms"),
)
LEDGER_OUTCOME = ("steps", "train_s", "validate_s", "failure_kind", *SCORE_COLUMNS)
"""The columns that `to_ledger_row` takes, in this order: those of a candidate, then those of its outcome."""

_STATES = {state.value: state for state in CandidateState}


def to_ledger_row(row: Sequence[Any]) -> LedgerRow:
    """A ledger's row from the columns `LEDGER_CANDIDATE` and `LEDGER_OUTCOME`; by place: it is done by the thousand."""
    # fmt: off
    (
        ordinal, told_ordinal, asked_at, told_at, digest, state, operator, arm, rung, replicate, cached, violation,
        survived, hypervolume, predicted, params, mult_adds, latency_ms, steps, train_s, validate_s, failure_kind,
        *figures,
    ) = row
    # fmt: on
    spent = told_ordinal is not None and not cached
    scores = {"params": params, "mult_adds": mult_adds}
    if latency_ms is not None:
        scores["latency_ms"] = latency_ms
    if failure_kind is None:
        scores |= {column: figure for column, figure in zip(SCORE_COLUMNS, figures, strict=True) if figure is not None}
    return LedgerRow(
        ordinal=ordinal,
        genotype_digest=digest,
        state=_STATES[state],
        operator=operator,
        asked_at=asked_at,
        arm=arm,
        rung=rung,
        replicate=replicate,
        told_ordinal=told_ordinal,
        told_at=told_at,
        cached=cached,
        violation=violation,
        survived=survived,
        hypervolume=hypervolume,
        predicted=predictions(predicted),
        scores=scores,
        steps=steps if spent else 0,
        train_s=train_s if spent else 0.0,
        validate_s=validate_s if spent else 0.0,
    )
