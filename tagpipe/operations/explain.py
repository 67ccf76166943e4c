"""Explain what became of one project."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.dataset.explanation import Explanation, explain_project
from tagpipe.errors import InputError, escape_shown
from tagpipe.io.versions.version import Version, open_version
from tagpipe.tables.reports.manifest import Manifest
from tagpipe.tables.reports.validation import VocabularyFile
from tagpipe.tables.schemas import IdType, id_kind_of
from tagpipe.vocabulary.vocabulary import load_vocabulary

_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
"""What may go to `int`, which also takes 2_0, digits of other scripts and white space, but at most 4300 digits."""


def explain(project_id: str, tag: str | None = None, *, path: str | Path = ".") -> Explanation:
    """Explain why a project of the version at `path` has or lacks `tag`; without one, explain all of its tags.

    Raises InputError if there is no such project; the error says why its row was rejected, if it was.
    """
    version = open_version(path)
    projects = version.read_table("annotate/projects", columns=["id"])
    key = _parse_id(project_id, projects, version)
    return explain_project(
        key,
        version.read_table("annotate/tag_uses", filters=[("project_id", "=", key)]),
        version.read_table("threshold/tags"),
        load_vocabulary(version.read_report(VocabularyFile)),
        version.read_report(Manifest).params,
        tag=tag,
    )


def _parse_id(project_id: str, projects: pa.Table, version: Version) -> int | str:
    """The id in the type of its column. Raises InputError if there is no such project."""
    kind = id_kind_of(projects)
    if kind == "integer" and not _INTEGER.fullmatch(project_id):
        raise InputError(
            "not an id of this dataset",
            field="PROJECT_ID",
            found=escape_shown(project_id),
            expected="an integer",
            fix=_why_rejected(version, project_id, kind),
        )
    key = int(project_id) if kind == "integer" else project_id
    known = projects.column("id")
    fits = isinstance(key, str) or -(1 << 63) <= key < 1 << 63
    if fits and pc.index(known, pa.scalar(key, known.type)).as_py() >= 0:
        return key
    raise InputError(
        "there is no such project in this version",
        field="PROJECT_ID",
        found=escape_shown(key),
        fix=_why_rejected(version, project_id, kind) or "Look the id up in data/source or data/raw",
    )


def _why_rejected(version: Version, project_id: str, kind: IdType) -> str | None:
    """Why a row with this id (a number or a string) was rejected; None if none was."""
    wanted = _id_as_text(project_id, kind)
    for row in version.read_rejected():
        if _id_as_text(row.id, kind) == wanted:
            return f"Row {row.row} with this id was rejected: {row.field} is {row.reason} ({row.found})"
    return None


def _id_as_text(received: object, kind: IdType) -> str | None:
    """The received id as text, whatever its type; None if it cannot be an id."""
    if isinstance(received, bool) or not isinstance(received, int | str):
        return None
    text = str(received)
    return str(int(text)) if kind == "integer" and _INTEGER.fullmatch(text) else text
