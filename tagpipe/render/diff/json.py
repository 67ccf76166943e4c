"""A comparison as JSON."""

from __future__ import annotations

import json

from tagpipe.comparison.document import DiffDocument


def json_diff(document: DiffDocument) -> str:
    """The document in the form of docs/diff.schema.json: ASCII only, with a newline at the end."""
    return json.dumps(document.model_dump(mode="json"), ensure_ascii=True, indent=1, allow_nan=False) + "\n"
