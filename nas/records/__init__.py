"""What is stored, as frozen values: searches and all that belongs to them, workers, datasets, tokens and the audit.

These are the rows as people and code speak of them, with the legal transitions of a search; how they lie in a database
is the store's business.
"""

from __future__ import annotations

from .access import AuditEntry, Role, Token, TokenId
from .artifacts import (
    ANALYSIS,
    BENCHMARK,
    BENCHMARK_SETS,
    ENDINGS,
    EXPORT_FORMATS,
    PICTURES,
    Artifact,
    ArtifactId,
    ArtifactState,
    ExportFormat,
)
from .candidates import SCORE_COLUMNS, Candidate, CandidateId, CandidateState, Evaluation, LedgerRow
from .datasets import Dataset, DatasetKind
from .searches import (
    ACTIONS,
    TRANSITIONS,
    WAITS_S,
    Action,
    Event,
    IllegalAction,
    IllegalTransition,
    Progress,
    Pulse,
    Request,
    Search,
    SearchId,
    SearchState,
    Totals,
    check_action,
    check_transition,
)
from .trainings import Training, TrainingEnded, TrainingId, TrainingPoint, TrainingStatus
from .workers import Worker

__all__ = [
    "ACTIONS",
    "ANALYSIS",
    "BENCHMARK",
    "BENCHMARK_SETS",
    "ENDINGS",
    "EXPORT_FORMATS",
    "PICTURES",
    "SCORE_COLUMNS",
    "TRANSITIONS",
    "WAITS_S",
    "Action",
    "Artifact",
    "ArtifactId",
    "ArtifactState",
    "AuditEntry",
    "Candidate",
    "CandidateId",
    "CandidateState",
    "Dataset",
    "DatasetKind",
    "Evaluation",
    "Event",
    "ExportFormat",
    "IllegalAction",
    "IllegalTransition",
    "LedgerRow",
    "Progress",
    "Pulse",
    "Request",
    "Role",
    "Search",
    "SearchId",
    "SearchState",
    "Token",
    "TokenId",
    "Totals",
    "Training",
    "TrainingEnded",
    "TrainingId",
    "TrainingPoint",
    "TrainingStatus",
    "Worker",
    "check_action",
    "check_transition",
]
