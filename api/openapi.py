"""The OpenAPI document that docs/reference/openapi.json is a copy of: `python -m api.openapi` prints it."""

from __future__ import annotations

import json
import sys
from typing import Any

from .app import create_app
from .settings import ApiSettings


def document() -> dict[str, Any]:
    """The OpenAPI document of the service; it depends on no settings."""
    return create_app(ApiSettings.model_construct()).openapi()


def text() -> str:
    """The document as sorted, indented JSON."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
