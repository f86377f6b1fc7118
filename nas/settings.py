"""What an installation decides: the only reader of the environment below `api`.

Every setting is an environment variable with the prefix ``SRNAS_`` (``SRNAS_HOME``, ``SRNAS_DATABASE_URL``, ...); one
that is empty counts as not set.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from search_space.errors import InvalidInput, Problem

from .redaction import HIDDEN, redacted

LogForm = Literal["json", "console"]


class InvalidSettings(InvalidInput):
    """Environment variables hold values that are not allowed."""


class Settings(BaseSettings):
    """Where things lie and how many workers there are.

    Attributes:
        home: Folder of the database, the trained weights and the artifacts.
        images_root: Folder whose folders are datasets by their own names; others inside it may be registered.
        benchmarks_root: Folder whose folders are benchmark sets; by default ``benchmarks`` in the images root.
        models_root: Folder whose `.safetensors` files may be named as teachers; by default ``models`` in the home.
        upscale_megapixels: Largest image, in millions of pixels, that the service upscales for whoever sends one.
        upload_gib: Most GiB of an archive of photographs that is uploaded.
        uploads_gib: Most GiB of all uploaded photographs together, unpacked.
        database_url: ``sqlite:///FILE`` or ``postgresql+psycopg://...``; by default a file in ``home``. A store in
            memory is refused, for processes could not share it.
        executor: What workers are: Ray's ("ray"), or plain processes of this machine ("processes").
        workers: Trainings at once, at most; by default as many as this process's CPUs allow, and on a cluster or on
            GPUs as many as there is room for.
        cpus_per_worker: CPUs that each worker claims, and threads that it computes with.
        gpus_per_worker: Share of a GPU that each worker claims; 0 trains on CPUs.
        cpu_nodes: Whether nodes of a cluster that have no GPUs train too, on their CPUs, where workers claim GPUs.
        ray_address: A cluster to join; by default a local Ray is started (``RAY_ADDRESS`` is read too).
        max_attempts: How often a job is started before it has failed.
        max_active_searches: Searches that one controller advances side by side.
        lease_s: Seconds after which a silent controller's searches may be taken over.
        poll_s: Longest pause between two looks at the database.
        log: What a line of the log is: a JSON object ("json"), or made for people ("console"); by default what suits
            where the log goes.
        states_gib: Most GiB of states kept from which trainings go on to the next rung; where there is no room for
            one, its training is taken from the start, to the same scores.
        checkpoint_s: Seconds of a full training after which it is safe on disk, about: at most so much of it is lost.
    """

    model_config = SettingsConfigDict(
        env_prefix="SRNAS_", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    home: Path = Path("srnas-data")
    images_root: Path = Path()
    benchmarks_root: Path = Field(default_factory=lambda given: Path(given["images_root"]) / "benchmarks")
    models_root: Path = Field(default_factory=lambda given: Path(given["home"]) / "models")
    upscale_megapixels: float = Field(4.0, gt=0, le=1000, allow_inf_nan=False)
    upload_gib: float = Field(2.0, gt=0)
    uploads_gib: float = Field(50.0, ge=0)
    database_url: str = Field("", repr=False)
    executor: Literal["ray", "processes"] = "ray"
    workers: Annotated[int, Field(ge=1)] | None = None
    cpus_per_worker: float = Field(1.0, gt=0)
    gpus_per_worker: float = Field(0.0, ge=0)
    cpu_nodes: bool = False
    ray_address: str = Field("", validation_alias=AliasChoices("SRNAS_RAY_ADDRESS", "RAY_ADDRESS", "ray_address"))
    max_attempts: int = Field(3, ge=1)
    max_active_searches: int = Field(4, ge=1)
    lease_s: float = Field(30.0, gt=0)
    poll_s: float = Field(0.5, gt=0)
    log: LogForm | None = None
    states_gib: float = Field(8.0, ge=0)
    checkpoint_s: float = Field(120.0, gt=0)

    @field_validator("database_url")
    @classmethod
    def _shared(cls, url: str) -> str:
        if url.startswith("memory:"):
            raise ValueError("a database that several processes can open: sqlite:///FILE or postgresql+psycopg://...")
        return url

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'srnas.sqlite'}"

    def require_images_root(self) -> None:
        """Raise `InvalidSettings` unless the images root is an existing folder."""
        if not self.images_root.is_dir():
            allowed = f"an existing folder: there is no folder {self.images_root.resolve()}"
            problem = Problem("SRNAS_IMAGES_ROOT", str(self.images_root), allowed)
            raise InvalidSettings([problem], "Give the folder of your photographs with --images-root.")

    @property
    def counted_later(self) -> bool:
        """Whether only the machines can say how many workers there is room for, now and as machines come and go."""
        on_cluster = self.executor == "ray" and bool(self.ray_address)
        return self.workers is None and (on_cluster or self.gpus_per_worker > 0)

    @property
    def worker_count(self) -> int:
        """Trainings at once; a guess by the CPUs of this machine if they are `counted_later`."""
        if self.workers is not None:
            return self.workers
        return max(1, int(_cpus() / self.cpus_per_worker))

    @property
    def weights_dir(self) -> Path:
        """Where trained weights are kept."""
        return self.home / "weights"


def _cpus() -> int:
    """The CPUs that this process may use, where the system says so; those of the machine elsewhere."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


S = TypeVar("S", bound=Settings)


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment, with overrides; `InvalidSettings` names every variable that is wrong."""
    return read(Settings, **overrides)


def read(kind: type[S], **overrides: object) -> S:
    """Settings of some kind from the environment; overrides that are None count as not given."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return kind(**given)  # type: ignore[arg-type]  # validated by pydantic
    except ValidationError as error:
        raise InvalidSettings([problem for entry in error.errors() for problem in _problems(entry)]) from None


def _problems(entry: ErrorDetails) -> tuple[Problem, ...]:
    """Problems in the house's form out of one of pydantic's."""
    cause = entry.get("ctx", {}).get("error")
    if isinstance(cause, InvalidInput):
        return cause.problems
    return (Problem(_variable(entry["loc"]), entry["input"], allowed(entry["msg"])),)


def without_password(url: str) -> str:
    """A database's URL as people may see it."""
    return re.sub(r"(//[^/@:]*):.*@", rf"\1:{HIDDEN}@", redacted(url))


def allowed(message: str) -> str:
    """What pydantic wants of a value, out of its message."""
    return message.removeprefix("Value error, ").removeprefix("Input should be ")


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable that a setting is read from."""
    return "SRNAS_" + "_".join(map(str, location)).upper().removeprefix("SRNAS_")
