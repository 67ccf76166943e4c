"""manifest.json."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tagpipe.tables.reports.model import Report, ReportPart
from tagpipe.tables.reports.threshold import LabeledProjects


class TableDigest(ReportPart):
    """One table of the version."""

    n_rows: int
    sha256: str
    """Of its values (`tables.digest`)."""


class ManifestCounts(LabeledProjects):
    """The counts of threshold.json that say how large the version is."""

    n_tags_seen: int
    n_tags_kept: int
    n_tag_uses: int
    n_tag_uses_kept: int


class BuiltAnnotate(ReportPart):
    """`annotate`: what is read of it here; the other parameters are further keys."""

    normalize: bool
    aliases: bool


class BuiltThreshold(ReportPart):
    """`threshold`: what is read of it here; the other parameters are further keys."""

    min_projects: int


class BuiltParams(ReportPart):
    """The sections of params.yaml that shaped the version, whole, as they were."""

    # Named, though nobody reads it here: further keys would be written behind the others.
    validate_: dict[str, object] = Field(default_factory=dict, alias="validate")
    annotate: BuiltAnnotate
    threshold: BuiltThreshold

    def as_dict(self) -> dict[str, object]:
        """The sections as params.yaml has them."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class Manifest(Report):
    """manifest.json: what a version is, and what its tables must be."""

    OUTPUT: ClassVar = ("threshold", "manifest.json")

    schema_: int = Field(default=1, alias="schema")
    content_sha256: str
    """What identifies the version's content."""
    counts: ManifestCounts | None = None
    params: BuiltParams
    sources: dict[str, str]
    """projects and vocabulary -> sha256 of the bytes as received."""
    tables: dict[str, TableDigest]
    """STAGE/TABLE -> rows and digest, as `schemas.table_schemas` names them."""
