"""threshold.json."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tagpipe.tables.reports.model import Counts, Report, ReportPart, Several, TagCount


class LabeledProjects(ReportPart):
    """What became of the rows: n_in = n_rejected + n_duplicates + n_labeled + the sum of n_unlabeled."""

    n_in: int
    n_rejected: int
    n_duplicates: int
    n_labeled: int
    n_unlabeled: Counts
    """Every `DropReason` -> projects."""


class KeptUses(ReportPart):
    """Tag uses of the valid projects."""

    n_in: int
    """As received, without the implied ones."""
    by_outcome: Counts
    """Every `Outcome` -> uses, before the cut."""
    n_kept: int
    """Tags on labeled projects, after the cut."""


class KeptTags(ReportPart):
    """Tags that include and exclude let through."""

    n_seen: int
    n_kept: int
    """Of n_seen, those that made the cut."""
    kept: Several[TagCount]
    """All of those, by projects descending, then tag."""


class Imbalance(ReportPart):
    """How much larger the largest support is than a tag's own (Charte et al. 2015); 0 without tags."""

    mean_ir: float
    max_ir: float | None = None


class ThresholdReport(Report):
    """threshold.json. Tags with their projects are by projects descending, then tag."""

    OUTPUT: ClassVar = ("threshold", "threshold.json")

    schema_: int = Field(default=1, alias="schema")
    min_projects: int
    """The cut."""
    projects: LabeledProjects
    tag_uses: KeptUses
    tags: KeptTags
    most_popular: Several[TagCount]
    """The five kept tags with the most projects."""
    just_made: Several[TagCount]
    """The five kept tags with the fewest."""
    just_missed: Several[TagCount]
    """The five tags with the most projects that were cut."""
    cardinality: float
    """Mean number of kept tags per labeled project."""
    density: float
    """Cardinality / number of kept tags, 0-1."""
    imbalance: Imbalance
    content_sha256: str
    """What identifies the version's content."""
