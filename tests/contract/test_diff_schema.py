"""The published schema of a comparison's JSON is the one of the code.

`TAGPIPE_REWRITE=1 pytest tests/contract/test_diff_schema.py` rewrites it.
"""

from __future__ import annotations

import json
import os

from support.paths import REPO

from tagpipe.comparison.document import DiffDocument

SCHEMA = REPO / "docs" / "diff.schema.json"
REWRITE = os.environ.get("TAGPIPE_REWRITE") == "1"  # read at import: the tests' own surroundings have no TAGPIPE_


def test_the_published_schema_is_that_of_the_code() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **DiffDocument.model_json_schema()}
    text = json.dumps(schema, ensure_ascii=True, indent=1) + "\n"
    if REWRITE:
        SCHEMA.write_text(text, encoding="utf-8")
    assert SCHEMA.is_file(), "rewrite it as this file's docstring says"
    assert SCHEMA.read_text(encoding="utf-8") == text, "rewrite it as this file's docstring says"
