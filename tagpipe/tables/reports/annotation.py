"""annotation.json."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tagpipe.tables.reports.model import Counts, Report, ReportPart, Several, TagCount


class AnnotatedUses(ReportPart):
    """Tag uses of the valid projects."""

    n_in: int
    """As received, without the implied ones."""
    by_outcome: Counts
    """Every `Outcome` -> uses."""


class AnnotatedTags(ReportPart):
    """Distinct tags of the valid projects."""

    n_raw: int | None = None
    """Distinct raw tags."""
    n_out_of_vocabulary: int | None = None
    """Distinct forms that the vocabulary does not have."""
    out_of_vocabulary: Several[TagCount]
    """The 20 of them with the most projects, by projects descending, then form."""
    excluded: Several[str] = ()
    """Tags that `annotate.exclude` takes out, ascending."""


class AnnotationReport(Report):
    """annotation.json."""

    OUTPUT: ClassVar = ("annotate", "annotation.json")

    schema_: int = Field(default=1, alias="schema")
    n_projects: int | None = None
    """Valid projects."""
    tag_uses: AnnotatedUses | None = None
    tags: AnnotatedTags
