"""What is stored, as frozen values: searches, candidates, evaluations, events, artifacts and workers.

These are the rows as people and code speak of them, with the legal transitions of a search; how they lie in a database
is the store's business.
"""

from __future__ import annotations

from .artifacts import ANALYSIS, EXPORT_FORMATS, Artifact, ArtifactId, ArtifactState, ExportFormat
from .candidates import SCORE_COLUMNS, Candidate, CandidateId, CandidateState, Evaluation, LedgerRow
from .searches import (
    TRANSITIONS,
    Event,
    IllegalTransition,
    Progress,
    Search,
    SearchEnded,
    SearchId,
    SearchState,
    check_transition,
)
from .workers import Worker

__all__ = [
    "ANALYSIS",
    "EXPORT_FORMATS",
    "SCORE_COLUMNS",
    "TRANSITIONS",
    "Artifact",
    "ArtifactId",
    "ArtifactState",
    "Candidate",
    "CandidateId",
    "CandidateState",
    "Evaluation",
    "Event",
    "ExportFormat",
    "IllegalTransition",
    "LedgerRow",
    "Progress",
    "Search",
    "SearchEnded",
    "SearchId",
    "SearchState",
    "Worker",
    "check_transition",
]
