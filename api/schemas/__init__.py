"""Wire models: the JSON that goes over HTTP, as frozen types that clients and routes share. Knows no FastAPI.

Every model refuses fields it does not know, describes each field, and is built from a record by its ``of``. A figure
that is not finite goes out as null.
"""

from nas.plots.documents import LandmarkView, PrintedScoreView

from .access import (
    AuditEntryView,
    AuditPage,
    NewTokenView,
    PrincipalView,
    TokenList,
    TokenRequest,
    TokenView,
)
from .artifacts import ArtifactList, ArtifactView, ExportRequest
from .candidates import CandidatePage, CandidateSummary, CandidateView, EvaluationView, FailureView, PredictionView
from .cloud import CloudView
from .datasets import DatasetList, DatasetView, FolderRequest
from .estimates import EstimateView, PresetList, PresetView
from .events import EventPage, EventView
from .front import FrontView, MemberView, ObjectiveView
from .health import ChecksView, HealthView, ReadinessView
from .models import ModelExportRequest, ModelPage, ModelView
from .problems import FieldProblem, ProblemView
from .searches import CloneRequest, ProgressView, SearchChange, SearchPage, SearchView
from .spaces import GeneView, SpaceList, SpaceSummary, SpaceView
from .statistics import HistoryView, StatisticsView
from .trainings import (
    AgreementView,
    FullTrainingList,
    FullTrainingPage,
    FullTrainingSummary,
    FullTrainingView,
    PointView,
    RecipeList,
    RecipeView,
    SearchTrainings,
    TrainingForecast,
)
from .workers import TrainingView, WorkerList, WorkerView

__all__ = [
    "AgreementView",
    "ArtifactList",
    "ArtifactView",
    "AuditEntryView",
    "AuditPage",
    "CandidatePage",
    "CandidateSummary",
    "CandidateView",
    "ChecksView",
    "CloneRequest",
    "CloudView",
    "DatasetList",
    "DatasetView",
    "EstimateView",
    "EvaluationView",
    "EventPage",
    "EventView",
    "ExportRequest",
    "FailureView",
    "FieldProblem",
    "FolderRequest",
    "FrontView",
    "FullTrainingList",
    "FullTrainingPage",
    "FullTrainingSummary",
    "FullTrainingView",
    "GeneView",
    "HealthView",
    "HistoryView",
    "LandmarkView",
    "MemberView",
    "ModelExportRequest",
    "ModelPage",
    "ModelView",
    "NewTokenView",
    "ObjectiveView",
    "PointView",
    "PredictionView",
    "PresetList",
    "PresetView",
    "PrincipalView",
    "PrintedScoreView",
    "ProblemView",
    "ProgressView",
    "ReadinessView",
    "RecipeList",
    "RecipeView",
    "SearchChange",
    "SearchPage",
    "SearchTrainings",
    "SearchView",
    "SpaceList",
    "SpaceSummary",
    "SpaceView",
    "StatisticsView",
    "TokenList",
    "TokenRequest",
    "TokenView",
    "TrainingForecast",
    "TrainingView",
    "WorkerList",
    "WorkerView",
]
