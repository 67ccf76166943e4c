"""Changes of tags between two dataset versions: support, place at the cut, and groups of equal label changes."""

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
    """The support, the place at the cut and the label changes of one tag."""

    tag: str
    base: int
    """Projects with it before the cut, in base; 0 if base has not seen it."""
    head: int
    """The same in head."""
    was_kept: bool
    """True if it passed base's cut."""
    is_kept: bool
    """True if it passed head's cut."""
    n_added: int
    """Projects that gained it as a label."""
    n_removed: int
    """Projects that lost it as a label."""

    @property
    def differs(self) -> bool:
        """True if its support, its side of the cut or any of its labels differ in head."""
        return (self.base, self.was_kept) != (self.head, self.is_kept) or bool(self.n_added or self.n_removed)

    def is_near(self, min_projects: int) -> bool:
        """True if it stayed on its side of the cut and is near the cut in head."""
        return self.was_kept == self.is_kept and abs(self.head - min_projects) <= NEAR_CUT * min_projects


@dataclass(frozen=True)
class Signature:
    """The same label change on one or more projects."""

    removed: tuple[str, ...]
    """Ascending."""
    added: tuple[str, ...]
    """Ascending."""
    projects: Int64s
    """Indices of the projects, ascending."""

    @property
    def n_projects(self) -> int:
        return len(self.projects)


def diff_tags(base: Side, head: Side, union: Union, labels: LabelChanges) -> tuple[TagChange, ...]:
    """Every tag that either side has seen, ascending."""
    tags = union.unpack(labels.labels)[1]
    n_added, n_removed = (
        dict(zip(union.tags.to_pylist(), np.bincount(tags[mask], minlength=len(union.tags)).tolist(), strict=True))
        for mask in (labels.is_added, ~labels.is_added)
    )
    ours, theirs = _supports(base.tags), _supports(head.tags)
    changes = []
    for tag in sorted(ours.keys() | theirs.keys() | n_added.keys()):
        (n_base, was_kept), (n_head, is_kept) = ours.get(tag, (0, False)), theirs.get(tag, (0, False))
        changes.append(TagChange(tag, n_base, n_head, was_kept, is_kept, n_added.get(tag, 0), n_removed.get(tag, 0)))
    return tuple(changes)


def _supports(tags: pa.Table) -> dict[str, tuple[int, bool]]:
    """Tag -> (projects with it before the cut, True if it passed the cut)."""
    names, counts, kept = (tags.column(name).to_pylist() for name in ("tag", "n_projects", "kept"))
    return {name: (count, is_kept) for name, count, is_kept in zip(names, counts, kept, strict=True)}


def group_changes(union: Union, labels: LabelChanges) -> tuple[Signature, ...]:
    """The projects grouped by their label changes; the most frequent change first, then by its tags."""
    # Each project's change becomes one text such as "-3 +7", so that Arrow can group them without a Python loop.
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
    signatures = []
    for key, members in zip(groups.dictionary.to_pylist(), by_group, strict=True):
        parts = [(part[0], names[int(part[1:])]) for part in key.split(" ")]
        removed, added = (tuple(name for sign, name in parts if sign == wanted) for wanted in "-+")
        signatures.append(Signature(removed, added, members))
    return tuple(sorted(signatures, key=lambda group: (-group.n_projects, group.removed, group.added)))
