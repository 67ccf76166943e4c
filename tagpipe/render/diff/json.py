"""A comparison as JSON, and the published schema of that."""

from __future__ import annotations

import json
from typing import Any

from tagpipe.comparison.document import DiffDocument


def json_diff(document: DiffDocument) -> str:
    """The document, ASCII only, in the schema's order, with a newline at the end."""
    return json.dumps(document.model_dump(mode="json"), ensure_ascii=True, indent=1, allow_nan=False) + "\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the document; docs/diff.schema.json is this."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **DiffDocument.model_json_schema()}
