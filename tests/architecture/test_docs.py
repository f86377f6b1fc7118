"""What the documentation shows can be followed: its links lead somewhere, and its specs are accepted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nas.spec import SearchSpec

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
