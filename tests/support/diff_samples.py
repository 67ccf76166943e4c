"""Documents of small comparisons, made by the pipeline and the comparison themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from support.samples import build_records, project
from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import diff_versions
from tagpipe.comparison.document import DiffDocument, GateRow
from tagpipe.comparison.make_document import make_document
from tagpipe.dataset.build import Build
from tagpipe.dataset.compare_builds import side_of

Labels = Mapping[int | str, Iterable[str]]


def build_labels(labels: Labels, vocabulary: Mapping[str, Any] | str = "a b c d e", **sections: Any) -> Build:
    """The pipeline over projects by id."""
    return build_records([project(key, list(tags)) for key, tags in labels.items()], vocabulary, **sections)


def document_of(
    base: Build, head: Build, *, gates: Iterable[GateRow] = (), attribution: Attribution | None = None
) -> DiffDocument:
    """The comparison of two builds."""
    return make_document(diff_versions(side_of(base, "old"), side_of(head, "new")), attribution, gates)


BASE = build_labels({1: "ab", 2: "ab", 3: "b", 4: "bc", 5: ""}, threshold={"min_projects": 2})
HEAD = build_labels({1: "ab", 2: "ac", 3: "c", 4: "bc", 6: "e"}, threshold={"min_projects": 3})


def changed_document(**parts: Any) -> DiffDocument:
    """A change of projects, labels and the cut: at 3 b stays out, c comes in."""
    return document_of(BASE, HEAD, **parts)
