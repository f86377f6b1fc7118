"""JSON Schema as fields of a form: what kind of control each part takes, and what stands beside it. Knows no spec.

A part that a schema gains becomes a field by itself; `Extras` says of single ones what a schema cannot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["text", "integer", "number", "flag", "choice", "lines", "rows", "group", "base", "const"]
"""One control, or what holds fields: `group` an object, `base` an object or the name of what it overrides, `rows` a
list of objects. `lines` is a list of texts; of `const` nothing is shown."""

Schema = Mapping[str, Any]

_ACRONYMS = {"ema": "EMA", "lr": "LR", "tau": "tau"}
_UNITS = {"_s": "s", "_ms": "ms", "_gib": "GiB"}

MOST_SEGMENTS, MOST_LETTERS = 4, 24
"""Of choices that are all seen at once."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of the values that a field takes.

    Attributes:
        value: As JSON.
        title: What people read.
        sense: Of a metric, which way is better; empty for all else.
        note: More about it.
    """

    value: str
    title: str
    sense: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A part of a document that a person fills in.

    Attributes:
        name: Its name in the object that holds it.
        path: Names from the document on, with dots between; a row is ``*``.
        kind: What it takes to fill it in.
        label: Its name for people.
        unit: Of a number, where its name ends in one.
        help: What it means, in a line; every second part is code.
        more: All that its schema says of it, where that is more.
        range: Which numbers it takes, in words.
        default: As JSON; empty where it has none.
        required: Whether a document without it is refused.
        nullable: Whether it may be null, which an empty control stands for.
        choices: Values that it takes; empty where it takes any.
        fields: Those of a group, or of each row.
        bases: Of a `base`, whole objects by their names, as JSON.
        empty: What an empty control stands for, in words.
        bare: Of rows, the field whose value alone may stand for a row.
        longest: Characters of a text, or entries of a list; 0 for any number.
    """

    name: str
    path: str
    kind: Kind
    label: str
    unit: str = ""
    help: tuple[str, ...] = ()
    more: str = ""
    range: str = ""
    default: str = ""
    required: bool = False
    nullable: bool = False
    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()
    bases: str = ""
    empty: str = ""
    bare: str = ""
    longest: int = 0

    @property
    def id(self) -> str:
        """What its control is called in a page.

        >>> Field(name="train", path="dataset.train", kind="text", label="Train").id
        'f-dataset-train'
        """
        return "f-" + self.path.replace(".", "-")

    @property
    def segmented(self) -> bool:
        """Whether its choices are few and short enough to be seen at once."""
        letters = sum(len(choice.title) for choice in self.choices)
        few = 0 < len(self.choices) <= MOST_SEGMENTS and letters <= MOST_LETTERS
        return few and self.kind == "choice" and self.value is not None

    @property
    def value(self) -> Any:
        """The default as a value; None where it has none."""
        return json.loads(self.default) if self.default else None


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a schema does not say of fields, by their paths.

    Attributes:
        choices: Values to choose from, with titles for people.
        bases: Whole objects by name, of fields that override one of them.
        labels: Names for people, where one made of the field's name would not do.
        empties: What empty controls stand for, where it is more than nothing.
        helps: What stands beside single fields instead of what their schemas say, code between backticks.
    """

    choices: Mapping[str, Sequence[Choice]]
    bases: Mapping[str, Mapping[str, Any]]
    labels: Mapping[str, str]
    empties: Mapping[str, str]
    helps: Mapping[str, str] = field(default_factory=dict)


class Reader:
    """Reads one JSON Schema.

    Args:
        schema: Of an object, with its ``$defs``.
        extras: What it does not say.
    """

    def __init__(self, schema: Schema, extras: Extras) -> None:
        self._schema, self._extras = schema, extras

    def fields(self) -> tuple[Field, ...]:
        """The fields of the object, in order."""
        return self._fields_of(self._schema, "", None)

    def _fields_of(self, schema: Schema, path: str, defaults: Mapping[str, Any] | None) -> tuple[Field, ...]:
        required = schema.get("required", ())
        found = []
        for name, part in schema["properties"].items():
            whole = self._resolved(part)
            if defaults is not None and name in defaults:
                whole = {**whole, "default": defaults[name]}
            found.append(self._field(name, f"{path}.{name}".lstrip("."), whole, required=name in required))
        return tuple(found)

    def _field(self, name: str, path: str, schema: Schema, *, required: bool) -> Field:
        branches = [self._resolved(branch) for branch in schema.get("anyOf", [schema])]
        real = [branch for branch in branches if branch.get("type") != "null"]
        kind, shape = _kind(real)
        if kind == "text" and path in self._extras.choices:
            kind = "choice"  # even where there is nothing to choose yet
        title, description = self._extras.labels.get(path, label(name)), schema.get("description", "")
        line = self._extras.helps.get(path, description)
        return Field(
            name=name,
            path=path,
            kind=kind,
            label=title,
            unit=_unit(name) if kind in ("integer", "number") else "",
            help=_help(line, title),
            more=description if line and line != description else "",
            range=_range(shape),
            default=as_json(schema["default"]) if "default" in schema else "",
            required=required,
            nullable=len(real) < len(branches),
            choices=self._choices(path, shape),
            empty=self._extras.empties.get(path, ""),
            bases=as_json(self._extras.bases[path]) if path in self._extras.bases else "",
            **self._inner(kind, path, shape, schema.get("default")),
        )

    def _inner(self, kind: Kind, path: str, shape: Schema, default: Any) -> dict[str, Any]:
        """What only fields have that hold others, or texts."""
        if kind in ("group", "base"):
            return {"fields": self._fields_of(shape, path, default if isinstance(default, Mapping) else None)}
        if kind != "rows":
            return {"longest": shape.get("maxLength", shape.get("maxItems", 0))}
        entry = self._resolved(shape["items"])
        branches = [self._resolved(branch) for branch in entry.get("anyOf", [entry])]
        row = next(branch for branch in branches if "properties" in branch)
        return {
            "fields": self._fields_of(row, f"{path}.*", None),
            "bare": row["required"][0] if len(branches) > 1 else "",
            "longest": shape.get("maxItems", 0),
        }

    def _choices(self, path: str, shape: Schema) -> tuple[Choice, ...]:
        told = self._extras.choices.get(path)
        if told is not None:
            return tuple(told)
        return tuple(Choice(value=as_json(value), title=str(value)) for value in shape.get("enum", ()))

    def _resolved(self, schema: Schema) -> Schema:
        """A schema with what it refers to, its own words first."""
        if "$ref" not in schema:
            return schema
        return {**self._schema["$defs"][schema["$ref"].rpartition("/")[2]], **schema}


def _kind(branches: Sequence[Schema]) -> tuple[Kind, Schema]:
    """What control a part takes, and the shape that says the rest, of those that it may have besides null."""
    whole = next((branch for branch in branches if "properties" in branch), None)
    first = branches[0] if whole is None else whole
    if whole is not None:
        return ("base" if len(branches) > 1 else "group"), whole
    if "const" in first:
        return "const", first
    if first.get("type") == "array":
        return ("lines" if first["items"].get("type") == "string" else "rows"), first
    if "enum" in first:
        return "choice", first
    kinds: Mapping[str, Kind] = {"integer": "integer", "number": "number", "boolean": "flag"}
    return kinds.get(first.get("type", ""), "text"), first


def label(name: str) -> str:
    """A field's name for people.

    >>> label("validation_limit"), label("wall_time_s"), label("ema_decay")
    ('Validation limit', 'Wall time', 'EMA decay')
    """
    for ending in _UNITS:
        name = name.removesuffix(ending)
    words = [_ACRONYMS.get(word, word) for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def _help(description: str, title: str) -> tuple[str, ...]:
    """What a description says beyond the field's name; every second part is code.

    >>> _help("At most `steps`.", "Limit"), _help("Search space.", "Search space")
    (('At most ', 'steps', '.'), ())
    """
    says_more = description.rstrip(".").casefold() != title.casefold()
    return tuple(description.split("`")) if description and says_more else ()


def _unit(name: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def _range(shape: Schema) -> str:
    """Which numbers a shape takes, in words; empty for any.

    >>> _range({"minimum": 1, "maximum": 1_000_000}), _range({"exclusiveMinimum": 0}), _range({"minimum": 1e-08})
    ('1 to 1,000,000', 'above 0', 'at least 1e-08')
    """
    low, high = shape.get("minimum", shape.get("exclusiveMinimum")), shape.get("maximum")
    if low is None and high is None:
        return ""
    above = "above " if "exclusiveMinimum" in shape else ""
    if high is None:
        return f"{above or 'at least '}{low:,.10g}"
    return f"{above}{low:,.10g} to {high:,.10g}" if low is not None else f"at most {high:,.10g}"


def as_json(value: Any) -> str:
    """A value as compact JSON.

    >>> as_json({"steps": 300.0, "crop": None})
    '{"steps":300.0,"crop":null}'
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
