"""validation.json."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

from tagpipe.formats.strict_json import ByteSource
from tagpipe.steps.validate.check_rows import ValidatedProjects
from tagpipe.tables.reports.validation import (
    ReceivedSource,
    ValidatedRows,
    ValidationReport,
    VocabularyCounts,
    VocabularyWarning,
)
from tagpipe.vocabulary.lint import LintKind, LintWarning
from tagpipe.vocabulary.vocabulary import Vocabulary

_SLICE_BYTES = 1 << 20


def validation_report(
    projects: ValidatedProjects,
    vocabulary: Vocabulary,
    warnings: Sequence[LintWarning],
    sources: Mapping[str, ReceivedSource],
) -> ValidationReport:
    """validation.json. `sources`: what was received as projects and as vocabulary."""
    by_kind = Counter(warning.kind for warning in warnings)
    return ValidationReport(
        sources=dict(sources),
        projects=ValidatedRows(
            n_in=projects.n_in,
            n_rejected=projects.n_rejected,
            n_duplicates=projects.n_duplicates,
            n_valid=projects.rows.num_rows,
            rejected_by_reason=projects.rejected_by_reason,
        ),
        vocabulary=VocabularyCounts(
            n_tags=len(vocabulary.tags),
            n_aliases=sum(map(len, vocabulary.aliases)),
            n_warnings={str(kind): by_kind[kind] for kind in LintKind},
            warnings=tuple(
                VocabularyWarning(kind=str(warning.kind), tag=warning.tag, value=warning.value, nearest=warning.nearest)
                for warning in warnings
            ),
        ),
    )


def describe_source(data: ByteSource) -> ReceivedSource:
    """The sha256 of the received bytes and their number."""
    digest = hashlib.sha256()
    for start in range(0, len(data), _SLICE_BYTES):
        digest.update(data[start : start + _SLICE_BYTES])
    return ReceivedSource(sha256=digest.hexdigest(), n_bytes=len(data))
