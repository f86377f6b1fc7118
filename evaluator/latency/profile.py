"""A device as a document: what its operators cost, and how far that predicts the latency of whole networks.

Light: predictions need neither torch nor the runtime that the device was measured with.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Any

from search_space.errors import InvalidInput, Problem
from search_space.genotype import Genotype

from ..latency_target import LatencyTarget
from ..recipe import Recipe
from .operators import runs
from .plan import plan_network
from .table import MOST, OperatorTable, as_float, read_table

VERSION = 1
HINT = "Make a profile of the device: srnas profile-device --help."

_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Reader = Callable[[object, str], Any]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """From the sum of a network's operators to the time of the whole: `gain * sum + offset_ms`.

    Attributes:
        gain: Above 0.
        offset_ms: Milliseconds.
        networks: How many whole networks it was fitted to; 0 where nothing was.
    """

    gain: float = 1.0
    offset_ms: float = 0.0
    networks: int = 0


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """How predictions compare with measurements, on networks that nothing was fitted to.

    Attributes:
        networks: How many.
        mean_error: Mean of |predicted - measured| / measured.
        worst_error: The largest of them.
        tau: Kendall's tau-b between predicted and measured; None where it is not defined.
    """

    networks: int
    mean_error: float
    worst_error: float
    tau: float | None


@dataclass(frozen=True, kw_only=True)
class DeviceProfile:
    """One device, measured once.

    Attributes:
        name: What people call it; the name of its file.
        device: The device, e.g. "cpu (1 thread, x86_64)" or "NVIDIA H100 80GB HBM3".
        runtime: What ran the networks, with its version: "onnxruntime 1.31.1".
        threads: CPU threads that computed; 0 on a GPU.
        target: Size of the image.
        scale: Upscaling factor: 2, 3 or 4.
        channels: Channels of the image: 1 or 3.
        space: Name of the search space whose operators were timed.
        block: Channels in a block of the runtime's layout (see `operators`); 0 where there is but one layout.
        table: What each operator costs.
        calibration: From their sum to a network.
        held_out: How good that is; None where it was not measured.
        created: When, in ISO 8601, UTC.

    Raises:
        InvalidInput: The name is none for a file.
    """

    name: str
    device: str
    runtime: str
    threads: int
    target: LatencyTarget
    scale: int
    channels: int
    space: str
    block: int
    table: OperatorTable
    calibration: Calibration
    held_out: HeldOut | None
    created: str

    def __post_init__(self) -> None:
        _refuse_name(self.name)

    def predict(self, genotype: Genotype, *, scale: int, channels: int, recipe: Recipe) -> float:
        """Predict the milliseconds that a candidate takes for one image of the target's size.

        Args:
            genotype: The network.
            scale: Upscaling factor, which must be the profile's.
            channels: Channels of the image, likewise.
            recipe: What the network is wrapped in.

        Raises:
            InvalidInput: The profile is for another task, or holds no price of an operator.
        """
        self.require_task(scale, channels)
        plan = plan_network(genotype, recipe, scale=scale, channels=channels)
        return self.calibrated(sum(self.table.ms(run) for run in runs(plan, self.block)))

    def calibrated(self, operators_ms: float) -> float:
        """Milliseconds of a network whose operators take so many."""
        return self.calibration.gain * operators_ms + self.calibration.offset_ms

    def require_task(self, scale: int, channels: int) -> None:
        """Raise `InvalidInput` unless the profile is for this scale and these channels."""
        given = (("scale", scale, self.scale), ("channels", channels, self.channels))
        problems = [
            Problem(name, value, f"{own}, for which the profile {self.name} was made")
            for name, value, own in given
            if value != own
        ]
        if problems:
            raise InvalidInput(problems, HINT)

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal characters that change with all but the name, the time and how good predictions are."""
        document = self.to_json()
        for label in ("name", "created", "held_out"):
            del document[label]
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return blake2b(text.encode(), digest_size=16).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """The profile as a JSON document that `from_json` reads back."""
        return {
            "version": VERSION,
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "target": asdict(self.target),
            "table": self.table.to_json(),
            "calibration": asdict(self.calibration),
            "held_out": None if self.held_out is None else asdict(self.held_out),
        }

    @classmethod
    def from_json(cls, document: object) -> DeviceProfile:
        """Read a document.

        Raises:
            InvalidInput: Names every field that is missing, unknown or wrong, and a version that is not ours.
        """
        if not isinstance(document, Mapping):
            raise InvalidInput([Problem("profile", document, "the document that srnas profile-device wrote")], HINT)
        values, problems = _read(document)
        if problems:
            raise InvalidInput(problems, HINT)
        return cls(**values)


def profile_path(home: Path, name: str) -> Path:
    """Where the profile of a device lies: `home/devices/<name>.json`.

    Raises:
        InvalidInput: The name is none for a file.
    """
    _refuse_name(name)
    return home / "devices" / f"{name}.json"


def write_profile(home: Path, profile: DeviceProfile) -> Path:
    """Write a profile where `read_profile` finds it, whole or not at all; one of the same name is replaced."""
    path = profile_path(home, profile.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{token_hex(4)}.tmp")
    draft.write_text(json.dumps(profile.to_json(), indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
    return path


def read_profile(home: Path, name: str) -> DeviceProfile:
    """Read the profile of a device.

    Raises:
        InvalidInput: There is none of this name, or it is no profile.
    """
    path = profile_path(home, name)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput([Problem("profile", name, f"a device with a readable {path} ({error})")], HINT) from error
    return DeviceProfile.from_json(document)


def _refuse_name(name: object) -> None:
    if not isinstance(name, str) or not _SAFE_NAME.fullmatch(name):
        allowed = "1 to 64 small letters, digits, dots, dashes and underscores, a letter or digit first"
        raise InvalidInput([Problem("name", name, allowed)])


def _read(document: Mapping[Any, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The fields of a profile, and everything that is wrong with them."""
    known = ("version", *(field.name for field in fields(DeviceProfile)))
    problems = [
        Problem(str(name), document[name], f"only {', '.join(known)}") for name in document if name not in known
    ]
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        problems.append(Problem("version", version, str(VERSION)))
    values: dict[str, Any] = {}
    for name in known[1:]:
        try:
            if name not in document:
                raise InvalidInput([Problem(name, None, "what srnas profile-device wrote")])
            values[name] = _READERS[name](document[name], name)
        except InvalidInput as error:
            problems += error.problems
    return values, problems


def _text(value: object, field: str) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise InvalidInput([Problem(field, value, "a text of at most 200 characters")])
    return value


def _count(value: object, field: str) -> int:
    if type(value) is not int or not 0 <= value <= MOST:
        raise InvalidInput([Problem(field, value, f"a whole number from 0 to {MOST}")])
    return value


def _number(value: object, field: str) -> float:
    number = as_float(value)
    if not math.isfinite(number):
        raise InvalidInput([Problem(field, value, "a finite number")])
    return number


def _optional(read: Reader) -> Reader:
    return lambda value, field: None if value is None else read(value, field)


def _parts(kind: Callable[..., Any], readers: Mapping[str, Reader]) -> Reader:
    """A reader of a nested object, all of whose fields must be there."""

    def read(value: object, field: str) -> Any:
        if not isinstance(value, Mapping) or set(value) != set(readers):
            raise InvalidInput([Problem(field, value, f"an object with {', '.join(readers)}")])
        parts = {name: reader(value[name], f"{field}.{name}") for name, reader in readers.items()}
        try:
            return kind(**parts)
        except ValueError as error:
            raise InvalidInput([Problem(field, value, str(error))]) from error

    return read


_READERS: Mapping[str, Reader] = {
    "name": _text,
    "device": _text,
    "runtime": _text,
    "threads": _count,
    "target": _parts(LatencyTarget, {"lr_width": _count, "lr_height": _count}),
    "scale": _count,
    "channels": _count,
    "space": _text,
    "block": _count,
    "table": read_table,
    "calibration": _parts(Calibration, {"gain": _number, "offset_ms": _number, "networks": _count}),
    "held_out": _optional(
        _parts(
            HeldOut,
            {"networks": _count, "mean_error": _number, "worst_error": _number, "tau": _optional(_number)},
        )
    ),
    "created": _text,
}
