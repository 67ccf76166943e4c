"""Two dataset versions in the same coordinates: projects by id, labels as one sorted array of integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.errors import InputError, escape_shown
from tagpipe.params import Params
from tagpipe.tables.reports.threshold import ThresholdReport
from tagpipe.tables.reports.validation import ValidationReport
from tagpipe.tables.tag_lists import Bools, Int64s, tag_lists_of
from tagpipe.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Side:
    """One dataset version to compare, in memory."""

    name: str
    projects: pa.Table
    """id, created_on and text of every valid project, labeled or not."""
    labels: pa.Table
    """id and kept tags of every labeled project."""
    tags: pa.Table
    """`schemas.TAGS`."""
    out_of_vocabulary: Mapping[str, int]
    """Form -> the number of projects that have it."""
    vocabulary: Vocabulary
    params: Params
    validation: ValidationReport
    threshold: ThresholdReport
    sources: Mapping[str, str]
    """"projects" and "vocabulary" -> sha256 of the received bytes."""
    commit: str | None = None
    """None for a version that is not a git revision."""

    @property
    def content_sha256(self) -> str:
        """The digest that identifies the version's content."""
        return self.threshold.content_sha256

    @property
    def min_projects(self) -> int:
        """The cut: projects that a tag needs in order to stay."""
        return self.params.threshold.min_projects


@dataclass(frozen=True, eq=False)
class Union:
    """The coordinates of a diff: all projects and all kept tags of both sides.

    A project is an index into `ids`, a tag an index into `tags`, and a label the integer project * len(tags) + tag.
    """

    ids: pa.Array
    """Ascending; cast to text if the two sides have ids of different types."""
    tags: pa.StringArray
    """Ascending."""
    base_rows: Int64s
    """For each project, its row in base's `projects`; -1 if base lacks it."""
    head_rows: Int64s
    """For each project, its row in head's `projects`; -1 if head lacks it."""

    @property
    def in_both(self) -> Int64s:
        """The projects that both sides have."""
        return np.flatnonzero((self.base_rows >= 0) & (self.head_rows >= 0))

    def pack(self, projects: Int64s, tags: Int64s) -> Int64s:
        """The label of each (project, tag) pair."""
        return projects * max(len(self.tags), 1) + tags

    def unpack(self, labels: Int64s) -> tuple[Int64s, Int64s]:
        """(project, tag) of each label."""
        projects, tags = np.divmod(labels, max(len(self.tags), 1))
        return projects, tags

    def labels_of(self, labels: pa.Table) -> Int64s:
        """All labels of a table (id, tags), ascending; projects and tags outside the union are left out."""
        projects = find_places(self.ids, labels.column("id").combine_chunks().cast(self.ids.type))
        lists = tag_lists_of(labels.column("tags"))
        codes = np.asarray(pc.fill_null(pc.index_in(lists.values, value_set=self.tags), -1)).astype(np.int64)
        tags = codes[lists.codes] if len(codes) else np.zeros(0, dtype=np.int64)
        rows = np.repeat(projects, lists.lengths)
        known = (tags >= 0) & (rows >= 0)
        packed = self.pack(rows, tags) if known.all() else self.pack(rows[known], tags[known])
        return packed if _is_ascending(packed) else np.unique(packed)


@dataclass(frozen=True, eq=False)
class LabelChanges:
    """Every label that only one side has."""

    labels: Int64s
    """Ascending, so by project, then tag."""
    is_added: Bools
    """For each label, True if head has it, False if base had it."""

    def __len__(self) -> int:
        return len(self.labels)


def unite(base: Side, head: Side) -> Union:
    """The coordinates of both sides. Raises InputError if a side has an id twice."""
    ours, theirs = (_unique_ids(side) for side in (base, head))
    if ours.type != theirs.type:
        ours, theirs = ours.cast(pa.string()), theirs.cast(pa.string())
    ids = ours if ours.equals(theirs) else pc.unique(pa.concat_arrays([ours, theirs]))
    if not _is_ascending(ids):
        ids = ids.take(pc.sort_indices(ids))
    names = pc.unique(pa.concat_arrays([tag_lists_of(side.labels.column("tags")).used_values for side in (base, head)]))
    return Union(ids, names.take(pc.sort_indices(names)), find_places(ours, ids), find_places(theirs, ids))


def find_places(known: pa.Array, wanted: pa.Array) -> Int64s:
    """The index in `known` of each of `wanted` (both without repeats); -1 for those that are not in it."""
    if known.equals(wanted):
        return np.arange(len(known))
    return np.asarray(pc.fill_null(pc.index_in(wanted, value_set=known), -1)).astype(np.int64)


def _unique_ids(side: Side) -> pa.Array:
    """The ids of a side. Raises InputError if one stands there twice."""
    ids = side.projects.column("id").combine_chunks()
    if _is_ascending(ids):
        return ids
    counts = pc.value_counts(ids)
    if len(counts) < len(ids):
        twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
        raise InputError(
            f"{len(twice)} id{'s stand' if len(twice) > 1 else ' stands'} on more than one project",
            file=side.name,
            field="id",
            found=escape_shown(twice[0].as_py()),
            expected="each id once",
            fix="Build the version anew with `tagpipe run`",
        )
    return ids


def _is_ascending(values: pa.Array | Int64s) -> bool:
    """True if every value is greater than the one before, so that none is there twice: cheaper than counting."""
    if isinstance(values, pa.Array):
        return bool(pc.all(pc.less(values[:-1], values[1:]), min_count=0).as_py())
    return bool((values[1:] > values[:-1]).all())


def diff_labels(base: Int64s, head: Int64s) -> LabelChanges:
    """The labels that only one side has. Both arguments are ascending, without repeats."""
    if np.array_equal(base, head):
        return LabelChanges(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool))
    merged = np.concatenate([base, head])
    merged.sort(kind="stable")  # Merges the two ascending runs in one pass.
    repeats = np.zeros(len(merged) + 1, dtype=bool)
    np.equal(merged[1:], merged[:-1], out=repeats[1:-1])
    single = merged[~(repeats[1:] | repeats[:-1])]
    places = np.minimum(np.searchsorted(head, single), max(len(head) - 1, 0))
    return LabelChanges(single, head[places] == single if len(head) else np.zeros(len(single), dtype=bool))
