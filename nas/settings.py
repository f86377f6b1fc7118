"""What an installation decides: the only reader of the environment below `api`.

Every setting is an environment variable with the prefix ``SRNAS_`` (``SRNAS_HOME``, ``SRNAS_DATABASE_URL``, ...).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from search_space.errors import InvalidInput, Problem


class InvalidSettings(InvalidInput):
    """Environment variables hold values that are not allowed."""


class Settings(BaseSettings):
    """Where things lie and how many workers there are.

    Attributes:
        home: Folder of the database, the trained weights and the artifacts.
        images_root: Folder below which every dataset of a spec must lie.
        database_url: ``sqlite:///FILE`` or ``postgresql+psycopg://...``; by default a file in ``home``.
        workers: Trainings at once; by default one per CPU (or per fraction of a GPU, see ``gpus_per_worker``).
        cpus_per_worker: CPUs that each worker claims, and threads that it computes with.
        gpus_per_worker: Share of a GPU that each worker claims; 0 trains on CPUs.
        ray_address: A cluster to join; by default a local Ray is started (``RAY_ADDRESS`` is read too).
        max_attempts: How often a job is started before a lost worker counts as a failure.
        max_active_searches: Searches that one controller advances side by side.
        lease_s: Seconds after which a silent controller's searches may be taken over.
        poll_s: Longest pause between two looks at the database.
    """

    model_config = SettingsConfigDict(env_prefix="SRNAS_", extra="ignore", frozen=True, populate_by_name=True)

    home: Path = Path("srnas-data")
    images_root: Path = Path()
    database_url: str = ""
    workers: Annotated[int, Field(ge=1)] | None = None
    cpus_per_worker: float = Field(1.0, gt=0)
    gpus_per_worker: float = Field(0.0, ge=0)
    ray_address: str = Field("", validation_alias=AliasChoices("SRNAS_RAY_ADDRESS", "RAY_ADDRESS", "ray_address"))
    max_attempts: int = Field(3, ge=1)
    max_active_searches: int = Field(4, ge=1)
    lease_s: float = Field(30.0, gt=0)
    poll_s: float = Field(0.5, gt=0)

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'srnas.sqlite'}"

    @property
    def worker_count(self) -> int:
        """Trainings at once."""
        if self.workers is not None:
            return self.workers
        return max(1, int((os.cpu_count() or 1) / self.cpus_per_worker))

    @property
    def weights_dir(self) -> Path:
        """Where trained weights are kept."""
        return self.home / "weights"


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
        raise InvalidSettings(
            [Problem(_variable(e["loc"]), e["input"], e["msg"].removeprefix("Value error, ")) for e in error.errors()]
        ) from None


def _variable(location: tuple[int | str, ...]) -> str:
    """The environment variable that a setting is read from."""
    return "SRNAS_" + "_".join(map(str, location)).upper().removeprefix("SRNAS_")
