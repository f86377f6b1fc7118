"""How a genotype is written, and read back with every fault named: one line of text, or a JSON document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .cell import Cell
from .checks import genotype_problems
from .errors import InvalidGenotype, Problem
from .ops import EXPANSION, OPERATORS

_NAMES = {operator.token: operator.name for operator in OPERATORS.values()}
_NUMBER = "([0-9]{1,6})"
_SOURCES = "([0-9]{1,6}(?:,[0-9]{1,6})*)"
_FEATURES = re.compile(f"f{_NUMBER}")
_CELL = re.compile(f"({'|'.join(_NAMES)})-k{_NUMBER}-f{_NUMBER}-n{_NUMBER}(-r)?:{_SOURCES}")
_TAIL = re.compile(f"tail:{_SOURCES}")

_FEATURES_FORM = "f and a number, as in f32"
_CELL_FORM = "OPERATOR-kKERNEL-fCHANNELS-nREPEATS[-r]:SOURCES, as in conv-k3-f16-n2-r:0,1"
_TAIL_FORM = "tail:SOURCES, as in tail:0,2"

_DOCUMENT_FIELDS = ("features", "cells", "tail")
_CELL_FIELDS = ("operator", "channels", "kernel", "repeats", "residual", "inputs")
_TAIL_FIELDS = ("inputs",)
_PUBLISHED_GROUPS = {2: "group2", 4: "group4"}


class Parts(NamedTuple):
    """What a genotype is made of."""

    features: int
    cells: tuple[Cell, ...]
    inputs: tuple[tuple[int, ...], ...]


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


_MISSING = _Missing()


def write_text(features: int, cells: Iterable[Cell], inputs: Sequence[Iterable[int]]) -> str:
    """Write the text form, which `read_text` reads."""
    *reads, tail_reads = (",".join(map(str, sources)) for sources in inputs)
    body = "|".join(f"{cell}:{sources}" for cell, sources in zip(cells, reads, strict=True))
    return f"f{features}|{body}|tail:{tail_reads}"


def read_text(text: str) -> Parts:
    """Read the text form.

    Raises:
        InvalidGenotype: Names each part that cannot be read; or, when all can be, each value that cannot be
            built.
    """
    head, *body = text.strip().split("|")
    tail = body.pop() if body else ""
    parts = [
        ("features", head, _FEATURES, _FEATURES_FORM),
        *((f"cells[{i}]", cell, _CELL, _CELL_FORM) for i, cell in enumerate(body)),
        ("tail", tail, _TAIL, _TAIL_FORM),
    ]
    matches = [(name, part, form, pattern.fullmatch(part)) for name, part, pattern, form in parts]
    problems = [Problem(name, part, form) for name, part, form, match in matches if not match]
    if problems:
        raise InvalidGenotype(problems)
    read = [match.groups() for *_, match in matches if match]
    (features,), *cells, (tail_reads,) = read
    inputs = [_numbers(sources) for *_, sources in cells] + [_numbers(tail_reads)]
    return Parts(int(features), tuple(_cell_of_tokens(*tokens) for *tokens, _ in cells), tuple(inputs))


def _cell_of_tokens(token: str, kernel: str, channels: str, repeats: str, residual: str | None) -> Cell:
    return Cell(_NAMES[token], int(channels), int(kernel), int(repeats), bool(residual))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def write_document(features: int, cells: Iterable[Cell], inputs: Sequence[Iterable[int]]) -> dict[str, Any]:
    """Write the JSON form, which `read_document` reads."""
    *reads, tail_reads = (list(sources) for sources in inputs)
    return {
        "features": features,
        "cells": [{**vars(cell), "inputs": sources} for cell, sources in zip(cells, reads, strict=True)],
        "tail": {"inputs": tail_reads},
    }


def read_document(document: object) -> Parts:
    """Read a decoded JSON document: our form, or the published networks' schema (it has a `feat`).

    Raises:
        InvalidGenotype: Names every field that is missing, unknown or wrong, by its path in the document.
    """
    if not isinstance(document, Mapping):
        form = f"an object with {', '.join(_DOCUMENT_FIELDS)}"
        raise InvalidGenotype([Problem("document", document, form)])
    problems: list[Problem] = []
    own = _own_form(document, problems) if "feat" in document else document
    _refuse_unknown("", own, _DOCUMENT_FIELDS, problems)
    features, cells, inputs = _parts(own, problems)
    found = genotype_problems(features, cells, inputs)
    problems += (_at_its_path(problem, len(inputs) - 1) for problem in found)
    if problems:
        raise InvalidGenotype(problems)
    return Parts(features, tuple(cells), tuple(map(tuple, inputs)))


def _parts(document: Mapping[Any, Any], problems: list[Problem]) -> tuple[Any, Any, list[Any]]:
    """Take the parts out of our form, with `_MISSING` for what is not there: the checks name it."""
    features, cells = document.get("features", _MISSING), document.get("cells", _MISSING)
    listed = cells if isinstance(cells, list) else []
    for i, cell in enumerate(listed):
        _refuse_unknown(f"cells[{i}].", cell, _CELL_FIELDS, problems)
    _refuse_unknown("tail.", document.get("tail"), _TAIL_FIELDS, problems)
    inputs = [_get(block, "inputs") for block in (*listed, document.get("tail", _MISSING))]
    return features, [_cell(cell) for cell in listed] if listed else cells, inputs


def _cell(document: object) -> Any:
    if not isinstance(document, Mapping):
        return document
    return Cell(*(_get(document, name) for name in _CELL_FIELDS[:-1]))


def _get(document: object, name: str) -> Any:
    return document.get(name, _MISSING) if isinstance(document, Mapping) else _MISSING


def _refuse_unknown(path: str, document: object, known: tuple[str, ...], problems: list[Problem]) -> None:
    if isinstance(document, Mapping):
        unknown = [name for name in document if name not in known]
        allowed = f"only {', '.join(known)}"
        problems += (Problem(f"{path}{name}", document[name], allowed) for name in unknown)


def _at_its_path(problem: Problem, n_cells: int) -> Problem:
    """Name a problem of `inputs[i]` by where a document keeps those inputs."""
    match = re.fullmatch(r"inputs\[([0-9]+)\]", problem.field)
    if not match:
        return problem
    block = int(match[1])
    path = f"cells[{block}].inputs" if block < n_cells else "tail.inputs"
    return Problem(path, problem.value, problem.allowed)


def _own_form(published: Mapping[Any, Any], problems: list[Problem]) -> dict[str, Any]:
    """Translate the published schema into our form; what cannot be translated is left to the checks."""
    cells = published.get("cells", _MISSING)
    if isinstance(cells, list):
        cells = [_own_cell(f"cells[{i}]", cell, problems) for i, cell in enumerate(cells)]
    tail = {"inputs": _get(published.get("tail"), "inputs")}
    return {"features": _get(published["feat"], "channels"), "cells": cells, "tail": tail}


def _own_cell(path: str, cell: object, problems: list[Problem]) -> object:
    if not isinstance(cell, Mapping):
        return cell
    operator, groups = cell.get("op", _MISSING), cell.get("groups", _MISSING)
    if operator == "group_conv":
        if not isinstance(groups, int) or groups not in _PUBLISHED_GROUPS:
            problems.append(Problem(f"{path}.groups", groups, "2 or 4"))
            groups = 2  # its one fault is named: the checks need not name the operator too
        operator = _PUBLISHED_GROUPS[groups]
    if operator == "inverted_bottleneck" and cell.get("expansion", EXPANSION) != EXPANSION:
        problems.append(Problem(f"{path}.expansion", cell["expansion"], str(EXPANSION)))
    return {"operator": operator, **{name: cell.get(name, _MISSING) for name in _CELL_FIELDS[1:]}}
