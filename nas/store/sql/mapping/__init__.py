"""Row <-> record, one pair of functions per noun. Asks the database nothing."""

from .book import artifact_columns, dataset_columns, to_artifact, to_audit_entry, to_dataset, to_token, token_columns
from .candidates import candidate_columns, to_candidate, told_columns
from .evaluations import EVALUATION, evaluation_columns, to_evaluation
from .figures import Columns
from .ledger import LEDGER_CANDIDATE, LEDGER_OUTCOME, to_ledger_row
from .searches import PROGRESS, data_columns, progress_columns, search_columns, to_event, to_progress, to_search
from .trainings import advanced_columns, to_training, training_columns
from .workers import to_worker, worker_columns

__all__ = [
    "EVALUATION",
    "LEDGER_CANDIDATE",
    "LEDGER_OUTCOME",
    "PROGRESS",
    "Columns",
    "advanced_columns",
    "artifact_columns",
    "candidate_columns",
    "data_columns",
    "dataset_columns",
    "evaluation_columns",
    "progress_columns",
    "search_columns",
    "to_artifact",
    "to_audit_entry",
    "to_candidate",
    "to_dataset",
    "to_evaluation",
    "to_event",
    "to_ledger_row",
    "to_progress",
    "to_search",
    "to_token",
    "to_training",
    "to_worker",
    "token_columns",
    "told_columns",
    "training_columns",
    "worker_columns",
]
