"""How tags fared between two dataset versions: support, the cut, groups of equal changes, moves from tag to tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tagpipe.comparison.sides import LabelChanges, Side, Union
from tagpipe.tables.tag_lists import Int64s

NEAR_CUT = 0.1
"""A tag is near the cut when its support is at most this fraction of `min_projects` away from it."""


@dataclass(frozen=True)
class TagChange:
    """A tag whose support, or whose place at the cut, differs, or whose labels do.

    base, head: projects with it before the cut (0: not seen). was_kept, is_kept: whether it passed the cut.
    """

    tag: str
    base: int
    head: int
    was_kept: bool
    is_kept: bool
    n_added: int
    n_removed: int

    @property
    def differs(self) -> bool:
        """True if its support, its side of the cut or any of its labels differ in head."""
        return (self.base, self.was_kept) != (self.head, self.is_kept) or bool(self.n_added or self.n_removed)

    def is_near(self, min_projects: int) -> bool:
        """True if it stayed on its side of the cut and is near the cut in head."""
        return self.was_kept == self.is_kept and abs(self.head - min_projects) <= NEAR_CUT * min_projects


@dataclass(frozen=True)
class Signature:
    """The same change of labels on several projects: tags removed and added, each ascending; all their projects'
    indices, ascending."""

    removed: tuple[str, ...]
    added: tuple[str, ...]
    projects: Int64s

    @property
    def n_projects(self) -> int:
        return len(self.projects)


def diff_tags(base: Side, head: Side, union: Union, labels: LabelChanges) -> tuple[TagChange, ...]:
    """Every tag that either side has seen, ascending."""
    places = union.unpack(labels.labels)[1]
    n_added, n_removed = (
        dict(zip(union.tags.to_pylist(), np.bincount(places[which], minlength=len(union.tags)).tolist(), strict=True))
        for which in (labels.is_added, ~labels.is_added)
    )
    ours, theirs = _supports(base.tags), _supports(head.tags)
    found = []
    for tag in sorted(ours.keys() | theirs.keys() | n_added.keys()):
        (n_base, was_kept), (n_head, is_kept) = ours.get(tag, (0, False)), theirs.get(tag, (0, False))
        found.append(TagChange(tag, n_base, n_head, was_kept, is_kept, n_added.get(tag, 0), n_removed.get(tag, 0)))
    return tuple(found)


def _supports(tags: pa.Table) -> dict[str, tuple[int, bool]]:
    names, counts, kept = (tags.column(name).to_pylist() for name in ("tag", "n_projects", "kept"))
    return {name: (count, is_kept) for name, count, is_kept in zip(names, counts, kept, strict=True)}


def group_changes(union: Union, labels: LabelChanges) -> tuple[Signature, ...]:
    """Projects by what changed on them, the most frequent change first, then by its tags."""
    projects, tags = union.unpack(labels.labels)
    order = np.lexsort((tags, labels.is_added, projects))
    signs = pc.if_else(pa.array(labels.is_added[order]), "+", "-")
    texts = pc.binary_join_element_wise(signs, pa.array(tags[order]).cast(pa.string()), "")
    rows, starts = np.unique(projects[order], return_index=True)
    offsets = pa.array(np.append(starts, len(order)).astype(np.int32))
    groups = pc.binary_join(pa.ListArray.from_arrays(offsets, texts), " ").dictionary_encode()
    codes = groups.indices.to_numpy()
    by_group = np.split(rows[np.argsort(codes, kind="stable")], np.cumsum(np.bincount(codes))[:-1]) if len(rows) else []
    names = union.tags.to_pylist()
    found = []
    for key, members in zip(groups.dictionary.to_pylist(), by_group, strict=True):
        parts = [(part[0], names[int(part[1:])]) for part in key.split(" ")]
        removed, added = (tuple(name for sign, name in parts if sign == which) for which in "-+")
        found.append(Signature(removed, added, members))
    return tuple(sorted(found, key=lambda group: (-group.n_projects, group.removed, group.added)))
