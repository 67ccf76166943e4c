"""validation.json."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tagpipe.formats.strict_json import ByteSource
from tagpipe.steps.validate.check_rows import ValidatedProjects
from tagpipe.vocabulary.lint import LintKind, LintWarning
from tagpipe.vocabulary.vocabulary import Vocabulary

_SLICE_BYTES = 1 << 20


def validation_report(
    projects: ValidatedProjects,
    vocabulary: Vocabulary,
    findings: Sequence[LintWarning],
    sources: Mapping[str, Mapping[str, object]],
) -> dict[str, Any]:
    """validation.json. `sources`: for projects and vocabulary what was received (sha256, n_bytes)."""
    by_kind = Counter(str(finding.kind) for finding in findings)
    return {
        "schema": 1,
        "sources": {name: dict(received) for name, received in sources.items()},
        "projects": {
            "n_in": projects.n_in,
            "n_rejected": projects.n_rejected,
            "n_duplicates": projects.n_duplicates,
            "n_valid": projects.rows.num_rows,
            "rejected_by_reason": projects.rejected_by_reason,
        },
        "vocabulary": {
            "n_tags": len(vocabulary.tags),
            "n_aliases": sum(map(len, vocabulary.aliases)),
            "n_warnings": {str(kind): by_kind[str(kind)] for kind in LintKind},
            "warnings": [
                {"kind": str(each.kind), "tag": each.tag, "value": each.value, "nearest": each.nearest}
                for each in findings
            ],
        },
    }


def describe_source(data: ByteSource) -> dict[str, object]:
    """What was received: sha256 of the bytes and their number."""
    digest = hashlib.sha256()
    for at in range(0, len(data), _SLICE_BYTES):
        digest.update(data[at : at + _SLICE_BYTES])
    return {"sha256": digest.hexdigest(), "n_bytes": len(data)}
