"""What the documentation shows can be followed: its links lead somewhere, and its specs are accepted."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from nas.options import ENGINES, EngineOptions
from nas.spec import BudgetSpec, SearchSpec

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    near = [link for link in links if "://" not in link]
    assert [link for link in near if not (page.parent / link).exists()] == []


def test_every_spec_is_accepted() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    begins = (match.start() for match in re.finditer(r"^\{", text, re.MULTILINE))
    specs = [json.JSONDecoder().raw_decode(text, begin)[0] for begin in begins]
    assert len(specs) >= 4
    for document in specs:
        SearchSpec.model_validate(document)


def test_every_option_of_an_engine_is_described_with_its_defaults() -> None:
    page = (ROOT / "docs" / "reference" / "engine.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (`?[\w.-]+`? \| `?[\w.-]+`?) \|", page, re.MULTILINE))

    def shown(value: object) -> str:
        return f"`{value}`" if isinstance(value, str) else f"{value:g}" if type(value) is float else json.dumps(value)

    options = [field.name for field in fields(EngineOptions) if field.name != "name"]
    engines = ENGINES["nsga2"], ENGINES["falsr"]
    assert rows == {name: " | ".join(shown(getattr(engine, name)) for engine in engines) for name in options}


def test_every_part_of_a_spec_is_described() -> None:
    page = (ROOT / "docs" / "reference" / "spec.md").read_text(encoding="utf-8")
    described = set(re.findall(r"^\| `([\w.]+)`", page, re.MULTILINE))
    budget = {f"budget.{name}" for name in BudgetSpec.model_fields}
    assert (set(SearchSpec.model_fields) - {"dataset", "budget"}) | budget <= described
