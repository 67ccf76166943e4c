"""What a person wants to know of a dataset version first: computed once, rendered elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from tagpipe.tables.reports.annotation import AnnotationReport
from tagpipe.tables.reports.model import TagCount
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport


class Reports(NamedTuple):
    """The reports of the three stages that make a dataset version."""

    validation: ValidationReport
    annotation: AnnotationReport
    threshold: ThresholdReport


@dataclass(frozen=True)
class Summary:
    """Counts of a version, all taken from its reports.

    Tags with their projects are by projects descending, then tag.
    """

    content_sha256: str
    min_projects: int
    """The cut."""
    n_in: int
    """Rows received."""
    n_rejected: int
    n_duplicates: int
    """Rows that went because an identical one is there."""
    n_labeled: int
    n_unlabeled: tuple[TagCount, ...]
    """(`DropReason`, projects), without zeros."""
    n_rejected_by: tuple[TagCount, ...]
    """(`Rejection`, rows), without zeros."""
    n_uses: int
    """Tag uses as received."""
    n_kept_uses: int
    """Tags on labeled projects, after the cut."""
    n_by_outcome: tuple[TagCount, ...]
    """(`Outcome`, uses before the cut), without zeros."""
    n_tags_seen: int
    n_tags_kept: int
    most_popular: tuple[TagCount, ...]
    just_made: tuple[TagCount, ...]
    just_missed: tuple[TagCount, ...]
    """Five tags each."""
    kept: tuple[TagCount, ...]
    """Every kept tag."""
    out_of_vocabulary: tuple[TagCount, ...]
    """The 20 most used forms that the vocabulary does not have."""
    n_warnings: tuple[TagCount, ...]
    """(`LintKind`, warnings about the vocabulary), without zeros."""
    cardinality: float
    """Mean number of kept tags per labeled project."""
    density: float
    """Cardinality / number of kept tags, 0-1."""
    mean_ir: float
    """The mean imbalance ratio of the kept tags."""


def summarize(reports: Reports) -> Summary:
    """The summary of a version's reports."""
    validation, annotation, threshold = reports
    projects, uses, tags = threshold.projects, threshold.tag_uses, threshold.tags
    return Summary(
        content_sha256=threshold.content_sha256,
        min_projects=threshold.min_projects,
        n_in=projects.n_in,
        n_rejected=projects.n_rejected,
        n_duplicates=projects.n_duplicates,
        n_labeled=projects.n_labeled,
        n_unlabeled=_nonzero(projects.n_unlabeled),
        n_rejected_by=_nonzero(validation.projects.rejected_by_reason),
        n_uses=uses.n_in,
        n_kept_uses=uses.n_kept,
        n_by_outcome=_nonzero(uses.by_outcome),
        n_tags_seen=tags.n_seen,
        n_tags_kept=tags.n_kept,
        most_popular=threshold.most_popular,
        just_made=threshold.just_made,
        just_missed=threshold.just_missed,
        kept=tags.kept,
        out_of_vocabulary=annotation.tags.out_of_vocabulary,
        n_warnings=_nonzero(validation.vocabulary.n_warnings),
        cardinality=threshold.cardinality,
        density=threshold.density,
        mean_ir=threshold.imbalance.mean_ir,
    )


def _nonzero(counts: Mapping[str, int]) -> tuple[TagCount, ...]:
    return tuple((name, count) for name, count in counts.items() if count)


@dataclass(frozen=True)
class SweepRow:
    """What one value of a parameter gives."""

    value: int
    n_tags_kept: int
    n_labeled: int
    cardinality: float
    just_made: tuple[TagCount, ...]
    just_missed: tuple[TagCount, ...]
    """Five tags each."""
