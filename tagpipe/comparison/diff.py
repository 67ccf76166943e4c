"""The differences between two dataset versions: projects by id, tags as sets, one label change at a time.

The unit of change is (project, tag, added or removed), where a project's labels are its tags that passed the cut.
Unlabeled projects are compared, too; otherwise one that lost its last tag would seem removed.
Everything is computed on flat arrays in the coordinates of `sides.Union`; no loop runs over projects.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.comparison.document import EntryRow, MoveRow, TagRow, ValueRow
from tagpipe.comparison.sides import LabelChanges, Side, Union, diff_labels, unite
from tagpipe.comparison.tag_changes import Signature, diff_tags, group_changes
from tagpipe.comparison.tag_moves import find_moves
from tagpipe.comparison.value_changes import (
    diff_counts,
    diff_params,
    diff_values,
    diff_vocabularies,
    pair_measures,
)
from tagpipe.tables.schemas import plain_type
from tagpipe.tables.tag_lists import Bools, Int64s


@dataclass(frozen=True, eq=False)
class VersionDiff:
    """Everything that differs. Arrays of projects are indices into `union.ids`, ascending."""

    base: Side
    head: Side
    union: Union
    schema_changes: tuple[ValueRow, ...]
    """Columns whose type differs, and the text fields if they do."""
    added: Int64s
    removed: Int64s
    retexted: Int64s
    """In both versions, with another text."""
    redated: Int64s
    """In both versions, with another created_on."""
    relabeled: Int64s
    """In both versions, with other labels."""
    newly_unlabeled: Int64s
    """In both versions, having lost their last label."""
    newly_labeled: Int64s
    """In both versions, having gained their first label."""
    labels: LabelChanges
    """Those of added and removed projects, too."""
    n_base_labels: int
    n_head_labels: int
    tags: tuple[TagRow, ...]
    near_cut: tuple[TagRow, ...]
    """Tags that stayed on their side of the cut, close to it."""
    signatures: tuple[Signature, ...]
    """Of projects in both versions."""
    moves: tuple[MoveRow, ...]
    """Of projects in both versions."""
    params: tuple[ValueRow, ...]
    sources: tuple[ValueRow, ...]
    vocabulary: tuple[EntryRow, ...]
    measures: tuple[ValueRow, ...]
    """Every count and measure of the reports, changed or not."""
    out_of_vocabulary: tuple[ValueRow, ...]
    """Forms whose number of projects differs, the largest difference first."""

    @property
    def entered(self) -> tuple[TagRow, ...]:
        """Tags that passed the cut in head only."""
        return tuple(change for change in self.tags if change.is_kept and not change.was_kept)

    @property
    def left(self) -> tuple[TagRow, ...]:
        """Tags that passed the cut in base only."""
        return tuple(change for change in self.tags if change.was_kept and not change.is_kept)

    @property
    def is_same_content(self) -> bool:
        """True if the labeled datasets are equal, value by value."""
        return self.base.content_sha256 == self.head.content_sha256

    @property
    def is_same(self) -> bool:
        """True if content, parameters and vocabulary are the same. The received bytes may differ, as in their order."""
        changes = (self.schema_changes, self.tags, self.params, self.vocabulary, self.out_of_vocabulary)
        arrays = (self.added, self.removed, self.retexted, self.redated, self.labels)
        return self.is_same_content and not any(changes) and not any(len(array) for array in arrays)


def diff_versions(base: Side, head: Side) -> VersionDiff:
    """Everything in which head differs from base. Raises InputError if a side has an id twice."""
    union = unite(base, head)
    base_labels, head_labels = union.labels_of(base.labels), union.labels_of(head.labels)
    labels = diff_labels(base_labels, head_labels)
    both = union.in_both
    added = np.flatnonzero(union.base_rows < 0)
    retexted = both[_differ(base, head, "text", union, both)]
    redated = both[_differ(base, head, "created_on", union, both)]
    changed = np.unique(union.unpack(labels.labels)[0])
    relabeled = changed[(union.base_rows[changed] >= 0) & (union.head_rows[changed] >= 0)]
    of_both = _of_projects(union, labels, relabeled)
    had, has = _are_labeled(union, base_labels), _are_labeled(union, head_labels)
    tags = diff_tags(base, head, union, labels)
    return VersionDiff(
        base=base,
        head=head,
        union=union,
        schema_changes=_diff_schemas(base, head),
        added=added,
        removed=np.flatnonzero(union.head_rows < 0),
        retexted=retexted,
        redated=redated,
        relabeled=relabeled,
        newly_unlabeled=relabeled[had[relabeled] & ~has[relabeled]],
        newly_labeled=relabeled[~had[relabeled] & has[relabeled]],
        labels=labels,
        n_base_labels=len(base_labels),
        n_head_labels=len(head_labels),
        tags=tuple(change for change in tags if change.differs),
        near_cut=tuple(change for change in tags if change.is_near(head.min_projects)),
        signatures=group_changes(union, of_both),
        moves=find_moves(union, of_both, tags, base, head),
        params=diff_params(base.params, head.params),
        sources=diff_values(base.sources, head.sources),
        vocabulary=diff_vocabularies(base.vocabulary, head.vocabulary),
        measures=pair_measures(base, head),
        out_of_vocabulary=diff_counts(base.out_of_vocabulary, head.out_of_vocabulary),
    )


def _differ(base: Side, head: Side, column: str, union: Union, projects: Int64s) -> Bools:
    """For each of `projects` (which both sides have), True if its value in `column` differs."""
    ours = _take(base.projects.column(column), union.base_rows[projects])
    theirs = _take(head.projects.column(column), union.head_rows[projects])
    if ours.equals(theirs):
        return np.zeros(len(projects), dtype=bool)
    both_null = pc.and_(pc.is_null(ours), pc.is_null(theirs))
    return ~np.asarray(pc.or_(both_null, pc.fill_null(pc.equal(ours, theirs), False)))


def _take(column: pa.ChunkedArray, rows: Int64s) -> pa.ChunkedArray:
    return column if np.array_equal(rows, np.arange(len(column))) else column.take(pa.array(rows))


def _are_labeled(union: Union, labels: Int64s) -> Bools:
    """For each project of the union, True if it has any of the labels."""
    is_labeled = np.zeros(len(union.ids), dtype=bool)
    is_labeled[union.unpack(labels)[0]] = True
    return is_labeled


def _of_projects(union: Union, labels: LabelChanges, projects: Int64s) -> LabelChanges:
    """Only the changes of `projects`."""
    chosen = np.zeros(len(union.ids), dtype=bool)
    chosen[projects] = True
    stays = chosen[union.unpack(labels.labels)[0]]
    return LabelChanges(labels.labels[stays], labels.is_added[stays])


def _diff_schemas(base: Side, head: Side) -> tuple[ValueRow, ...]:
    """Columns whose types differ, and text fields that came or went."""
    types = [
        {
            **{field.name: str(plain_type(field.type)) for field in side.projects.schema},
            "text": " + ".join(side.params.annotate.text),
        }
        for side in (base, head)
    ]
    return diff_values(*types)
