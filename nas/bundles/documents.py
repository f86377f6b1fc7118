"""What the files of a bundle hold, as strict documents: record -> line, and back. Knows neither zip files nor stores.

A bundle outlives the version that wrote it: a field that is renamed or leaves takes another `VERSION`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from evaluator.executor import Setback
from evaluator.outcome import Bands
from search_space.genotype import Genotype

from ..fields import Line
from ..objectives import Prediction
from ..records import Candidate, CandidateId, CandidateState, Evaluation, Event, Search, SearchId, SearchState
from ..spec import SearchSpec

FORMAT, VERSION = "srnas-bundle", 1

MANIFEST, SEARCH = "manifest.json", "search.json"
CANDIDATES, EVALUATIONS, EVENTS = "candidates.jsonl", "evaluations.jsonl", "events.jsonl"
MEMBERS = (EVENTS, CANDIDATES, EVALUATIONS, SEARCH)
"""The files beside the manifest, in the order in which they are written."""

Count = Annotated[int, Field(ge=0, lt=2**63)]

Figure = Annotated[float, Field(strict=False)]
"""A number; "Infinity", "-Infinity" and "NaN" stand for what JSON has not."""


def _network(value: object) -> object:
    return Genotype.parse(value) if isinstance(value, str) else value


Network = Annotated[
    Genotype, BeforeValidator(_network), PlainSerializer(str), Field(json_schema_extra={"type": "string"})
]
"""A genotype by its text."""


class Part(BaseModel):
    """A frozen JSON object that refuses fields it does not know, and values of another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, ser_json_inf_nan="strings", arbitrary_types_allowed=True
    )

    @classmethod
    def of(cls, record: object) -> Self:
        """The document of a record."""
        return cls.model_validate(record, from_attributes=True)

    def to_bytes(self) -> bytes:
        """One line of JSON, keys sorted, UTF-8: the same for the same content, whatever kept it."""
        document = json.loads(self.model_dump_json())
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


class MemberPart(Part):
    """What a file of the bundle must be."""

    lines: Count
    bytes: Count
    sha256: Line


class Manifest(Part):
    """What the bundle is, and how each file of it is known again.

    Attributes:
        format: `FORMAT`.
        version: Of the format.
        made_at: When.
        srnas: The version that wrote it.
        search_id: Which search.
        last_event: Up to which number its events were looked at: everything in the bundle is as it was then.
        candidates: How many there are.
        told: How many of them have an outcome.
        events: How many events there are.
        members: The other files by name.
    """

    format: Literal["srnas-bundle"] = "srnas-bundle"
    version: Literal[1] = 1
    made_at: AwareDatetime
    srnas: Line
    search_id: Line
    last_event: Count
    candidates: Count
    told: Count
    events: Count
    members: dict[str, MemberPart]


class SearchDocument(Part):
    """A search without its log, the environments that its controllers ran it in, and by which code it was scored."""

    id: Line
    spec: SearchSpec
    state: SearchState
    reason: str
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    data_digest: str | None
    data_notes: tuple[str, ...]
    baseline: dict[str, Figure]
    reference_point: dict[str, Figure]
    warnings: tuple[str, ...]
    parallelism: int | None
    owner: str
    priority: int
    cloned_from: str | None
    ran_s: Figure
    code_digests: tuple[Line, ...] = ()
    environments: tuple[dict[Line, Line], ...] = ()

    def search(self) -> Search:
        """The search; its progress is in its log."""
        known = _fields(self) - {"code_digests", "environments"}
        values = {name: getattr(self, name) for name in known}
        cloned_from = None if self.cloned_from is None else SearchId(self.cloned_from)
        return Search(**values | {"id": SearchId(self.id), "cloned_from": cloned_from})


class PredictionPart(Part):
    """What a model expected."""

    mean: Figure
    std: Figure


class CandidateLine(Part):
    """A candidate without its outcome; every field means what it means there."""

    id: Line
    ordinal: Count
    tells_before: Count
    genotype: Network
    state: CandidateState
    params: int
    mult_adds: int
    evaluation_key: str
    operator: Line
    asked_at: AwareDatetime
    latency_ms: Figure | None
    parents: tuple[Line, ...]
    rung: Count
    replicate: Count
    steps: Count
    arm: Line
    predicted: dict[Line, PredictionPart]
    told_ordinal: Count | None
    told_at: AwareDatetime | None
    cached: bool
    violation: Figure | None
    survived: bool | None
    hypervolume: Figure | None

    def candidate(self, search_id: SearchId, evaluation: Evaluation | None) -> Candidate:
        """The candidate with its outcome."""
        values = {name: getattr(self, name) for name in _fields(self)}
        predicted = {name: Prediction(mean=part.mean, std=part.std) for name, part in self.predicted.items()}
        values |= {"id": CandidateId(self.id), "predicted": predicted}
        return Candidate(search_id=search_id, evaluation=evaluation, **values)


class SetbackPart(Part):
    """A start that came to nothing."""

    cause: str
    worker: str
    message: str


class BandsPart(Part):
    """What was learnt of each band of frequencies."""

    correspondence: tuple[Figure, ...]
    log_ratio_db: tuple[Figure, ...]


class EvaluationLine(Part):
    """The outcome of a candidate; every field means what it means in `Evaluation`."""

    key: str
    genotype_digest: str
    recipe_digest: str
    data_digest: str
    code_digest: str
    seed: int
    device: str
    created_at: AwareDatetime
    protocol: str
    psnr_db: Figure | None
    ssim: Figure | None
    fsds_db: Figure | None
    fsds_si_db: Figure | None
    params: int | None
    mult_adds: int | None
    latency_ms: Figure | None
    failure_kind: str | None
    failure_message: str
    train_s: Figure
    validate_s: Figure
    steps: Count
    loss_curve: tuple[tuple[int, Figure], ...]
    bands: BandsPart | None
    weights: str | None
    worker: str
    attempts: Count
    precision: str
    peak_memory_bytes: Count
    setbacks: tuple[SetbackPart, ...]

    def evaluation(self) -> Evaluation:
        """The evaluation."""
        values = {name: getattr(self, name) for name in _fields(self)}
        bands = None if self.bands is None else Bands(**dict(self.bands))
        setbacks = tuple(Setback(**dict(part)) for part in self.setbacks)
        return Evaluation(**values | {"bands": bands, "setbacks": setbacks})


class EventLine(Part):
    """An event; every field means what it means there."""

    ordinal: Count
    at: AwareDatetime
    kind: Line
    detail: dict[str, Any]

    def event(self, search_id: SearchId) -> Event:
        """The event."""
        return Event(search_id=search_id, ordinal=self.ordinal, at=self.at, kind=self.kind, detail=self.detail)


def _fields(part: Part) -> set[str]:
    return set(type(part).model_fields)
