"""A comparison as one HTML page that needs nothing else: its data, style and script stand in it; it loads no more.

Public text is only ever data: JSON that the script puts into text nodes. The policy names the script and the style by
their hashes, so that nothing else could run or load even if some text got out.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any

from tagpipe.comparison.document import CauseRow, DiffDocument
from tagpipe.render.diff.cells import Cell, DiffTable, Span, count
from tagpipe.render.diff.sections import list_projects, make_sections
from tagpipe.render.diff.verdict import verdict_of
from tagpipe.render.text import EMPTY, shorten

_MAX_CHARS = 200
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>tagpipe diff: {verdict}</title>
<style>{style}</style>
</head>
<body>
<main id="page"></main>
<noscript>This page draws its tables with a script of its own: allow it, or read the JSON or Markdown form.</noscript>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def html_diff(document: DiffDocument) -> str:
    """The page, ASCII but for our own words."""
    style, script = (_read_asset(name) for name in ("page.css", "page.js"))
    return _PAGE.format(
        policy=_policy(style, script),
        verdict=verdict_of(document).headline,
        style=style,
        script=script,
        data=embed_json(_page_data(document)),
    )


def embed_json(tree: Any) -> str:
    """JSON that stays inside of its script element: no `<`, `>` or `&`, and no line separator.

    >>> embed_json("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    return json.dumps(tree, ensure_ascii=True, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def _read_asset(name: str) -> str:
    return files("tagpipe.render.diff").joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    closed = "default-src 'none'; img-src 'none'; base-uri 'none'; form-action 'none'"
    return f"{closed}; style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'"


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _page_data(document: DiffDocument) -> dict[str, Any]:
    verdict = verdict_of(document)
    sections = [*make_sections(document), *list_projects(document)]
    return {
        "verdict": {
            "tone": verdict.tone,
            "headline": verdict.headline,
            "detail": _cell(verdict.detail),
            "summary": _cell(verdict.summary),
        },
        "sections": [_section(section) for section in sections],
        "changes": _changes(document),
    }


def _section(section: DiffTable) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.heading(len(section.rows)),
        "isOpen": section.is_open,
        "columns": [[column.name, column.is_number] for column in section.columns],
        "rows": [[_cell(cell) for cell in row] for row in section.rows],
        "notes": [_cell(note) for note in section.notes],
        "ifEmpty": section.if_empty,
    }


def _cell(cell: Cell) -> list[str | list[str]]:
    """Parts: plain words as they are, else [kind, text]; kind is `public` or a tone."""
    return [_part(part) for part in cell]


def _part(part: Span) -> str | list[str]:
    if part.is_public:
        return ["public", _show(part.text)] if part.text else ["dim", EMPTY]
    return [part.tone, part.text] if part.tone else part.text


def _show(text: str) -> str:
    return shorten(text, _MAX_CHARS)


def _changes(document: DiffDocument) -> dict[str, Any]:
    """Every label change that the document has; texts that repeat are written once.

    rows: project and tag as indices, 1 if added, index of the cause (-1 where there is none).
    """
    projects: dict[tuple[str, str], int] = {}
    tags: dict[str, int] = {}
    causes = document.causes.groups if document.causes else ()
    rows = [
        (
            projects.setdefault((str(row.id), row.title), len(projects)),
            tags.setdefault(row.tag, len(tags)),
            int(row.change == "added"),
            row.cause if row.cause is not None and row.cause < len(causes) else -1,
        )
        for row in document.changes.rows
    ]
    return {
        "n": count(document.changes.n),
        "isCut": document.changes.n > len(rows),
        "projects": [[_show(cell) for cell in project] for project in projects],
        "tags": [_show(tag) for tag in tags],
        "causes": [_name_cause(group) for group in causes],
        "rows": rows,
    }


def _name_cause(group: CauseRow) -> str:
    names = ", ".join(_show(name) for name in group.factors[:5])
    more = f" and {len(group.factors) - 5} more" if len(group.factors) > 5 else ""
    return f"{group.cause}: {names}{more}" if names else group.cause
