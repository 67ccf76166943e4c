"""The document of a comparison. Its lists are cut, and say of how many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tagpipe.comparison.causes import Attribution
from tagpipe.comparison.diff import VersionDiff
from tagpipe.comparison.document import (
    Causes,
    ChangeRow,
    CutList,
    DiffDocument,
    GateRow,
    ProjectRow,
    Projects,
    Row,
    SideRow,
    SignatureRow,
)
from tagpipe.comparison.sides import Side
from tagpipe.tables.tag_lists import Int64s

MAX_ROWS = 1_000
MAX_CHANGES = 20_000
"""Label changes in a document; Parquet has all of them."""
MAX_EXAMPLES = 5
MAX_TITLE_CHARS = 80


def make_document(diff: VersionDiff, attribution: Attribution | None, gates: Iterable[GateRow]) -> DiffDocument:
    """The document of a comparison, in an order that only depends on its content."""
    gates = tuple(gates)
    n_added = int(diff.labels.is_added.sum())
    most_changed = sorted(diff.tags, key=lambda change: (-(change.n_added + change.n_removed), change.tag))
    return DiffDocument(
        schema_version=1,
        base=_side_row(diff.base, diff.n_base_labels),
        head=_side_row(diff.head, diff.n_head_labels),
        is_same=diff.is_same,
        passed=all(gate.passed for gate in gates),
        gates=gates,
        causes=Causes.model_validate(attribution, from_attributes=True) if attribution else None,
        n_labels_added=n_added,
        n_labels_removed=len(diff.labels) - n_added,
        entered=_cut(diff.entered),
        left=_cut(diff.left),
        near_cut=_cut(diff.near_cut),
        moves=_cut(diff.moves),
        projects=Projects(**{name: _cut_projects(diff, getattr(diff, name)) for name in Projects.model_fields}),
        signatures=_cut_signatures(diff),
        tags=_cut(most_changed),
        schema_changes=_cut(diff.schema_changes),
        params=_cut(diff.params),
        sources=_cut(diff.sources),
        vocabulary=_cut(diff.vocabulary),
        measures=_cut(diff.measures),
        out_of_vocabulary=_cut(diff.out_of_vocabulary),
        changes=_cut_changes(diff, attribution),
    )


def _cut(rows: Sequence[Row]) -> CutList[Row]:
    return CutList(n=len(rows), rows=tuple(rows[:MAX_ROWS]))


def _side_row(side: Side, n_labels: int) -> SideRow:
    report = side.threshold
    return SideRow(
        name=side.name,
        commit=side.commit,
        content_sha256=side.content_sha256,
        min_projects=side.min_projects,
        n_projects=side.projects.num_rows,
        n_labeled=report.projects.n_labeled,
        n_labels=n_labels,
        n_tags_kept=report.tags.n_kept,
    )


def _project_rows(diff: VersionDiff, projects: Int64s) -> tuple[ProjectRow, ...]:
    """Rows of projects by their index in the union, with the text of head, or of base where head has none."""
    rows = []
    for project in projects.tolist():
        in_head = diff.union.head_rows[project] >= 0
        side, side_rows = (diff.head, diff.union.head_rows) if in_head else (diff.base, diff.union.base_rows)
        text = side.projects.column("text")[int(side_rows[project])].as_py()
        rows.append(ProjectRow(id=diff.union.ids[project].as_py(), title=text[:MAX_TITLE_CHARS]))
    return tuple(rows)


def _cut_projects(diff: VersionDiff, projects: Int64s) -> CutList[ProjectRow]:
    return CutList(n=len(projects), rows=_project_rows(diff, projects[:MAX_ROWS]))


def _cut_signatures(diff: VersionDiff) -> CutList[SignatureRow]:
    rows = tuple(
        SignatureRow(
            removed=signature.removed,
            added=signature.added,
            n_projects=signature.n_projects,
            examples=_project_rows(diff, signature.projects[:MAX_EXAMPLES]),
        )
        for signature in diff.signatures[:MAX_ROWS]
    )
    return CutList(n=len(diff.signatures), rows=rows)


def _cut_changes(diff: VersionDiff, attribution: Attribution | None) -> CutList[ChangeRow]:
    labels, is_added = diff.labels.labels[:MAX_CHANGES], diff.labels.is_added[:MAX_CHANGES]
    projects, tags = diff.union.unpack(labels)
    names = diff.union.tags.to_pylist()
    causes = attribution.group_of[:MAX_CHANGES].tolist() if attribution else [None] * len(labels)
    rows = tuple(
        ChangeRow(
            id=project.id,
            title=project.title,
            tag=names[tag],
            change="added" if added else "removed",
            cause=cause,
        )
        for project, tag, added, cause in zip(
            _project_rows(diff, projects), tags.tolist(), is_added.tolist(), causes, strict=True
        )
    )
    return CutList(n=len(diff.labels), rows=rows)
