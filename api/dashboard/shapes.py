"""JSON Schema in words: what a value is, the fields of the objects in it, and one that would do. Knows no route."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]
"""By name, as a document has them in its components."""

FORMATS = {"date-time": "time (ISO 8601)", "binary": "bytes"}
KINDS = {"string": "text", "boolean": "true or false", "array": "list", "null": "null"}
TIME = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of an object.

    Attributes:
        name: Its key.
        words: What its value is.
        needed: Whether it has to be there.
        description: What it means.
        default: What holds where it is not there, as JSON; empty for nothing worth a word.
        names: Of the objects in its value that the document has a name for.
        objects: The others in its value.
    """

    name: str
    words: str
    needed: bool
    description: str
    default: str
    names: tuple[str, ...]
    objects: tuple[Object, ...]


@dataclass(frozen=True, kw_only=True)
class Object:
    """The fields of an object, and what it is."""

    description: str
    fields: tuple[Field, ...]


def words(schema: Schema, schemas: Schemas) -> str:
    """What a value is, in few words.

    >>> words({"type": "integer", "minimum": 1, "maximum": 10}, {})
    'integer, 1 to 10'
    >>> words({"anyOf": [{"type": "array", "items": {"enum": ["a", "b"]}}, {"type": "null"}]}, {})
    'list of "a" or "b", or null'
    """
    if "$ref" in schema:
        name = _name(schema)
        return name if name in names(schema, schemas) else words(schemas[name], schemas)
    if "anyOf" in schema:
        parts = list(dict.fromkeys(words(one, schemas) for one in schema["anyOf"]))
        return (", or " if any(" " in part for part in parts) else " or ").join(parts)
    if "const" in schema:
        return f"always {json.dumps(schema['const'])}"
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    bounds = _bounds(schema)
    return _kind(schema, schemas) + (f", {bounds}" if bounds else "")


def _kind(schema: Schema, schemas: Schemas) -> str:
    kind = schema.get("type", "")
    if "prefixItems" in schema:
        return f"list of {' and '.join(words(one, schemas) for one in schema['prefixItems'])}"
    if kind == "array" and schema.get("items"):
        return f"list of {words(schema['items'], schemas)}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {words(schema['additionalProperties'], schemas)} by name"
    return FORMATS.get(schema.get("format", "")) or KINDS.get(kind, kind) or "anything"


def _bounds(schema: Schema) -> str:
    """Between what a number lies, or how long a text or a list is."""
    for least, most, unit in (("minimum", "maximum", ""), ("minLength", "maxLength", " characters")):
        if least in schema or most in schema:
            return _range(schema.get(least), schema.get(most)) + unit
    if "prefixItems" not in schema and ("minItems" in schema or "maxItems" in schema):
        return _range(schema.get("minItems"), schema.get("maxItems")) + " of them"
    if "exclusiveMinimum" in schema:
        return f"more than {_figure(schema['exclusiveMinimum'])}"
    return f"like {schema['pattern']}" if "pattern" in schema else ""


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"at least {_figure(least or 0)}"
    return f"at most {_figure(most)}" if least is None else f"{_figure(least)} to {_figure(most)}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:g}"


def names(schema: Schema, schemas: Schemas) -> tuple[str, ...]:
    """The names of the objects in a value, where the document has one for them.

    >>> names({"items": {"$ref": "#/Row"}}, {"Row": {"properties": {}}})
    ('Row',)
    """
    if "$ref" in schema:
        name = _name(schema)
        return (name,) if has_fields(schemas[name]) else names(schemas[name], schemas)
    if "properties" in schema:
        return ()
    return tuple(dict.fromkeys(name for part in _parts(schema) for name in names(part, schemas)))


def objects(schema: Schema, schemas: Schemas) -> tuple[Object, ...]:
    """The objects in a value that have no name, or whose own name led here."""
    if "properties" not in schema:
        return tuple(found for part in _parts(schema) for found in objects(part, schemas))
    needed = schema.get("required", ())
    fields = (_field(key, value, key in needed, schemas) for key, value in schema["properties"].items())
    return (Object(description=schema.get("description", ""), fields=tuple(fields)),)


def has_fields(schema: Schema) -> bool:
    """Whether a value is or holds an object of named fields that is told of where it stands."""
    return "properties" in schema or any(map(has_fields, _parts(schema)))


def _parts(schema: Schema) -> list[Schema]:
    """What a value is one of, or what is in it."""
    parts = [*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")]
    return [part for part in parts if isinstance(part, Mapping)]


def _field(key: str, schema: Schema, needed: bool, schemas: Schemas) -> Field:
    return Field(
        name=key,
        words=words(schema, schemas),
        needed=needed,
        description=schema.get("description", ""),
        default=default_of(schema),
        names=names(schema, schemas),
        objects=objects(schema, schemas),
    )


def default_of(schema: Schema) -> str:
    """What holds where nothing is said, as JSON; empty for none, null, what is empty and what is always the same."""
    default = schema.get("default")
    silent = default is None or default in ("", [], {}) or "const" in schema
    return "" if silent else json.dumps(default, ensure_ascii=False)


def example(schema: Schema, schemas: Schemas, name: str = "TEXT") -> Any:
    """A value that would do: what has to be there, and one field where nothing has to. Texts say what belongs there.

    >>> example({"type": "object", "properties": {"train": {"type": "string"}}, "required": ["train"]}, {})
    {'train': 'TRAIN'}
    """
    if "$ref" in schema:
        return example(schemas[_name(schema)], schemas, name)
    if "anyOf" in schema:
        return example(next(one for one in schema["anyOf"] if one.get("type") != "null"), schemas, name)
    for given in ("const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        keys = schema.get("required") or list(schema["properties"])[:1]
        return {key: example(schema["properties"][key], schemas, key.upper()) for key in keys}
    if schema.get("type") == "array":
        return [example(schema.get("items", {}), schemas, name)]
    plain = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.0), "boolean": True, "object": {}}
    return plain.get(schema.get("type", ""), TIME if schema.get("format") == "date-time" else name)


def _name(reference: Schema) -> str:
    """The name that a reference leads to."""
    return str(reference["$ref"]).rpartition("/")[2]
