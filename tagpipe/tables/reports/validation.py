"""What stage validate writes beside its table: validation.json, vocabulary.json, the lines of rejected.jsonl."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tagpipe.tables.reports.model import Counts, Report, ReportPart, Several


class ReceivedSource(ReportPart):
    """The bytes of one input, exactly as received."""

    sha256: str
    n_bytes: int | None = None


class ValidatedRows(ReportPart):
    """What became of the rows: n_in = n_rejected + n_duplicates + n_valid."""

    n_in: int
    n_rejected: int
    n_duplicates: int
    """Rows that went because an identical one is there."""
    n_valid: int
    rejected_by_reason: Counts
    """Every `Rejection` -> rows, by their first reason."""


class VocabularyWarning(ReportPart):
    """A doubtful entry of the vocabulary."""

    kind: str
    """A `LintKind`."""
    tag: str
    value: str
    """The doubtful name: the tag itself or one of its parents."""
    nearest: str | None
    """The existing tag that may be meant; None where none is near."""


class VocabularyCounts(ReportPart):
    """The received vocabulary."""

    n_tags: int
    n_aliases: int | None = None
    n_warnings: Counts
    """Every `LintKind` -> warnings."""
    warnings: Several[VocabularyWarning] = ()


class ValidationReport(Report):
    """validation.json."""

    OUTPUT: ClassVar = ("validate", "validation.json")

    schema_: int = Field(default=1, alias="schema")
    sources: dict[str, ReceivedSource] = Field(default_factory=dict)
    """projects and vocabulary."""
    projects: ValidatedRows
    vocabulary: VocabularyCounts


class VocabularyEntry(ReportPart):
    """A tag of the vocabulary, with its names as written."""

    tag: str
    aliases: Several[str]
    parents: Several[str]


class VocabularyFile(Report):
    """vocabulary.json: the vocabulary in its one normal form."""

    OUTPUT: ClassVar = ("validate", "vocabulary.json")

    schema_: int = Field(default=1, alias="schema")
    tags: Several[VocabularyEntry]
    deprecated: Several[str] = ()
    """Names that the vocabulary no longer wants; left out of the file where there is none."""


class RejectedRow(Report):
    """A line of rejected.jsonl. Whatever a source holds may be in it, lone surrogates too."""

    OUTPUT: ClassVar = ("validate", "rejected.jsonl")

    row: int
    """Its number in the source, from 1."""
    id: object
    """The id as received, of any type; None where there is none."""
    field: str | None
    """The first field, by its name in the source, that is wrong; None if the row as a whole is."""
    reason: str
    """A `Rejection`."""
    found: str
    """What the field holds, escaped and cut."""
